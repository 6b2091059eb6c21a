// DataLoad: bring data of a Dataset into its cache before somebody asks for it.
import { OPERATION_CONDITIONS, OPERATION_PHASES } from './conditions.ts';
import type { Kind, Resource, Rule } from './kind.ts';
import { anything, resources, stringMap, toleration } from './kubernetes.ts';
import { podMetadata } from './runtime.ts';
import { defaulted, flag, int32, list, map, needed, object, oneOf, optional, required } from './schema/shape.ts';
import { text, time, usually, type Infer } from './schema/shape.ts';

const affinityStrategy = object({
  dependOn: optional(anything, 'Which operation the pods are to be near to.'),
  policy: optional(
    usually(['', 'Require', 'Prefer']),
    'Whether they must be near to it (Require) or should be (Prefer).',
  ),
  prefers: optional(
    list(
      object({
        name: required(text(), 'Label of the node.'),
        weight: required(int32(), 'How much it counts.'),
      }),
    ),
    'Labels that the nodes should have in common.',
  ),
  requires: optional(
    list(object({ name: required(text(), 'Label of the node.') })),
    'Labels that the nodes must have in common.',
  ),
});

const runAfter = object({
  apiVersion: optional(text(), 'Group and version of the operation.'),
  kind: required(oneOf(['DataLoad', 'DataBackup', 'DataMigrate', 'DataProcess']), 'Kind of the operation.'),
  name: required(text(), 'Name of the operation.'),
  namespace: optional(text(), 'Its namespace. The same one where it is left out.'),
  affinityStrategy: optional(affinityStrategy, 'Whether this one runs near to where that one ran.'),
});

const spec = object({
  dataset: needed(
    object({
      name: required(text(), 'Name of the Dataset.'),
      namespace: optional(text(), 'Its namespace, which must be that of the DataLoad.'),
    }),
    'The Dataset to load.',
  ),
  target: optional(
    list(
      object({
        path: required(text(), 'File or folder in the Dataset, beginning with a slash.'),
        replicas: optional(int32(), 'On how many workers it is to be.'),
      }),
    ),
    'What to load. Everything where it is left out.',
  ),
  loadMetadata: optional(flag(), 'True if names and sizes are read anew from the storage first.'),
  policy: defaulted(
    oneOf(['Once', 'Cron', 'OnEvent']),
    'Once',
    'When it runs: Once, by a schedule (Cron), or when something happens (OnEvent).',
  ),
  schedule: optional(text(), 'When it runs with the policy Cron, such as "0 3 * * *".'),
  runAfter: optional(runAfter, 'The operation to wait for.'),
  ttlSecondsAfterFinished: optional(int32(), 'How long it is kept after its end. For ever where it is left out.'),
  options: optional(stringMap, 'Settings of the runtime for this load.'),
  podMetadata: optional(podMetadata, 'Labels and annotations of the pods.'),
  affinity: optional(anything, 'Which nodes the pods may be on. Written as in a pod.'),
  tolerations: optional(list(toleration), 'Taints of nodes that the pods tolerate.'),
  nodeSelector: optional(stringMap, 'Labels a node must have.'),
  schedulerName: optional(text(), 'Scheduler of the pods.'),
  resources: optional(resources, 'CPU and memory of each pod.'),
});
export type DataLoadSpec = Infer<typeof spec>;

const condition = object({
  type: required(usually(OPERATION_CONDITIONS), 'Complete or Failed.'),
  status: required(usually(['True', 'False', 'Unknown']), 'Whether it holds: True, False or Unknown.'),
  reason: optional(text(), 'Why, in one word.'),
  message: optional(text(), 'Why, for people.'),
  lastProbeTime: optional(time(), 'When it was looked at last.'),
  lastTransitionTime: optional(time(), 'When its status changed last.'),
});
export type OperationCondition = Infer<typeof condition>;

/** Of every operation on data. */
const operationStatus = object({
  phase: required(usually(OPERATION_PHASES), 'Pending, Executing, Complete or Failed.'),
  duration: required(text(), 'How long it took, such as 1m30s; Unfinished before its end.'),
  conditions: required(list(condition), 'How it ended.'),
  infos: optional(map(text()), 'What else there is to know of it.'),
  lastScheduleTime: optional(time(), 'When the schedule started it last.'),
  lastSuccessfulTime: optional(time(), 'When it ended well last.'),
  waitingFor: optional(
    object({ operationComplete: optional(flag(), 'True while it waits for the operation in runAfter.') }),
    'What it waits for.',
  ),
  nodeAffinity: optional(anything, 'On which nodes it ran. Written as in a pod.'),
});
export type OperationStatus = Infer<typeof operationStatus>;

const scheduleRule: Rule<DataLoadSpec> = {
  path: 'spec.schedule',
  what: 'it is missing, and the policy is Cron',
  fix: 'set it to when the load is to run, such as "0 3 * * *", or set the policy to Once',
  cel: "!has(self.spec) || !has(self.spec.policy) || self.spec.policy != 'Cron' || (has(self.spec.schedule) && self.spec.schedule != '')",
  holds: ({ spec: { policy, schedule } }) => policy !== 'Cron' || (schedule ?? '') !== '',
};

export const dataLoad: Kind<DataLoadSpec, OperationStatus> = {
  kind: 'DataLoad',
  plural: 'dataloads',
  singular: 'dataload',
  shortName: 'load',
  description: 'DataLoad brings data of a Dataset into its cache before somebody asks for it.',
  spec,
  specDescription: 'What is loaded, and when.',
  status: operationStatus,
  statusDescription: 'How far it is.',
  columns: [
    { name: 'Dataset', type: 'string', path: '.spec.dataset.name' },
    { name: 'Phase', type: 'string', path: '.status.phase' },
    { name: 'Age', type: 'date', path: '.metadata.creationTimestamp' },
    { name: 'Duration', type: 'string', path: '.status.duration' },
  ],
  rules: [scheduleRule],
  example: `apiVersion: data.fluid.io/v1alpha1
kind: DataLoad
metadata:
  name: demo-load
spec:
  dataset:
    name: demo
    namespace: default
  target:
    - path: /train
`,
};
export type DataLoad = Resource<DataLoadSpec, OperationStatus>;
