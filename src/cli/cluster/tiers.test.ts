import assert from 'node:assert/strict';
import test from 'node:test';
import { parseTier } from './tiers.ts';

const GIB = 2 ** 30;

test('a tier has a medium, a path and a quota', () => {
  assert.deepEqual(parseTier('MEM:/dev/shm/x:2GiB'), {
    medium: 'MEM',
    paths: [{ path: '/dev/shm/x', quotaBytes: 2 * GIB }],
  });
});

test('one quota is for each of several paths', () => {
  const { paths } = parseTier('SSD:/a,/b:10GiB');
  assert.deepEqual(
    paths.map(({ quotaBytes }) => quotaBytes),
    [10 * GIB, 10 * GIB],
  );
});

test('a list of quotas goes path by path, and watermarks follow', () => {
  assert.deepEqual(parseTier('HDD:/a,/b:1GiB,2GiB:0.9:0.5'), {
    medium: 'HDD',
    paths: [
      { path: '/a', quotaBytes: GIB },
      { path: '/b', quotaBytes: 2 * GIB },
    ],
    high: 0.9,
    low: 0.5,
  });
});

test('a tier that makes no sense is refused with what is wrong', () => {
  for (const [text, why] of [
    ['', /none of MEM/],
    ['RAM:/a:1GiB', /"RAM" is none of/],
    ['SSD:/a', /it takes MEDIUM/],
    ['SSD:a:1GiB', /"a" is no absolute path/],
    ['SSD:/a:lots', /it takes a size/],
    ['SSD:/a,/b,/c:1GiB,2GiB', /3 paths take one quota or 3/],
    ['SSD:/a:1GiB:0.9', /needs the low one/],
    ['SSD:/a:1GiB:0.5:0.9', /0 < LOW <= HIGH <= 1/],
    ['SSD:/a:1GiB:0.9:0.5:x', /it takes MEDIUM/],
  ] as const) {
    assert.throws(() => parseTier(text), why, text);
  }
});
