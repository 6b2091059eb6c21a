import assert from 'node:assert/strict';
import test from 'node:test';
import type { Level } from './runtime.ts';
import { tierPaths, watermarkRule } from './tiers.ts';

const GIB = 2 ** 30;
const SSD = { mediumtype: 'SSD', volumeType: 'hostPath' } as const;

test('tierPaths() divides a quota evenly, and gives each path its own of a list', () => {
  const cases: [Level, ',' | ':', [string, number | undefined][]][] = [
    [{ ...SSD, path: '/a', quota: '2Gi' }, ',', [['/a', 2 * GIB]]],
    [
      { ...SSD, path: '/a,/b', quota: '3Gi' },
      ',',
      [
        ['/a', 1.5 * GIB],
        ['/b', 1.5 * GIB],
      ],
    ],
    [
      { ...SSD, path: '/a:/b', quotaList: '1Gi,2Gi' },
      ':',
      [
        ['/a', GIB],
        ['/b', 2 * GIB],
      ],
    ],
    [{ ...SSD, path: '/a,/b', quota: 1000 }, ':', [['/a,/b', 1000]]],
    [{ ...SSD, path: '/a' }, ',', [['/a', undefined]]],
  ];
  for (const [level, separator, expected] of cases) {
    const paths = tierPaths(level, separator).map(({ path, quotaBytes }) => [path, quotaBytes]);
    assert.deepEqual(paths, expected);
  }
});

test('watermarks are parts of the whole', () => {
  const holds = (high: string, low: string) =>
    watermarkRule.holds({ metadata: { name: 'demo' }, spec: { tieredstore: { levels: [{ ...SSD, high, low }] } } });
  for (const [high, low] of [
    ['0.99', '0.95'],
    ['1', '0'],
    ['', ''],
    ['.9', '.8'],
  ] as const)
    assert.ok(holds(high, low), high);
  for (const bad of ['95', '95%', '-0.1', 'high', '1.1']) {
    assert.ok(!holds(bad, '0.5'), bad);
    assert.ok(!holds('0.5', bad), bad);
  }
});
