// Whether a session keeps a second, warm daemon.
import { memoryAvailableBytes } from '../host/index.ts';
import type { SessionOptions } from '../recovery/index.ts';

/** A standby costs some 20 MB of its own; it is kept by default where that is little beside what is free. */
export const STANDBY_MIN_BYTES = 1024 ** 3;

export function wantsStandby({ standby }: SessionOptions): boolean {
  return standby === 'on' || (standby === 'auto' && memoryAvailableBytes() >= STANDBY_MIN_BYTES);
}
