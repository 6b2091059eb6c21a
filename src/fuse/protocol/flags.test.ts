import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flagNames, INIT_FLAGS } from './flags.ts';

test('INIT_FLAGS are the 42 known bits, each once', () => {
  const bits = Object.values(INIT_FLAGS);
  const all = bits.reduce((word, bit) => word | bit, 0n);
  assert.equal(new Set(bits).size, bits.length);
  assert.equal(all, 2n ** 43n - 1n - 2n ** 31n);
});

test('flagNames() names the bits of a word, and numbers those it does not know', () => {
  assert.deepEqual(flagNames(0n), []);
  assert.deepEqual(flagNames((1n << 39n) | 1n), ['ASYNC_READ', 'HAS_RESEND']);
  assert.deepEqual(flagNames((1n << 31n) | (1n << 63n)), ['BIT_31', 'BIT_63']);
});

test('flagNames() shows what Linux 6.18 does not offer', () => {
  const missing = Object.values(INIT_FLAGS).reduce((word, bit) => word | bit, 0n) & ~0x5fd_73ff_fffbn;
  assert.deepEqual(flagNames(missing), ['FILE_OPS', 'MAP_ALIGNMENT', 'SUBMOUNTS', 'HAS_INODE_DAX', 'OVER_IO_URING']);
});
