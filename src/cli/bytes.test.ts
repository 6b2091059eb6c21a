import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBytes } from './bytes.ts';
import { UsageError } from './exit.ts';

const GOOD: readonly [string, number][] = [
  ['0', 0],
  ['12', 12],
  ['12B', 12],
  ['1K', 1024],
  ['1KiB', 1024],
  ['1Ki', 1024],
  ['1KB', 1000],
  ['1.5MiB', 1.5 * 2 ** 20],
  ['20GiB', 20 * 2 ** 30],
  ['20 GiB', 20 * 2 ** 30],
  ['2tb', 2e12],
];

for (const [text, bytes] of GOOD) {
  test(`parseBytes() reads "${text}" as ${bytes}`, () => {
    assert.equal(parseBytes('--size', text, 0), bytes);
  });
}

for (const text of ['', 'GiB', '-1', '1PiB', '1e9', '1.2.3G', '9999999999TiB']) {
  test(`parseBytes() refuses "${text}" and names the option`, () => {
    assert.throws(
      () => parseBytes('--size', text, 0),
      (err) => err instanceof UsageError && err.message.includes('--size'),
    );
  });
}

test('parseBytes() refuses less than the least', () => {
  assert.throws(() => parseBytes('--size', '1K', 4096), UsageError);
});
