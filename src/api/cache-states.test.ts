import assert from 'node:assert/strict';
import test from 'node:test';
import { cacheStates, fileNumber, ufsTotal } from './cache-states.ts';

const GIB = 2 ** 30;

test('a cache that holds nothing yet looks as Fluid shows it', () => {
  assert.deepEqual(cacheStates({ cachedBytes: 0, capacityBytes: 24 * GIB, totalBytes: 557_727_089 }), {
    cached: '0.00B',
    cacheCapacity: '24.00GiB',
    cachedPercentage: '0.0%',
  });
});

test('the part that is cached is that of the data, not of the capacity', () => {
  const states = cacheStates({ cachedBytes: GIB, capacityBytes: 24 * GIB, totalBytes: 2 * GIB });
  assert.equal(states['cachedPercentage'], '50.0%');
});

test('what is not known is left out', () => {
  assert.deepEqual(Object.keys(cacheStates({ cachedBytes: 0, capacityBytes: 0 })), ['cached', 'cacheCapacity']);
});

test('hits are told as a part of all reads', () => {
  const ratio = (hits: number, misses: number) =>
    cacheStates({ cachedBytes: 0, capacityBytes: 0, reads: { hits, misses } })['cacheHitRatio'];
  assert.deepEqual([ratio(4, 3), ratio(0, 0)], ['57.1%', '0.0%']);
});

test('totals are being calculated until they are known', () => {
  assert.deepEqual([ufsTotal(undefined), ufsTotal(557_727_089)], ['[Calculating]', '531.89MiB']);
  assert.deepEqual([fileNumber(undefined), fileNumber(0), fileNumber(1234)], ['[Calculating]', '0', '1234']);
});
