// What every object of Kubernetes has in front of its spec.
import { stringMap } from './kubernetes.ts';
import { defaulted, flag, list, openObject, optional, required, text, time } from './schema/shape.ts';
import type { Infer } from './schema/shape.ts';

export const ownerReference = openObject({
  apiVersion: required(text(), 'Group and version of the owner.'),
  kind: required(text(), 'Kind of the owner.'),
  name: required(text(), 'Name of the owner.'),
  uid: required(text(), 'UID of the owner.'),
  controller: optional(flag(), 'True for the one owner that manages the object.'),
  blockOwnerDeletion: optional(flag(), 'True if a foreground deletion of the owner waits for the object.'),
});
export type OwnerReference = Infer<typeof ownerReference>;

/** Of an object the API server gave out: it has a UID. */
export const metadata = openObject({
  name: required(text({ minLength: 1 }), 'Name of the object.'),
  namespace: required(text({ minLength: 1 }), 'Namespace of the object.'),
  uid: required(text({ minLength: 1 }), 'What tells it from an earlier object of the same name.'),
  resourceVersion: optional(text(), 'Changes with every change.'),
  creationTimestamp: optional(time(), 'When it was created.'),
  deletionTimestamp: optional(time(), 'When its deletion was asked for.'),
  labels: defaulted(stringMap, {}, 'Labels.'),
  annotations: defaulted(stringMap, {}, 'Annotations.'),
  finalizers: defaulted(list(text()), [], 'Who must let go of it before it is gone.'),
  ownerReferences: defaulted(list(ownerReference), [], 'With whom it is deleted.'),
});
export type Metadata = Infer<typeof metadata>;
