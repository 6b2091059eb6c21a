import assert from 'node:assert/strict';
import test from 'node:test';
import { ApiError } from './errors.ts';
import { formatLabelSize, formatPercentage, formatSeconds, formatSize, parseSize } from './sizes.ts';

const GIB = 2 ** 30;

test('formatSize() prints two decimals and a binary unit without a space', () => {
  const cases: [number | bigint, string][] = [
    [0, '0.00B'],
    [0n, '0.00B'],
    [1023, '1023.00B'],
    [1024, '1.00KiB'],
    [557_727_089, '531.89MiB'],
    [24 * GIB, '24.00GiB'],
    [24n * (1n << 30n), '24.00GiB'],
    [1024 ** 2 - 1, '1024.00KiB'],
    [3 * 1024 ** 5, '3.00PiB'],
    [2n ** 80n, '1.00YiB'],
  ];
  for (const [sizeBytes, text] of cases) assert.equal(formatSize(sizeBytes), text);
});

test('formatSize() rounds a half to the even digit', () => {
  const eighths = [1.125, 1.375, 1.625, 1.875].map((size) => formatSize(size * GIB));
  assert.deepEqual(eighths, ['1.12GiB', '1.38GiB', '1.62GiB', '1.88GiB']);
});

test('formatLabelSize() prints four digits at most and no zeros behind them', () => {
  const cases: [number, string][] = [
    [0, '0B'],
    [2 * GIB, '2GiB'],
    [1.5 * GIB, '1.5GiB'],
    [1.0625 * GIB, '1.062GiB'],
    [1023 * 2 ** 20, '1023MiB'],
    [GIB / 3, '341.3MiB'],
  ];
  for (const [sizeBytes, text] of cases) assert.equal(formatLabelSize(sizeBytes), text);
});

test('parseSize() takes what formatSize() prints and the shorter forms, all of them powers of 1024', () => {
  const cases: [string, number][] = [
    ['0.00B', 0],
    ['24.00GiB', 24 * GIB],
    ['24 GiB', 24 * GIB],
    ['24g', 24 * GIB],
    ['24GB', 24 * GIB],
    ['24Gi', 24 * GIB],
    ['1.5k', 1536],
    ['.5k', 512],
    ['17', 17],
    ['3p', 3 * 1024 ** 5],
  ];
  for (const [text, sizeBytes] of cases) assert.equal(parseSize(text), sizeBytes, text);
});

test('parseSize() refuses what is no size', () => {
  for (const text of ['', 'GiB', '1x', '-1k', '1,5k', '[Calculating]', '1 k b', '1e3'])
    assert.throws(
      () => parseSize(text),
      (err) => err instanceof ApiError && err.code === 'bad-size' && err.message.includes(text),
      text,
    );
});

test('formatPercentage() prints one decimal, at most 100.0%, and 0.0% of nothing', () => {
  const cases: [number | bigint, number | bigint, string][] = [
    [0, 24 * GIB, '0.0%'],
    [4, 7, '57.1%'],
    [1n, 3n, '33.3%'],
    [7, 7, '100.0%'],
    [8, 7, '100.0%'],
    [1, 0, '0.0%'],
    [1, 400, '0.2%'],
    [3, 400, '0.8%'],
  ];
  for (const [part, whole, text] of cases) assert.equal(formatPercentage(part, whole), text);
});

test('formatSeconds() prints whole seconds as Go prints a duration', () => {
  const cases: [number, string][] = [
    [0, '0s'],
    [499, '0s'],
    [45_000, '45s'],
    [60_000, '1m0s'],
    [89_600, '1m30s'],
    [7_205_000, '2h0m5s'],
    [100 * 3_600_000, '100h0m0s'],
  ];
  for (const [durationMs, text] of cases) assert.equal(formatSeconds(durationMs), text);
});
