import assert from 'node:assert/strict';
import test from 'node:test';
import { backoffDelayMs } from './backoff.ts';

const limits = { baseMs: 100, maxMs: 1000 };

test('backoffDelayMs() doubles from baseMs and stops at maxMs', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6].map((failures) => backoffDelayMs(failures, limits)),
    [0, 100, 200, 400, 800, 1000, 1000],
  );
});

test('backoffDelayMs() stays finite after any number of failures', () => {
  assert.equal(backoffDelayMs(1e9, limits), 1000);
  assert.equal(backoffDelayMs(1e9, { baseMs: 0, maxMs: 1000 }), 0);
});
