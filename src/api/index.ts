// api: the objects of data.fluid.io/v1alpha1, and every name, label, format and sentence that others rely on. Pure: no I/O, no clock.
// Each kind is defined once; its TypeScript type, its CustomResourceDefinition, its decoder and its reference come from there.
// Imports only base. What our parts agree on among themselves, and no user sees, belongs in their rooms.

export { cacheStates, fileNumber, ufsTotal } from './cache-states.ts';
export type { CacheNumbers } from './cache-states.ts';
export {
  datasetFailedToSetup,
  datasetNotReady,
  datasetReady,
  fusesInitialized,
  fusesReadiness,
  isSetUp,
  masterInitialized,
  masterReadiness,
  phaseOf,
  withCondition,
  workersInitialized,
  workersReadiness,
  workersScaled,
} from './conditions.ts';
export type { DatasetPhase, Finding, OperationPhase, RuntimePhase } from './conditions.ts';
export { crdOf } from './crd.ts';
export type { CustomResourceDefinition } from './crd.ts';
export { dataLoad } from './data-load.ts';
export type { DataLoad, DataLoadSpec, OperationCondition, OperationStatus } from './data-load.ts';
export { dataset } from './dataset.ts';
export type { Dataset, DatasetCondition, DatasetSpec, DatasetStatus, EncryptOption, Mount } from './dataset.ts';
export { ApiError } from './errors.ts';
export type { ApiFault } from './errors.ts';
export { EVENT_SOURCE, events } from './events.ts';
export type { EventText } from './events.ts';
export {
  JINDO_CONTAINER,
  JINDO_PORT,
  JINDO_ROLE,
  jindoEndpoint,
  jindoMasters,
  jindoNames,
  jindoPart,
} from './jindo-names.ts';
export type { JindoNames, JindoPart } from './jindo-names.ts';
export { jindoRuntime } from './jindo-runtime.ts';
export type { JindoComponent, JindoFuse, JindoRuntime, JindoRuntimeSpec } from './jindo-runtime.ts';
export { JUICEFS_CONTAINER, JUICEFS_ROLE, juicefsNames, juicefsPart } from './juicefs-names.ts';
export type { JuiceFSNames, JuiceFSPart } from './juicefs-names.ts';
export { juicefsRuntime } from './juicefs-runtime.ts';
export type { JuiceFSComponent, JuiceFSFuse, JuiceFSRuntime, JuiceFSRuntimeSpec } from './juicefs-runtime.ts';
export { API_VERSION, CATEGORY, decodeResource, GROUP, VERSION } from './kind.ts';
export type { Column, Kind, Resource, Rule } from './kind.ts';
export { KINDS } from './kinds.ts';
export type { EnvVar, NodeSelector, Resources, Toleration, Volume, VolumeMount } from './kubernetes.ts';
export {
  ANNOTATION,
  cacheNodeLabel,
  cacheNodeLabels,
  CREATED_BY_FLUID,
  dataLoadLabels,
  exclusiveValue,
  fuseNodeLabel,
  isDatasetClaim,
  LABEL,
  partLabels,
  partSelector,
  selectorText,
  typedCacheNodeLabel,
  volumeLabels,
  workerLabels,
} from './labels.ts';
export type { NodeCapacity, PartOf } from './labels.ts';
export type { Metadata, OwnerReference } from './metadata.ts';
export { accessModesOf, effectiveMounts, isReadOnly, placementOf } from './mounts.ts';
export type { EffectiveMount, SecretKey } from './mounts.ts';
export {
  CATEGORY_ACCELERATE,
  claimName,
  dataLoadNames,
  datasetId,
  DRIVER,
  FINALIZER,
  FUSE_ENV,
  isLabelName,
  LEASE,
  MOUNT_ROOT,
  MOUNT_TYPE,
  mountPath,
  OPERATION_TYPE_LOAD,
  RUNTIME_TYPE,
  STORAGE_CLASS,
  VOLUME_ATTRIBUTE,
  VOLUME_CAPACITY,
  volumeName,
} from './names.ts';
export type { DatasetIdentity, DatasetKey, RuntimeType } from './names.ts';
export { parseQuantity } from './quantity.ts';
export { referenceOf } from './reference.ts';
export type { Level, PodMetadata, RuntimeCondition, RuntimeStatus } from './runtime.ts';
export type { Decoded } from './schema/decode.ts';
export { describeProblem, describeProblems } from './schema/problem.ts';
export type { Problem } from './schema/problem.ts';
export type { Quantity } from './schema/shape.ts';
export {
  CALCULATING,
  formatLabelSize,
  formatPercentage,
  formatSeconds,
  formatSize,
  NOT_AVAILABLE,
  parseSize,
  TO_RUN_AGAIN,
  UNFINISHED,
} from './sizes.ts';
export { tierPaths } from './tiers.ts';
export type { PathSeparator, TierPath } from './tiers.ts';
