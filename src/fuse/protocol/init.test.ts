import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pack, unpack } from '../../../test/fixtures/fuse-frames/layouts.ts';
import { INIT_FLAGS } from './flags.ts';
import { decodeInitIn, encodeInitOut } from './init.ts';
import type { InitOut } from './init.ts';

const OUT: InitOut = {
  major: 7,
  minor: 45,
  maxReadahead: 131072,
  flags: INIT_FLAGS.INIT_EXT | INIT_FLAGS.HAS_RESEND | INIT_FLAGS.ASYNC_READ,
  maxBackground: 64,
  congestionThreshold: 48,
  maxWrite: 1 << 20,
  timeGran: 1,
  maxPages: 256,
  maxStackDepth: 1,
  requestTimeout: 600,
};

test('decodeInitIn() reads the second flag word only if INIT_EXT is set in the first', () => {
  const values = { major: 7, minor: 45, max_readahead: 1, flags: 1, flags2: 0x80 };
  assert.equal(decodeInitIn(pack('fuse_init_in', values)).flags, 1n);
  const extended = decodeInitIn(pack('fuse_init_in', { ...values, flags: 1n | INIT_FLAGS.INIT_EXT }));
  assert.equal(extended.flags, 1n | INIT_FLAGS.INIT_EXT | INIT_FLAGS.HAS_RESEND);
});

test('encodeInitOut() writes 64 bytes since 7.23, 24 since 7.5, 8 before', () => {
  for (const [minor, bytes] of [
    [45, 64],
    [23, 64],
    [22, 24],
    [5, 24],
    [4, 8],
  ] as const) {
    const buf = Buffer.alloc(72, 0xaa);
    assert.equal(encodeInitOut(buf, 4, { ...OUT, minor }), bytes);
    assert.ok(
      buf.subarray(4 + bytes).every((byte) => byte === 0xaa),
      `7.${minor}`,
    );
  }
});

test('encodeInitOut() puts every field in its place and zeroes the rest', () => {
  const buf = Buffer.alloc(64, 0xaa);
  encodeInitOut(buf, 0, OUT);
  assert.deepEqual(unpack('fuse_init_out', buf), {
    major: 7,
    minor: 45,
    max_readahead: 131072,
    flags: 0x4000_0001,
    max_background: 64,
    congestion_threshold: 48,
    max_write: 1 << 20,
    time_gran: 1,
    max_pages: 256,
    map_alignment: 0,
    flags2: 0x80,
    max_stack_depth: 1,
    request_timeout: 600,
  });
  assert.ok(buf.subarray(42).every((byte) => byte === 0));
});
