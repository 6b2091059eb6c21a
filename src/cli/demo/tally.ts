// What readers count, and how the counts of several become one.

export interface Tally {
  /** Files read from beginning to end and compared. */
  files: number;
  /** Calls of read(2) that returned bytes. */
  reads: number;
  bytes: number;
  /** Failed calls, by the name of their error. */
  errors: Readonly<Record<string, number>>;
  /** Bytes that were not those of the source. */
  wrongBytes: number;
  /** Files whose source was changed by somebody meanwhile: what the mount showed was the new content. */
  changed: number;
  /** The longest that one call took. */
  longestStallMs: number;
  /** Readers that did not come back from a call, or died. */
  lostReaders: number;
}

export const NOTHING: Tally = {
  files: 0,
  reads: 0,
  bytes: 0,
  errors: {},
  wrongBytes: 0,
  changed: 0,
  longestStallMs: 0,
  lostReaders: 0,
};

export function sumTallies(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (sum, each) => ({
      files: sum.files + each.files,
      reads: sum.reads + each.reads,
      bytes: sum.bytes + each.bytes,
      errors: sumErrors(sum.errors, each.errors),
      wrongBytes: sum.wrongBytes + each.wrongBytes,
      changed: sum.changed + each.changed,
      longestStallMs: Math.max(sum.longestStallMs, each.longestStallMs),
      lostReaders: sum.lostReaders + each.lostReaders,
    }),
    NOTHING,
  );
}

export function errorCount(tally: Tally): number {
  return Object.values(tally.errors).reduce((sum, count) => sum + count, 0);
}

function sumErrors(a: Tally['errors'], b: Tally['errors']): Record<string, number> {
  const sum = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** How many bytes differ, missing and surplus ones included. */
export function countWrongBytes(got: Uint8Array, expected: Uint8Array): number {
  const common = Math.min(got.length, expected.length);
  let wrong = Math.max(got.length, expected.length) - common;
  for (let i = 0; i < common; i++) if (got[i] !== expected[i]) wrong++;
  return wrong;
}
