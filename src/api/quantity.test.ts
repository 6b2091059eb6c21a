import assert from 'node:assert/strict';
import test from 'node:test';
import { ApiError } from './errors.ts';
import { isQuantity, parseQuantity, QUANTITY_PATTERN } from './quantity.ts';

const GOOD: readonly [string | number, bigint][] = [
  ['0', 0n],
  ['20Gi', 20n << 30n],
  ['12Gi', 12_884_901_888n],
  ['500M', 500_000_000n],
  ['1k', 1000n],
  ['1Ki', 1024n],
  ['1.5Gi', 1_610_612_736n],
  ['.5Ki', 512n],
  ['2.', 2n],
  ['+3', 3n],
  ['-1', -1n],
  ['100m', 1n],
  ['1500m', 2n],
  ['1n', 1n],
  ['1e3', 1000n],
  ['1E3', 1000n],
  ['1E', 10n ** 18n],
  ['7Ei', 7n << 60n],
  ['100Pi', 100n << 50n],
  [1024, 1024n],
  [0, 0n],
];

const BAD: readonly (string | number)[] = ['', '.', 'Gi', '1GiB', '1 Gi', '1Kib', '1K', '0x10', '8Ei', '1e30', 1.5];

test('parseQuantity() reads what Kubernetes reads, and counts a part of a unit as one', () => {
  for (const [value, size] of GOOD) assert.equal(parseQuantity(value), size, String(value));
});

test('parseQuantity() refuses the rest and says what to write', () => {
  for (const value of BAD) {
    assert.equal(isQuantity(value), false, String(value));
    assert.throws(
      () => parseQuantity(value),
      (err) => err instanceof ApiError && err.code === 'bad-quantity' && err.message.includes('write one such as'),
    );
  }
});

test('isQuantity() accepts nothing but text and numbers', () => {
  for (const value of [null, undefined, true, {}, ['1Gi'], 1n]) assert.equal(isQuantity(value), false);
});

test('the pattern in schemas accepts every good text', () => {
  const pattern = new RegExp(QUANTITY_PATTERN);
  for (const [value] of GOOD) assert.match(String(value), pattern);
});
