// Phases and conditions of the statuses, in the words Fluid uses: scripts and other controllers wait for them.

export const DATASET_PHASES = ['', 'Pending', 'NotBound', 'Bound', 'Failed', 'Updating', 'DataMigrating'] as const;
export type DatasetPhase = (typeof DATASET_PHASES)[number];

export const DATASET_CONDITIONS = [
  'RuntimeScheduled',
  'Ready',
  'NotReady',
  'UpdateReady',
  'Updating',
  'Initialized',
] as const;

export const RUNTIME_PHASES = ['', 'NotReady', 'PartialReady', 'Ready'] as const;
export type RuntimePhase = (typeof RUNTIME_PHASES)[number];

export const RUNTIME_CONDITIONS = [
  'MasterInitialized',
  'MasterReady',
  'WorkersInitialized',
  'WorkersReady',
  'WorkersScaledIn',
  'WorkersScaledOut',
  'FusesInitialized',
  'FusesReady',
  'FusesScaledIn',
  'FusesScaledOut',
] as const;

export const OPERATION_PHASES = ['', 'Pending', 'Executing', 'Complete', 'Failed'] as const;
export type OperationPhase = (typeof OPERATION_PHASES)[number];

export const OPERATION_CONDITIONS = ['Complete', 'Failed'] as const;

/** A condition without its times. */
export interface Finding<Type extends string = string> {
  readonly type: Type;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

type DatasetFinding = Finding<(typeof DATASET_CONDITIONS)[number]>;
type RuntimeFinding = Finding<(typeof RUNTIME_CONDITIONS)[number]>;

export const datasetReady: DatasetFinding = {
  type: 'Ready',
  status: 'True',
  reason: 'DatasetReady',
  message: 'The ddc runtime is ready.',
};

export const datasetNotReady: DatasetFinding = {
  ...datasetReady,
  status: 'False',
  message: 'The ddc runtime is not ready.',
};

/** Of type NotReady, so that the Dataset does not count as set up. */
export function datasetFailedToSetup(message: string): DatasetFinding {
  return { type: 'NotReady', status: 'True', reason: 'DatasetFailedToSetup', message };
}

/** True once a runtime was set up for the Dataset, however it is now. */
export function isSetUp(conditions: readonly { readonly type: string }[]): boolean {
  return conditions.some(({ type }) => type === 'Ready');
}

export const masterInitialized: RuntimeFinding = {
  type: 'MasterInitialized',
  status: 'True',
  reason: 'Master is initialized',
  message: 'The master is initialized.',
};

export const workersInitialized: RuntimeFinding = {
  type: 'WorkersInitialized',
  status: 'True',
  reason: 'Workers are initialized',
  message: 'The workers are initialized.',
};

export const fusesInitialized: RuntimeFinding = {
  type: 'FusesInitialized',
  status: 'True',
  reason: 'Fuses are initialized',
  message: 'The fuses are initialized.',
};

export function masterReadiness(phase: RuntimePhase): RuntimeFinding {
  return readiness('MasterReady', 'Master is ready', 'The master is', phase);
}

export function workersReadiness(phase: RuntimePhase): RuntimeFinding {
  return readiness('WorkersReady', 'Workers are ready', 'The workers are', phase);
}

/** Fluid says Ready whatever the pods do; the phase in the columns stays so, and the condition tells the truth. */
export function fusesReadiness(phase: RuntimePhase): RuntimeFinding {
  return readiness('FusesReady', 'Fuses are ready', 'The fuses are', phase);
}

export function workersScaled(from: number, to: number): RuntimeFinding {
  const direction = to < from ? 'in' : 'out';
  return {
    type: direction === 'in' ? 'WorkersScaledIn' : 'WorkersScaledOut',
    status: 'True',
    reason: `Workers scaled ${direction}`,
    message: `Workers scaled ${direction} from ${from} replicas to ${to} replicas.`,
  };
}

/** Of a StatefulSet. */
export function phaseOf({ wanted, ready }: { wanted: number; ready: number }): RuntimePhase {
  if (wanted === 0) return 'Ready';
  if (ready === 0) return 'NotReady';
  return ready < wanted ? 'PartialReady' : 'Ready';
}

/**
 * The conditions with this one among them. When its status changed last is kept while the status stays; `timeName`: the name a kind
 * has for when it was looked at last.
 */
export function withCondition<T extends Timed, K extends 'lastUpdateTime' | 'lastProbeTime'>(
  conditions: readonly T[],
  finding: Finding,
  timeName: K,
  now: string,
): readonly (T | Stamped<K>)[] {
  const before = conditions.find(({ type }) => type === finding.type);
  const lastTransitionTime = before?.status === finding.status ? (before.lastTransitionTime ?? now) : now;
  const condition = { ...finding, [timeName]: now, lastTransitionTime } as Stamped<K>;
  return before === undefined ? [...conditions, condition] : conditions.map((it) => (it === before ? condition : it));
}

type Stamped<K extends string> = Finding & Readonly<Record<K | 'lastTransitionTime', string>>;

interface Timed {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string;
}

function readiness(type: RuntimeFinding['type'], reason: string, subject: string, phase: RuntimePhase): RuntimeFinding {
  const how = phase === 'Ready' ? 'ready' : phase === 'PartialReady' ? 'partially ready' : 'not ready';
  return { type, status: phase === 'Ready' ? 'True' : 'False', reason, message: `${subject} ${how}.` };
}
