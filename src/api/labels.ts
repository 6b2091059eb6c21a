// Labels and annotations, by which users, scripts, the scheduler and our own parts find each other's objects.
import {
  datasetId,
  NAME_LENGTH_MAX,
  withIdentity,
  type DatasetIdentity,
  type DatasetKey,
  type RuntimeType,
} from './names.ts';
import { formatLabelSize } from './sizes.ts';

export const LABEL = {
  /** On everything that belongs to a Dataset. */
  datasetId: 'fluid.io/dataset-id',
  /** On workers: of which Dataset they are. Datasets that want their nodes for themselves keep away from it. */
  dataset: 'fluid.io/dataset',
  /** On workers: Exclusive or Shared. */
  placement: 'fluid.io/dataset-placement',
  managedBy: 'fluid.io/managed-by',
  /** The same of older releases, on claims. */
  wrappedBy: 'fluid.io/wrapped-by',
  /** On FUSE DaemonSets and claims: which definition of the FUSE pods it is. */
  fuseGeneration: 'fuse.runtime.fluid.io/generation',
  /** On pods: mounts are propagated into them. */
  serverful: 'fuse.serverful.fluid.io/inject',
  /** On pods: they get their FUSE daemon as a sidecar. */
  serverless: 'serverless.fluid.io/inject',
  referringName: 'fluid.io/dataset.referring-name',
  referringNamespace: 'fluid.io/dataset.referring-namespace',
  /** On nodes: how many Datasets are cached there. */
  datasetNumber: 'fluid.io/dataset-num',
  /** On nodes: the one Dataset, as NAMESPACE_NAME, that has it for itself. */
  exclusive: 'fluid_exclusive',
} as const;

export const ANNOTATION = {
  createdBy: 'CreatedBy',
  /** On Datasets: the size of the volume, which Kubernetes wants to have and nobody uses. */
  volumeCapacity: 'pvc.fluid.io/resources.requests.storage',
  /** On Datasets and runtimes: more labels and annotations for volume and claim, as JSON. */
  metadataList: 'data.fluid.io/metadataList',
  noIstio: 'sidecar.istio.io/inject',
  /** On a runtime's controller: how many of it are started. */
  controllerReplicas: 'controller.runtime.fluid.io/replicas',
} as const;

export const CREATED_BY_FLUID = 'fluid';

/** Label of nodes where the volume is used: FUSE pods go to these. Also on the volume's attributes, for the node plugin. */
export function fuseNodeLabel(identity: DatasetIdentity): string {
  return withIdentity('fluid.io/f-', identity);
}

/** Label of nodes that cache a part of the Dataset, and of its volume and claim. */
export function cacheNodeLabel(identity: DatasetIdentity): string {
  return withIdentity('fluid.io/s-', identity);
}

export function typedCacheNodeLabel(type: RuntimeType, identity: DatasetIdentity): string {
  return withIdentity(`fluid.io/s-${type}-`, identity);
}

export interface NodeCapacity {
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

/** Everything a node is labelled with that caches a part of the Dataset, but for the number of all Datasets there. */
export function cacheNodeLabels(
  type: RuntimeType,
  identity: DatasetIdentity,
  { memoryBytes, diskBytes }: NodeCapacity,
  placement: 'Exclusive' | 'Shared',
): Record<string, string> {
  const capacity = (letter: 'm' | 'd' | 't', sizeBytes: number): [string, string] => [
    withIdentity(`fluid.io/s-h-${type}-${letter}-`, identity),
    formatLabelSize(sizeBytes),
  ];
  return {
    [cacheNodeLabel(identity)]: 'true',
    [typedCacheNodeLabel(type, identity)]: 'true',
    ...Object.fromEntries([
      ...(memoryBytes > 0 ? [capacity('m', memoryBytes)] : []),
      ...(diskBytes > 0 ? [capacity('d', diskBytes)] : []),
      capacity('t', memoryBytes + diskBytes),
    ]),
    ...(placement === 'Exclusive' ? { [LABEL.exclusive]: exclusiveValue(identity) } : {}),
  };
}

export function exclusiveValue({ namespace, name, uid }: DatasetIdentity): string {
  const whole = `${namespace}_${name}`;
  return whole.length < NAME_LENGTH_MAX ? whole : uid;
}

/** Of volume and claim. */
export function volumeLabels(identity: DatasetIdentity): Record<string, string> {
  return { [cacheNodeLabel(identity)]: 'true', [LABEL.datasetId]: datasetId(identity) };
}

export interface PartOf {
  /** Chart of Fluid whose objects these would be, and its version. */
  readonly chart: string;
  readonly chartVersion: string;
  readonly role: string;
}

/** Of every object that a runtime consists of. */
export function partLabels({ chart, chartVersion, role }: PartOf, identity: DatasetIdentity): Record<string, string> {
  return {
    app: chart,
    chart: `${chart}-${chartVersion}`,
    release: identity.name,
    heritage: 'Helm',
    role,
    'app.kubernetes.io/name': chart,
    'app.kubernetes.io/instance': identity.name,
    'app.kubernetes.io/managed-by': 'Helm',
    [LABEL.managedBy]: CREATED_BY_FLUID,
    [LABEL.datasetId]: datasetId(identity),
  };
}

/** What picks the pods of a part. A StatefulSet and a DaemonSet keep theirs for ever. */
export function partSelector({ chart, role }: PartOf, { name }: DatasetKey): Record<string, string> {
  return { app: chart, release: name, role };
}

/** A selector as one text, as `kubectl --selector` and `status.selector` of a runtime have it. */
export function selectorText(selector: Readonly<Record<string, string>>): string {
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** Which workers have on top. */
export function workerLabels(identity: DatasetIdentity, placement: 'Exclusive' | 'Shared'): Record<string, string> {
  return { [LABEL.dataset]: datasetId(identity), [LABEL.placement]: placement };
}

/** Whether a claim is a Dataset's. */
export function isDatasetClaim(name: string, labels: Readonly<Record<string, string>>): boolean {
  return (
    Object.keys(labels).some((key) => key.startsWith('fluid.io/s-')) ||
    labels[LABEL.managedBy] === name ||
    labels[LABEL.wrappedBy] === name
  );
}

/** Of the Job of a DataLoad and of its pods. */
export function dataLoadLabels(
  role: 'dataload-job' | 'dataload-pod',
  load: { readonly release: string; readonly app: string; readonly dataset: string },
): Record<string, string> {
  return { role, release: load.release, app: load.app, targetDataset: load.dataset };
}
