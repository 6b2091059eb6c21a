import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planEviction, planExcess } from './evict.plan.ts';

const roomy = { quotaBytes: 1000, high: 0.9, low: 0.5, diskUsedBytes: 0, diskUsableBytes: 1e9 };

test('planExcess() asks for nothing up to the high watermark', () => {
  assert.equal(planExcess({ ...roomy, usedBytes: 900 }), 0);
});

test('planExcess() asks for everything above the low watermark once the high one is passed', () => {
  assert.equal(planExcess({ ...roomy, usedBytes: 901 }), 401);
});

test('planExcess() makes way on a disk that others filled, with what it has and no more', () => {
  assert.equal(planExcess({ ...roomy, usedBytes: 600, diskUsedBytes: 1010, diskUsableBytes: 1000 }), 305);
  assert.equal(planExcess({ ...roomy, usedBytes: 600, diskUsedBytes: 1000, diskUsableBytes: 1100 }), 0);
  assert.equal(planExcess({ ...roomy, usedBytes: 100, diskUsedBytes: 5000, diskUsableBytes: 1000 }), 100);
});

test('planEviction() takes the least recently used and no more of them than needed', () => {
  const all = Array.from({ length: 5000 }, (_, i) => ({ usedBytes: 10, lastUsedMs: (i * 7919) % 5000 }));
  const gone = planEviction(all, 12_345);
  assert.equal(gone.length, 1235);
  assert.ok(gone.every(({ lastUsedMs }) => lastUsedMs < 1235));
});

test('planEviction() copes with equal times, with nothing to do and with too little to take', () => {
  const all = [1, 2, 3].map(() => ({ usedBytes: 10, lastUsedMs: 7 }));
  assert.equal(planEviction(all, 15).length, 2);
  assert.equal(planEviction(all, 0).length, 0);
  assert.equal(planEviction(all, 1e6).length, 3);
  assert.equal(planEviction([], 10).length, 0);
});
