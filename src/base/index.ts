// base: what every room needs and no room owns.
// Imports nothing of ours. Knows nothing of FUSE, mounts or native code.
// A thing only one room needs belongs in that room.

export { writeFileAtomic } from './atomic-file.ts';
export { backoffDelayMs } from './backoff.ts';
export { DeadlineError, sleep, withDeadline } from './deadline.ts';
export type { DeadlineFault } from './deadline.ts';
export { Fault } from './fault.ts';
export { formatBytes, formatDuration, formatTable } from './format.ts';
export type { Column } from './format.ts';
export { createLogger, LOG_LEVELS } from './log.ts';
export type { Facts, Logger, LoggerOptions, LogFormat, LogLevel } from './log.ts';
export { createMetrics, SECONDS_BUCKETS } from './metrics.ts';
export type { Counter, Histogram, Labels, Metrics } from './metrics.ts';
export { unreachable } from './unreachable.ts';
