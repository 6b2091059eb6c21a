// JindoRuntime: the cache engine of this project behind the interface of Fluid's JindoRuntime.
import { user } from './dataset.ts';
import type { Kind, Resource, Rule } from './kind.ts';
import { resources, stringMap, toleration, volume, volumeMount } from './kubernetes.ts';
import { lengthRule, nameRule } from './rules.ts';
import * as runtime from './runtime.ts';
import { flag, int32, kept, list, map, object, optional, text, type Infer } from './schema/shape.ts';
import { quotaListRule, watermarkRule } from './tiers.ts';

const DEPRECATED_LABELS = 'Deprecated: write podMetadata.labels, and not both.';

const component = object({
  replicas: optional(
    int32({ minimum: 1 }),
    'How many pods. Of masters 1 or 3; any other number is taken as 1. Workers follow spec.replicas.',
  ),
  properties: optional(
    stringMap,
    'Settings, such as namespace.meta-dir: the folder in which the master keeps its state.',
  ),
  ports: optional(map(int32()), 'Ports by name. Chosen by the runtime where they are left out.'),
  resources: optional(resources, 'CPU and memory of each pod.'),
  env: optional(stringMap, 'Environment variables.'),
  nodeSelector: optional(stringMap, 'Labels a node must have.'),
  tolerations: optional(list(toleration), 'Taints of nodes that the pods tolerate.'),
  labels: optional(stringMap, DEPRECATED_LABELS),
  podMetadata: optional(runtime.podMetadata, 'Labels and annotations of the pods.'),
  disabled: optional(flag(), 'True if there is no such part.'),
  volumeMounts: optional(list(volumeMount), 'Which of the volumes of the runtime are mounted, and where.'),
  imagePullSecrets: optional(runtime.imagePullSecrets, 'Credentials of registries.'),
});
export type JindoComponent = Infer<typeof component>;

const fuse = object({
  ...runtime.imageFields,
  imagePullSecrets: optional(runtime.imagePullSecrets, 'Credentials of registries.'),
  properties: optional(stringMap, 'Settings.'),
  env: optional(stringMap, 'Environment variables.'),
  resources: optional(resources, 'CPU and memory of each pod.'),
  args: kept(list(text()), 'Arguments of the FUSE program of Jindo.'),
  nodeSelector: optional(stringMap, 'Labels a node must have to mount the Dataset.'),
  tolerations: optional(list(toleration), 'Taints of nodes that the pods tolerate. They tolerate all of them already.'),
  labels: optional(stringMap, DEPRECATED_LABELS),
  podMetadata: optional(runtime.podMetadata, 'Labels and annotations of the pods.'),
  cleanPolicy: optional(runtime.cleanPolicy, runtime.CLEAN_POLICY_DESCRIPTION),
  disabled: optional(flag(), 'True if there is no such part.'),
  logConfig: kept(stringMap, 'Settings of the log.'),
  metrics: optional(
    object({
      enabled: optional(flag(), 'True if the FUSE pods offer metrics.'),
      scrapeTarget: optional(text(), 'Which of them: MountPod, Sidecar, All or None, separated by commas.'),
    }),
    'Metrics of the FUSE pods.',
  ),
  global: kept(flag(), 'Deprecated: FUSE pods are on every node with a pod that uses the Dataset.'),
});
export type JindoFuse = Infer<typeof fuse>;

const spec = object({
  replicas: optional(int32(), 'How many workers there are. Each holds a part of the cache.'),
  tieredstore: optional(runtime.tieredStore, 'Where the workers keep the cache, and how much of it.'),
  master: optional(component, 'The master: it knows all names and which worker holds what.'),
  worker: optional(component, 'The workers: they hold the cache.'),
  fuse: optional(fuse, 'The FUSE pods: one on each node with a pod that uses the Dataset.'),
  jindoVersion: optional(runtime.image, 'Image of master and workers.'),
  properties: optional(stringMap, 'Settings of all parts.'),
  podMetadata: optional(runtime.podMetadata, 'Labels and annotations of all pods.'),
  labels: optional(stringMap, DEPRECATED_LABELS),
  networkmode: optional(
    runtime.networkMode,
    'HostNetwork or ContainerNetwork, of all pods. ContainerNetwork where it is left out.',
  ),
  volumes: optional(list(volume), 'Volumes that the volumeMounts of the parts refer to.'),
  imagePullSecrets: optional(runtime.imagePullSecrets, 'Credentials of registries, for all parts.'),
  cleanCachePolicy: optional(runtime.cleanCachePolicy, 'How the cache is cleaned when the runtime is deleted.'),
  runAs: optional(user, 'User that the pods run as.'),
  user: kept(text(), 'User name for Hadoop.'),
  hadoopConfig: kept(text(), 'ConfigMap with hdfs-site.xml and core-site.xml.'),
  secret: kept(text(), 'Secret with an STS token.'),
  logConfig: kept(stringMap, 'Settings of the log.'),
});
export type JindoRuntimeSpec = Infer<typeof spec>;

const labelsRule: Rule<JindoRuntimeSpec> = {
  path: 'spec.podMetadata.labels',
  what: 'there are labels as well, here or in master, worker or fuse',
  fix: 'move the labels to podMetadata.labels: labels is deprecated, and only one of both is used',
  holds: ({ spec: { labels, podMetadata, master, worker, fuse: client } }) => {
    const parts = [{ labels, podMetadata }, master, worker, client];
    return !parts.some((part) => isFilled(part?.labels)) || !parts.some((part) => isFilled(part?.podMetadata?.labels));
  },
};

export const jindoRuntime: Kind<JindoRuntimeSpec, runtime.RuntimeStatus> = {
  kind: 'JindoRuntime',
  plural: 'jindoruntimes',
  singular: 'jindoruntime',
  shortName: 'jindo',
  description:
    'JindoRuntime is a cache for the Dataset of the same name and namespace: a master, workers that hold the cache, and FUSE pods on the nodes where the Dataset is used.',
  spec,
  specDescription: 'How the cache is made.',
  status: runtime.runtimeStatus,
  statusDescription: 'How its parts are.',
  columns: [
    { name: 'Ready Masters', type: 'integer', path: '.status.masterNumberReady', priority: 10 },
    { name: 'Desired Masters', type: 'integer', path: '.status.desiredMasterNumberScheduled', priority: 10 },
    { name: 'Master Phase', type: 'string', path: '.status.masterPhase' },
    ...runtime.workerAndFuseColumns,
  ],
  scale: {
    specPath: '.spec.replicas',
    statusPath: '.status.currentWorkerNumberScheduled',
    // Fluid has none here, and so a HorizontalPodAutoscaler cannot scale it.
    selectorPath: '.status.selector',
  },
  rules: [nameRule, lengthRule('-jindofs-master'), labelsRule, quotaListRule(','), watermarkRule],
  example: `apiVersion: data.fluid.io/v1alpha1
kind: JindoRuntime
metadata:
  name: demo
spec:
  replicas: 2
  tieredstore:
    levels:
      - mediumtype: MEM
        volumeType: emptyDir
        path: /dev/shm
        quota: 2Gi
        high: "0.99"
        low: "0.95"
`,
};
export type JindoRuntime = Resource<JindoRuntimeSpec, runtime.RuntimeStatus>;

function isFilled(labels: Readonly<Record<string, string>> | undefined): boolean {
  return labels !== undefined && Object.keys(labels).length > 0;
}
