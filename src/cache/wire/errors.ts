// What can go wrong between a request and the end of its answer.
import { Fault } from '../../base/index.ts';

export type WireFault =
  /** No connection came about. `why` is what the system calls it. */
  | { code: 'not-connected'; why: string }
  /** A kept connection turned out to be closed before anything of the answer came: the request was not looked at. */
  | { code: 'stale' }
  /** The connection ended before the answer did. */
  | { code: 'broken'; why: string; begun: boolean }
  /** No byte came for so long. */
  | { code: 'stalled'; afterMs: number }
  /** The whole took longer than it may. */
  | { code: 'too-slow' }
  /** What came is no HTTP. */
  | { code: 'nonsense'; what: string };

export class WireError extends Fault<WireFault> {}
