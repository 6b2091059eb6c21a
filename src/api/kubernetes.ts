// Kubernetes' own types, where objects of ours have them. Fields that matter here are described; all others are kept as they are, and
// the API server judges them when the pod is made that they are copied into.
import {
  flag,
  int32,
  int64,
  list,
  map,
  openObject,
  optional,
  quantity,
  required,
  text,
  usually,
} from './schema/shape.ts';
import type { Infer, JsonObject } from './schema/shape.ts';

const AS_IN_A_POD = 'Written as in a pod.';

export const stringMap = map(text());

export const toleration = openObject({
  key: optional(text(), 'Key of the taint. Empty means every key, and then the operator is Exists.'),
  operator: optional(usually(['Exists', 'Equal']), 'How the value is compared. Equal where it is left out.'),
  value: optional(text(), 'Value of the taint.'),
  effect: optional(usually(['NoSchedule', 'PreferNoSchedule', 'NoExecute']), 'Effect of the taint. Empty means all.'),
  tolerationSeconds: optional(
    int64(),
    'How long a pod stays on a node after a NoExecute taint came. Forever if left out.',
  ),
});
export type Toleration = Infer<typeof toleration>;

const requirement = openObject({
  key: required(text(), 'Label of the node.'),
  operator: required(
    usually(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']),
    'How the label is compared with the values: In, NotIn, Exists, DoesNotExist, Gt or Lt.',
  ),
  values: optional(list(text()), 'What the label is compared with.'),
});

const selectorTerm = openObject({
  matchExpressions: optional(list(requirement), 'Conditions on labels of the node, all of which must hold.'),
  matchFields: optional(list(requirement), 'Conditions on fields of the node, all of which must hold.'),
});

export const nodeSelector = openObject({
  nodeSelectorTerms: required(list(selectorTerm), 'A node is taken if it fits one of these terms.'),
});
export type NodeSelector = Infer<typeof nodeSelector>;

export const resources = openObject({
  requests: optional(map(quantity()), 'What is set aside for the container, such as cpu: 500m and memory: 2Gi.'),
  limits: optional(map(quantity()), 'What the container may use at most.'),
});
export type Resources = Infer<typeof resources>;

export const envVar = openObject({
  name: required(text(), 'Name of the variable.'),
  value: optional(text(), 'Its value.'),
});
export type EnvVar = Infer<typeof envVar>;

export const containerPort = openObject({
  containerPort: required(int32(), 'Number of the port in the pod.'),
  name: optional(text(), 'A name for services to refer to.'),
  hostPort: optional(int32(), 'Number of the port on the node.'),
  protocol: optional(usually(['TCP', 'UDP', 'SCTP']), 'TCP where it is left out.'),
});

export const volume = openObject({
  name: required(text(), `Name that volumeMounts refer to. The rest says what the volume is. ${AS_IN_A_POD}`),
});
export type Volume = Infer<typeof volume>;

export const volumeMount = openObject({
  name: required(text(), 'Name of one of the volumes of the runtime.'),
  mountPath: required(text(), 'Where it appears in the container.'),
  readOnly: optional(flag(), 'True if the container may not write to it.'),
  subPath: optional(text(), 'Folder of the volume to mount instead of all of it.'),
});
export type VolumeMount = Infer<typeof volumeMount>;

export const imagePullSecret = openObject({
  name: optional(text(), 'Name of a Secret in the same namespace with the credentials of a registry.'),
});

/** Kept and handed on without a look inside. */
export const anything = openObject({});
export type Anything = JsonObject;
