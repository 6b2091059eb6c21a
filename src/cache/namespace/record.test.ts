import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeKnown, encodeKnown, nameKey, type Known } from './record.ts';

const FILE: Known = {
  ino: 2 ** 40 + 7,
  kind: 'file',
  sizeBytes: 2 ** 41 + 1,
  mtimeMs: 1_700_000_000_123,
  version: '',
  posix: undefined,
  target: undefined,
  objectWords: [1, 2 ** 32 - 1, 3],
  checkedAtMs: 1_700_000_000_456,
  era: 4,
};
const KEY = nameKey(1, Buffer.from('name'));

const MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
for (const version of ['', MD5, `${MD5}-12`, 'ABCDEF', 'abc', '00', '1700000000000 12', 'gewählt']) {
  test(`decodeKnown() gives back the version "${version}" and what stands behind it`, () => {
    for (const known of [
      { ...FILE, version },
      { ...FILE, version, posix: { mode: 0o644, uid: 1, gid: 2 } },
      { ...FILE, version, kind: 'link' as const, objectWords: undefined, target: Buffer.from('elsewhere') },
    ]) {
      const value = encodeKnown(KEY, known);
      assert.deepEqual(decodeKnown(value, value.length), known);
    }
  });
}

test('encodeKnown() takes half of the digits for a hexadecimal version', () => {
  const length = (version: string): number => encodeKnown(KEY, { ...FILE, version }).length;
  assert.equal(length(MD5) - length(''), 16);
});
