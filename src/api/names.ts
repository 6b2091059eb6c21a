// Names that follow from a Dataset's or a runtime's: of its volume, its claim, its labels. Users, scripts and Fluid's own tools look
// for these very names.

export interface DatasetKey {
  readonly namespace: string;
  readonly name: string;
}

/** Its UID stands in for a name that is too long. */
export interface DatasetIdentity extends DatasetKey {
  readonly uid: string;
}

export const NAME_LENGTH_MAX = 63;
/** RFC 1035: begins with a letter. */
export const LABEL_NAME_PATTERN = '^[a-z]([-a-z0-9]*[a-z0-9])?$';
const LABEL_NAME = new RegExp(LABEL_NAME_PATTERN);

export const DRIVER = 'fuse.csi.fluid.io';
export const STORAGE_CLASS = 'fluid';
export const MOUNT_ROOT = '/runtime-mnt';
export const VOLUME_CAPACITY = '100Pi';

export const FINALIZER = {
  dataset: 'fluid-dataset-controller-finalizer',
  jindo: 'jindo-runtime-controller-finalizer',
  juicefs: 'juicefs-runtime-controller-finalizer',
} as const;

/** Of the leases by which the controllers elect a leader. */
export const LEASE = {
  dataset: 'dataset.data.fluid.io',
  jindo: 'jindo.data.fluid.io',
  juicefs: 'juicefs.data.fluid.io',
  app: 'fluidapp.data.fluid.io',
} as const;

/** What a Dataset says in its status about the runtime that serves it. */
export const CATEGORY_ACCELERATE = 'Accelerate';
export const RUNTIME_TYPE = { jindo: 'jindo', juicefs: 'juicefs' } as const;
export type RuntimeType = keyof typeof RUNTIME_TYPE;

export function isLabelName(name: string): boolean {
  return name.length <= NAME_LENGTH_MAX && LABEL_NAME.test(name);
}

/** Cluster-wide, and the same for `a-b/c` and `a/b-c`: whoever makes or removes one looks whose it is. Also the volume handle. */
export function volumeName({ namespace, name }: DatasetKey): string {
  return `${namespace}-${name}`;
}

export function claimName({ name }: DatasetKey): string {
  return name;
}

/** Value of the label `fluid.io/dataset-id`. */
export function datasetId(identity: DatasetIdentity): string {
  return withIdentity('', identity);
}

/** `<prefix><namespace>-<name>`, with the UID in the place of both where that would be too long for a label. */
export function withIdentity(prefix: string, { namespace, name, uid }: DatasetIdentity): string {
  const whole = `${prefix}${namespace}-${name}`;
  return whole.length < NAME_LENGTH_MAX ? whole : prefix + uid;
}

/** Where the volume of a Dataset is mounted on a node, below the mount root. */
export function mountPath(type: RuntimeType, { namespace, name }: DatasetKey, mountRoot: string = MOUNT_ROOT): string {
  return `${mountRoot}/${type}/${namespace}/${name}/${type === 'jindo' ? 'jindofs-fuse' : 'juicefs-fuse'}`;
}

/** Attributes of the volume, which the node plugin is given. */
export const VOLUME_ATTRIBUTE = {
  path: 'fluid_path',
  mountType: 'mount_type',
  runtimeNamespace: 'runtime_namespace',
  runtimeName: 'runtime_name',
  nodeLabel: 'mount_pod_node_selector_key',
  subPath: 'fluid_sub_path',
  publishMethod: 'node_publish_method',
  skipCheck: 'fluid.io/skip-check-mount-ready-target',
} as const;

/** What FUSE pods are told of themselves. */
export const FUSE_ENV = {
  mountPoint: 'FLUID_FUSE_MOUNTPOINT',
  runtimeType: 'FLUID_RUNTIME_TYPE',
  runtimeNamespace: 'FLUID_RUNTIME_NS',
  runtimeName: 'FLUID_RUNTIME_NAME',
} as const;

/** Values of the attribute `mount_type`. */
export const MOUNT_TYPE = { jindo: 'jindo', juicefs: 'JuiceFS' } as const satisfies Record<RuntimeType, string>;

/** The Job or CronJob of a DataLoad, and the release it belongs to. */
export function dataLoadNames(name: string): { release: string; job: string } {
  return { release: `${name}-loader`, job: `${name}-loader-job` };
}

/** Key by which a Dataset's status says that an operation of a kind runs. */
export const OPERATION_TYPE_LOAD = 'DataLoad';
