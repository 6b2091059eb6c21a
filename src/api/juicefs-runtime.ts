// JuiceFSRuntime: JuiceFS behind a Dataset. It has no master.
import { user } from './dataset.ts';
import type { Kind, Resource } from './kind.ts';
import { anything, containerPort, envVar, resources, stringMap, volume, volumeMount } from './kubernetes.ts';
import { lengthRule, nameRule } from './rules.ts';
import * as runtime from './runtime.ts';
import { flag, int32, kept, list, object, optional, text, type Infer } from './schema/shape.ts';
import { quotaListRule, watermarkRule } from './tiers.ts';

const component = object({
  replicas: optional(int32({ minimum: 1 }), 'How many pods. Workers follow spec.replicas.'),
  ports: optional(list(containerPort), 'Ports of the container.'),
  resources: optional(resources, 'CPU and memory of each pod.'),
  options: optional(stringMap, 'Mount options of JuiceFS.'),
  env: optional(list(envVar), 'Environment variables.'),
  enabled: optional(flag(), 'True if there is such a part.'),
  nodeSelector: optional(stringMap, 'Labels a node must have.'),
  volumeMounts: optional(list(volumeMount), 'Which of the volumes of the runtime are mounted, and where.'),
  podMetadata: optional(runtime.podMetadata, 'Labels and annotations of the pods.'),
  networkMode: optional(runtime.networkMode, 'HostNetwork or ContainerNetwork.'),
});
export type JuiceFSComponent = Infer<typeof component>;

const fuse = object({
  ...runtime.imageFields,
  env: optional(list(envVar), 'Environment variables.'),
  resources: optional(resources, 'CPU and memory of each pod.'),
  options: optional(stringMap, 'Mount options of JuiceFS.'),
  nodeSelector: optional(stringMap, 'Labels a node must have to mount the Dataset.'),
  volumeMounts: optional(list(volumeMount), 'Which of the volumes of the runtime are mounted, and where.'),
  cleanPolicy: optional(runtime.cleanPolicy, runtime.CLEAN_POLICY_DESCRIPTION),
  podMetadata: optional(runtime.podMetadata, 'Labels and annotations of the pods.'),
  networkMode: optional(runtime.networkMode, 'HostNetwork or ContainerNetwork.'),
  global: kept(flag(), 'Deprecated: FUSE pods are on every node with a pod that uses the Dataset.'),
});
export type JuiceFSFuse = Infer<typeof fuse>;

const spec = object({
  replicas: optional(int32(), 'How many workers there are. Each holds a part of the cache.'),
  tieredstore: optional(runtime.tieredStore, 'Where the cache is kept, and how much of it.'),
  worker: optional(component, 'The workers: they hold the cache.'),
  fuse: optional(fuse, 'The FUSE pods: one on each node with a pod that uses the Dataset.'),
  juicefsVersion: optional(runtime.image, 'Image of the workers.'),
  configs: optional(list(text()), 'More options of juicefs format or juicefs auth, without the dashes in front.'),
  podMetadata: optional(runtime.podMetadata, 'Labels and annotations of all pods.'),
  volumes: optional(list(volume), 'Volumes that the volumeMounts of the parts refer to.'),
  volumeClaimTemplates: optional(
    list(anything),
    'Claims of each worker, written as in a StatefulSet. They cannot be changed later.',
  ),
  runAs: optional(user, 'User that the pods run as.'),
  disablePrometheus: optional(flag(), 'True if the pods are not marked for Prometheus.'),
  management: optional(runtime.management, 'How the cache and its metadata are looked after.'),
  master: kept(component, 'JuiceFS has no master.'),
  jobWorker: kept(component, 'JuiceFS has no job workers.'),
  initUsers: kept(runtime.initUsers, 'How users are made in the pods.'),
});
export type JuiceFSRuntimeSpec = Infer<typeof spec>;

export const juicefsRuntime: Kind<JuiceFSRuntimeSpec, runtime.RuntimeStatus> = {
  kind: 'JuiceFSRuntime',
  plural: 'juicefsruntimes',
  singular: 'juicefsruntime',
  shortName: 'juicefs',
  description:
    'JuiceFSRuntime serves the JuiceFS file system that the Dataset of the same name and namespace describes: workers that hold the cache, and FUSE pods on the nodes where the Dataset is used.',
  spec,
  specDescription: 'How JuiceFS is run.',
  status: runtime.runtimeStatus,
  statusDescription: 'How its parts are.',
  columns: runtime.workerAndFuseColumns,
  scale: {
    specPath: '.spec.replicas',
    statusPath: '.status.currentWorkerNumberScheduled',
    selectorPath: '.status.selector',
  },
  rules: [nameRule, lengthRule('-worker'), quotaListRule(':'), watermarkRule],
  example: `apiVersion: data.fluid.io/v1alpha1
kind: JuiceFSRuntime
metadata:
  name: demo
spec:
  replicas: 1
  tieredstore:
    levels:
      - mediumtype: SSD
        path: /var/cache/juicefs
        quota: 40Gi
        low: "0.1"
`,
};
export type JuiceFSRuntime = Resource<JuiceFSRuntimeSpec, runtime.RuntimeStatus>;
