import assert from 'node:assert/strict';
import test from 'node:test';
import { formatBytes, formatDuration, formatTable } from './format.ts';

test('formatBytes() uses binary units and one decimal below ten', () => {
  const cases: [number | bigint, string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [10 * 1024 * 1024 - 1, '9.9 MiB'],
    [20n << 30n, '20 GiB'],
    [2n ** 64n, '16 EiB'],
  ];
  for (const [sizeBytes, text] of cases) assert.equal(formatBytes(sizeBytes), text);
});

test('formatDuration() shows the two leading units and never rounds up', () => {
  const cases: [number, string][] = [
    [0, '0ms'],
    [0.42, '0.4ms'],
    [999.9, '999ms'],
    [1000, '1s'],
    [12_345, '12.3s'],
    [59_999, '59.9s'],
    [125_000, '2m05s'],
    [3 * 3_600_000 + 7 * 60_000, '3h07m'],
    [4 * 86_400_000 + 3 * 3_600_000, '4d03h'],
  ];
  for (const [durationMs, text] of cases) assert.equal(formatDuration(durationMs), text);
});

test('formatTable() aligns columns and leaves no trailing spaces', () => {
  const mounts = [
    { target: '/mnt/a', opens: 7 },
    { target: '/mnt/longer', opens: 1234n },
  ];
  const table = formatTable(mounts, [
    { title: 'OPENS', text: (row) => row.opens, align: 'right' },
    { title: 'TARGET', text: (row) => row.target },
  ]);
  assert.equal(table, ['OPENS  TARGET', '    7  /mnt/a', ' 1234  /mnt/longer'].join('\n'));
});

test('formatTable() of no rows is the line of titles', () => {
  assert.equal(formatTable([], [{ title: 'A', text: () => '' }]), 'A');
});
