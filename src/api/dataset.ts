// Dataset: which data it is, where it lies, and, in the status, what of it is cached.
import { type Infer, flag, int32, int64, list, map, needed, object, oneOf, optional } from './schema/shape.ts';
import { kept, required, text, time, usually } from './schema/shape.ts';
import { DATASET_CONDITIONS, DATASET_PHASES } from './conditions.ts';
import type { Kind, Resource } from './kind.ts';
import { nodeSelector, stringMap, toleration } from './kubernetes.ts';
import { nameRule } from './rules.ts';

const secretKeyRef = object({
  name: needed(text(), 'Name of the Secret, in the namespace of the Dataset.'),
  key: needed(text(), 'Key in the Secret.'),
});

export const encryptOption = object({
  name: required(text(), 'Name of the option, such as fs.oss.accessKeyId.'),
  valueFrom: needed(
    object({ secretKeyRef: needed(secretKeyRef, 'Which value of which Secret.') }),
    'Where the value comes from.',
  ),
});
export type EncryptOption = Infer<typeof encryptOption>;

export const mount = object({
  mountPoint: required(
    text({ minLength: 5 }),
    'Where the data is: oss://bucket/folder, s3://bucket/folder, https://host/folder, pvc://claim/folder, local:///folder on the nodes, or dataset://namespace/name of another Dataset.',
  ),
  name: optional(text(), 'Name of this mount in the Dataset.'),
  path: optional(
    text(),
    'Where the data appears in the Dataset, beginning with a slash; "/" if it is all of it. A slash and the name of the mount where it is left out.',
  ),
  options: optional(
    stringMap,
    'Options of the storage, such as fs.oss.endpoint. They are readable for everybody who may read the Dataset: credentials belong into encryptOptions.',
  ),
  encryptOptions: optional(list(encryptOption), 'Options whose values are in Secrets, such as credentials.'),
  readOnly: optional(flag(), 'True if nothing may be written to this mount.'),
  shared: optional(flag(), 'True if others than the user who mounted it may use it.'),
});
export type Mount = Infer<typeof mount>;

export const user = object({
  uid: required(int64(), 'User id.'),
  gid: required(int64(), 'Group id.'),
  user: required(text(), 'User name.'),
  group: required(text(), 'Group name.'),
});

const boundRuntime = object({
  name: optional(text(), 'Name of the runtime.'),
  namespace: optional(text(), 'Its namespace.'),
  category: optional(text(), 'What it does for the Dataset: Accelerate.'),
  type: optional(text(), 'Which runtime it is, such as jindo or juicefs.'),
  masterReplicas: optional(int32(), 'How many masters it has.'),
});

const spec = object({
  mounts: optional(
    list(mount, { minItems: 1 }),
    'The storages that the Dataset consists of, each at a path of its own.',
  ),
  owner: optional(user, 'To whom the files of the Dataset belong.'),
  nodeAffinity: optional(
    object({ required: optional(nodeSelector, 'What a node must have to hold a part of the cache.') }),
    'Which nodes may cache the Dataset.',
  ),
  tolerations: optional(list(toleration), 'Taints of nodes that the pods of the runtime tolerate.'),
  accessModes: optional(
    list(usually(['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'])),
    'Access modes of the volume. ReadOnlyMany where they are left out.',
  ),
  placement: optional(
    oneOf(['Exclusive', '', 'Shared']),
    'Whether the cache has its nodes for itself (Exclusive, also where it is left out) or other Datasets may be cached there too (Shared).',
  ),
  sharedOptions: optional(stringMap, "Options of every mount. A mount's own options win."),
  sharedEncryptOptions: optional(list(encryptOption), 'Options from Secrets, of every mount.'),
  runtimes: kept(list(boundRuntime), 'Runtimes for the Dataset. A runtime of the same name finds it without.'),
  dataRestoreLocation: kept(
    object({
      path: optional(text(), 'Where it lies: local://folder or pvc://claim/folder.'),
      nodeName: optional(text(), 'Node of a local folder.'),
    }),
    'Where a backup of the metadata lies.',
  ),
});
export type DatasetSpec = Infer<typeof spec>;

const condition = object({
  type: required(usually(DATASET_CONDITIONS), 'What the condition is about.'),
  status: required(usually(['True', 'False', 'Unknown']), 'Whether it holds: True, False or Unknown.'),
  reason: optional(text(), 'Why, in one word.'),
  message: optional(text(), 'Why, for people.'),
  lastUpdateTime: optional(time(), 'When it was looked at last.'),
  lastTransitionTime: optional(time(), 'When its status changed last.'),
});
export type DatasetCondition = Infer<typeof condition>;

const status = object({
  phase: optional(
    usually(DATASET_PHASES),
    'NotBound until a runtime serves the Dataset, then Bound; Failed if it is not well.',
  ),
  ufsTotal: optional(text(), 'Size of all data in the storages, such as 531.89MiB; [Calculating] until it is known.'),
  fileNum: optional(text(), 'Number of files in the storages; [Calculating] until it is known.'),
  cacheStates: optional(
    map(text()),
    'The cache in numbers: cached, cacheCapacity, cachedPercentage, cacheHitRatio and others.',
  ),
  hcfs: optional(
    object({
      endpoint: optional(text(), 'Address of the master.'),
      underlayerFileSystemVersion: optional(text(), 'Version of the file system below.'),
    }),
    'How Hadoop clients reach the data.',
  ),
  conditions: required(list(condition), 'What was observed of the Dataset last.'),
  mounts: optional(list(mount), 'The mounts that are in effect.'),
  runtimes: optional(list(boundRuntime), 'The runtime that serves the Dataset.'),
  operationRef: optional(map(text()), 'Operations that run on the data, by kind.'),
  dataLoadRef: kept(text(), 'Deprecated: see operationRef.'),
  dataBackupRef: kept(text(), 'Deprecated: see operationRef.'),
  datasetRef: optional(list(text()), 'NAMESPACE/NAME of the Datasets that mount this one.'),
});
export type DatasetStatus = Infer<typeof status>;

export const dataset: Kind<DatasetSpec, DatasetStatus> = {
  kind: 'Dataset',
  plural: 'datasets',
  singular: 'dataset',
  shortName: 'dataset',
  description:
    'Dataset is data in one or more storages, to be read as files. A runtime of the same name and namespace caches and serves it; pods use it by a claim of that name.',
  spec,
  specDescription: 'Which data it is, and where it may be cached.',
  status,
  statusDescription: 'How it is bound and cached.',
  columns: [
    { name: 'Ufs Total Size', type: 'string', path: '.status.ufsTotal' },
    { name: 'Cached', type: 'string', path: '.status.cacheStates.cached' },
    { name: 'Cache Capacity', type: 'string', path: '.status.cacheStates.cacheCapacity' },
    { name: 'Cached Percentage', type: 'string', path: '.status.cacheStates.cachedPercentage' },
    { name: 'Phase', type: 'string', path: '.status.phase' },
    { name: 'HCFS URL', type: 'string', path: '.status.hcfs.endpoint', priority: 10 },
    { name: 'TOTAL FILES', type: 'string', path: '.status.fileNum', priority: 11 },
    { name: 'CACHE HIT RATIO', type: 'string', path: '.status.cacheStates.cacheHitRatio', priority: 10 },
    { name: 'Age', type: 'date', path: '.metadata.creationTimestamp' },
  ],
  rules: [nameRule],
  example: `apiVersion: data.fluid.io/v1alpha1
kind: Dataset
metadata:
  name: demo
spec:
  mounts:
    - mountPoint: oss://bucket/folder
      name: bucket
      path: /
      options:
        fs.oss.endpoint: oss-cn-hangzhou-internal.aliyuncs.com
      encryptOptions:
        - name: fs.oss.accessKeyId
          valueFrom:
            secretKeyRef:
              name: mysecret
              key: fs.oss.accessKeyId
        - name: fs.oss.accessKeySecret
          valueFrom:
            secretKeyRef:
              name: mysecret
              key: fs.oss.accessKeySecret
`,
};
export type Dataset = Resource<DatasetSpec, DatasetStatus>;
