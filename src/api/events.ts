// Events on Datasets and runtimes, in Fluid's words: people and scripts look for these reasons and sentences.
import { claimName, type DatasetKey } from './names.ts';

/** Who reports: the column FROM of `kubectl describe`. */
export const EVENT_SOURCE = {
  dataset: 'Dataset',
  jindo: 'JindoRuntime',
  juicefs: 'JuiceFSRuntime',
  dataLoad: 'DataLoad',
  app: 'FluidApp',
  recovery: 'FuseRecover',
} as const;

export interface EventText {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

const warning = (reason: string, message: string): EventText => ({ type: 'Warning', reason, message });
const normal = (reason: string, message: string): EventText => ({ type: 'Normal', reason, message });

/** `why` in all of these: an error's message, or what else there is to say. */
export const events = {
  errorCreateDataset: (why: string) => warning('ErrorCreateDataset', why),
  errorProcessDataset: (why: string) => warning('ErrorProcessDataset', why),
  errorValidateSpecFields: (why: string) => warning('ErrorValidateSpecFields', why),

  /** A pod that has not ended mounts the claim. */
  datasetInUse: (pod: string, { namespace }: DatasetKey) =>
    warning(
      'ErrorDeleteDataset',
      `Failed to delete dataset because err: can not delete dataset because Pod ${pod} in Namespace ${namespace} is using it`,
    ),
  errorDeleteDataset: (why: string) => warning('ErrorDeleteDataset', `Failed to delete dataset because err: ${why}`),

  noDataset: () => warning('ErrorProcessRuntime', 'No dataset can be bound to the runtime, waiting.'),
  setupFailed: (why: string) => warning('ErrorProcessRuntime', `Failed to setup ddc engine due to error ${why}`),
  syncFailed: (why: string) => warning('ErrorProcessRuntime', `Failed to sync the ddc due to ${why}`),
  deleteVolumeFailed: (key: DatasetKey, why: string) =>
    warning('ErrorProcessRuntime', `Failed to delete volume ${claimName(key)} due to ${why}`),
  shutdownFailed: (why: string) => warning('ErrorProcessRuntime', `Failed to shutdown engine due to ${why}`),
  runtimeMountUfsFailed: (why: string) => warning('RuntimeMountUfsFailed', why),
  scaledIn: () => normal('Succeed', 'Runtime scaled in'),
  scaledOut: () => normal('Succeed', 'Runtime scaled out'),
  scaleInFailed: (why: string) => warning('RuntimeScaleInFailed', why),

  /** After the consumer's mount was read. */
  fuseRecoverSucceed: (targetPath: string) => normal('FuseRecoverSucceed', `Fuse recover ${targetPath} succeed`),
  /** Fluid ends after "failed"; what follows is ours. */
  fuseRecoverFailed: (targetPath: string, why: string) =>
    warning('FuseRecoverFailed', `Fuse recover ${targetPath} failed: ${why}`),
  unmountDuplicateMountpoint: (path: string, layers: number) =>
    warning(
      'UnmountDuplicateMountpoint',
      `Mountpoint ${path} has been mounted ${layers} times, unmount duplicate mountpoint to avoid large /proc/self/mountinfo file, this may potential make data access connection broken`,
    ),

  targetDatasetNotFound: (why: string) => warning('TargetDatasetNotFound', `Target dataset not found: ${why}`),
  targetDatasetNotReady: (why: string) => warning('TargetDatasetNotReady', why),
  targetDatasetNamespaceNotSame: (why: string) => warning('TargetDatasetNamespaceNotSame', why),
  runtimeNotReady: () => warning('RuntimeNotReady', 'Bounded accelerate runtime not ready'),
  operationNotSupported: (runtimeType: string, operation: string) =>
    warning('DataOperationNotSupport', `RuntimeType ${runtimeType} not support ${operation}`),
  operationNotValid: (why: string) => warning('DataOperationNotValid', why),
  operationCollision: (why: string) => warning('DataOperationCollision', why),
  operationWaiting: (why: string) => normal('DataOperationWaiting', why),
  operationExecutionFailed: (why: string) =>
    warning('DataOperationExecutionFailed', `fail to execute data operation: ${why}`),
  operationSucceeded: (kind: string, name: string) => normal('DataOperationSucceed', `${kind} ${name} succeeded`),
  operationFailed: (kind: string, name: string) => warning('DataOperationFailed', `${kind} ${name} failed`),
  scheduleNotSpecified: (why: string) => warning('ScheduleNotSpecified', why),
} as const satisfies Record<string, (...facts: never[]) => EventText>;
