// What all runtimes have in common: cache tiers, images, and the status.
import { RUNTIME_CONDITIONS, RUNTIME_PHASES } from './conditions.ts';
import { mount } from './dataset.ts';
import type { Column } from './kind.ts';
import { anything, imagePullSecret, resources, stringMap } from './kubernetes.ts';
import { QUANTITY_LIST_PATTERN } from './quantity.ts';
import { defaulted, int32, list, map, object, oneOf, optional, quantity, required, text } from './schema/shape.ts';
import { flag, time, usually } from './schema/shape.ts';
import type { Field, Infer } from './schema/shape.ts';

export const level = object({
  mediumtype: required(oneOf(['MEM', 'SSD', 'HDD']), 'What the tier is made of: MEM, SSD or HDD.'),
  volumeType: defaulted(
    oneOf(['hostPath', 'emptyDir']),
    'hostPath',
    'Where its files are: in a folder of the node (hostPath), which outlives the pod, or in the pod (emptyDir).',
  ),
  volumeSource: optional(anything, 'More of the volume, such as emptyDir with a sizeLimit. Written as in a pod.'),
  path: optional(
    text({ minLength: 1 }),
    'Folder of the tier. Several are separated by commas, in a JuiceFSRuntime by colons.',
  ),
  quota: optional(
    quantity(),
    'How much the tier holds on each worker, such as 20Gi; divided evenly among several paths.',
  ),
  quotaList: optional(
    text({ pattern: QUANTITY_LIST_PATTERN, patternFix: 'write a quantity for each path, such as 10Gi,20Gi' }),
    'How much each of several paths holds, separated by commas, in the order of the paths.',
  ),
  high: optional(text(), 'Part of the tier that may be full before it is cleaned up, such as "0.99".'),
  low: optional(text(), 'Part of the tier that is still full after it was cleaned up, such as "0.95".'),
});
export type Level = Infer<typeof level>;

export const tieredStore = object({ levels: optional(list(level), 'The tiers. The first of them is used.') });
export type TieredStore = Infer<typeof tieredStore>;

export const podMetadata = object({
  labels: optional(stringMap, 'Labels of the pods.'),
  annotations: optional(stringMap, 'Annotations of the pods.'),
});
export type PodMetadata = Infer<typeof podMetadata>;

export const imageFields = {
  image: optional(text(), 'Name of the image, without its tag.'),
  imageTag: optional(text(), 'Tag of the image.'),
  imagePullPolicy: optional(
    usually(['Always', 'IfNotPresent', 'Never']),
    'When the image is pulled: Always, IfNotPresent or Never.',
  ),
} as const satisfies Record<string, Field>;

export const image = object(imageFields);

export const initUsers = object({
  ...imageFields,
  env: optional(stringMap, 'Environment variables.'),
  resources: optional(resources, 'CPU and memory.'),
});

export const networkMode = oneOf(['HostNetwork', '', 'ContainerNetwork']);
export const cleanPolicy = usually(['OnDemand', 'OnRuntimeDeleted', 'OnFuseChanged', '']);
export const CLEAN_POLICY_DESCRIPTION =
  'When the FUSE pod of a node that nobody uses any more goes: OnDemand at once, OnFuseChanged at once if it is not of the present definition, OnRuntimeDeleted (also where it is left out) with the runtime.';

export const imagePullSecrets = list(imagePullSecret);

export const cleanCachePolicy = object({
  gracePeriodSeconds: defaulted(int32(), 60, 'How long one attempt to clean the cache may take.'),
  maxRetryAttempts: defaulted(int32(), 3, 'How often a failed attempt is repeated.'),
});

export const management = object({
  cleanCachePolicy: optional(cleanCachePolicy, 'How the cache is cleaned when the runtime is deleted.'),
  metadataSyncPolicy: optional(
    object({ autoSync: defaulted(flag(), true, 'True if names and sizes are read from the storage by themselves.') }),
    'How names and sizes are kept up to date.',
  ),
});

const condition = object({
  type: required(usually(RUNTIME_CONDITIONS), 'What the condition is about.'),
  status: required(usually(['True', 'False', 'Unknown']), 'Whether it holds: True, False or Unknown.'),
  reason: optional(text(), 'Why, in a few words.'),
  message: optional(text(), 'Why, for people.'),
  lastProbeTime: optional(time(), 'When it was looked at last.'),
  lastTransitionTime: optional(time(), 'When its status changed last.'),
});
export type RuntimeCondition = Infer<typeof condition>;

const phase = usually(RUNTIME_PHASES);

export const runtimeStatus = object({
  valueFile: required(text(), 'Name of the ConfigMap with the values the parts were made of.'),
  masterPhase: required(phase, 'How the master is: NotReady, PartialReady or Ready.'),
  masterReason: optional(text(), 'Why.'),
  desiredMasterNumberScheduled: required(int32(), 'How many masters there should be.'),
  currentMasterNumberScheduled: required(int32(), 'How many there are.'),
  masterNumberReady: required(int32(), 'How many of them are ready.'),
  workerPhase: required(phase, 'How the workers are: NotReady, PartialReady or Ready.'),
  workerReason: optional(text(), 'Why.'),
  desiredWorkerNumberScheduled: required(int32(), 'How many workers there should be.'),
  currentWorkerNumberScheduled: required(int32(), 'How many there are.'),
  workerNumberReady: required(int32(), 'How many of them are ready.'),
  workerNumberAvailable: optional(int32(), 'How many of them have been ready for a while.'),
  workerNumberUnavailable: optional(int32(), 'How many of them have not.'),
  fusePhase: required(phase, 'Ready. How the FUSE pods really are is in the condition FusesReady.'),
  fuseReason: optional(text(), 'Why.'),
  desiredFuseNumberScheduled: required(int32(), 'How many nodes want a FUSE pod.'),
  currentFuseNumberScheduled: required(int32(), 'How many of them have one.'),
  fuseNumberReady: required(int32(), 'How many FUSE pods are ready.'),
  fuseNumberAvailable: optional(int32(), 'How many of them have been ready for a while.'),
  fuseNumberUnavailable: optional(int32(), 'How many of them have not.'),
  setupDuration: optional(text(), 'How long it took until everything was set up, such as 1m30s.'),
  conditions: optional(list(condition), 'What was observed of the runtime last.'),
  cacheStates: optional(map(text()), 'The cache in numbers; the Dataset shows the same.'),
  selector: optional(text(), 'Labels of the worker pods, for autoscaling.'),
  apiGateway: optional(
    object({ endpoint: optional(text(), 'Its address.') }),
    'A gateway to the data, where there is one.',
  ),
  mountTime: optional(time(), 'When the storages were mounted by the master last.'),
  mounts: optional(list(mount), 'The mounts that are in effect.'),
  cacheAffinity: optional(anything, 'Which nodes the workers may be on. Written as in a pod.'),
});
export type RuntimeStatus = Infer<typeof runtimeStatus>;

/** Without those of the master, which JuiceFS does not have. */
export const workerAndFuseColumns: readonly Column[] = [
  { name: 'Ready Workers', type: 'integer', path: '.status.workerNumberReady', priority: 10 },
  { name: 'Desired Workers', type: 'integer', path: '.status.desiredWorkerNumberScheduled', priority: 10 },
  { name: 'Worker Phase', type: 'string', path: '.status.workerPhase' },
  { name: 'Ready Fuses', type: 'integer', path: '.status.fuseNumberReady', priority: 10 },
  { name: 'Desired Fuses', type: 'integer', path: '.status.desiredFuseNumberScheduled', priority: 10 },
  { name: 'Fuse Phase', type: 'string', path: '.status.fusePhase' },
  { name: 'Age', type: 'date', path: '.metadata.creationTimestamp' },
];
