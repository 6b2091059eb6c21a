import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countWrongBytes, errorCount, NOTHING, sumTallies } from './tally.ts';

test('sumTallies() adds counts up, errors by name, and keeps the longest stall', () => {
  const one = { ...NOTHING, files: 2, reads: 5, bytes: 10, errors: { EIO: 1 }, longestStallMs: 7 };
  const two = {
    ...NOTHING,
    files: 1,
    reads: 1,
    bytes: 1,
    errors: { EIO: 2, ENOTCONN: 3 },
    longestStallMs: 4,
    lostReaders: 1,
  };
  const sum = sumTallies([one, two]);
  assert.deepEqual(sum.errors, { EIO: 3, ENOTCONN: 3 });
  assert.equal(errorCount(sum), 6);
  assert.deepEqual([sum.files, sum.reads, sum.bytes, sum.longestStallMs, sum.lostReaders], [3, 6, 11, 7, 1]);
});

test('countWrongBytes() counts differing, missing and surplus bytes', () => {
  const bytes = (text: string): Buffer => Buffer.from(text);
  assert.equal(countWrongBytes(bytes('abcd'), bytes('abcd')), 0);
  assert.equal(countWrongBytes(bytes('abXd'), bytes('abcd')), 1);
  assert.equal(countWrongBytes(bytes('ab'), bytes('abcd')), 2);
  assert.equal(countWrongBytes(bytes('Xbcdef'), bytes('abcd')), 3);
});
