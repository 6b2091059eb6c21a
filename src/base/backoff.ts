/**
 * How long to wait before the next try: nothing while there was no failure, `baseMs` after the first,
 * twice as long after each further one, never more than `maxMs`.
 */
export function backoffDelayMs(failures: number, limits: { baseMs: number; maxMs: number }): number {
  if (failures <= 0) return 0;
  const doublings = Math.min(failures - 1, 52); // Further ones change nothing but risk Infinity.
  return Math.min(limits.baseMs * 2 ** doublings, limits.maxMs);
}
