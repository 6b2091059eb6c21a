import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unpack } from '../../../test/fixtures/fuse-frames/layouts.ts';
import { WireError } from './errors.ts';
import { flagNames, INIT_FLAGS } from './flags.ts';
import type { Unique } from './ids.ts';
import type { InitIn } from './init.ts';
import { encodeInitReply, negotiate, readBufferBytesMin } from './negotiate.ts';
import type { InitWishes } from './negotiate.ts';

const { INIT_EXT, HAS_RESEND, MAX_PAGES, ASYNC_READ, PASSTHROUGH, REQUEST_TIMEOUT, OVER_IO_URING } = INIT_FLAGS;

/** As Linux 6.18 makes it. */
const OFFER: InitIn = { major: 7, minor: 45, maxReadahead: 131072, flags: 0x5fd_73ff_fffbn };
const WISHES: InitWishes = {
  flags: ASYNC_READ | MAX_PAGES | HAS_RESEND | PASSTHROUGH | OVER_IO_URING,
  maxReadahead: 1 << 20,
  maxWrite: 1 << 20,
  maxBackground: 64,
  congestionThreshold: 48,
  timeGran: 1,
  maxStackDepth: 1,
  requestTimeout: 600,
};

test('negotiate() agrees on what is both wished and offered', () => {
  const agreed = negotiate(OFFER, WISHES);
  assert.deepEqual(flagNames(agreed.flags), ['ASYNC_READ', 'MAX_PAGES', 'INIT_EXT', 'PASSTHROUGH', 'HAS_RESEND']);
  assert.equal(agreed.maxReadahead, 131072);
  assert.equal(agreed.maxWrite, 1 << 20);
  assert.equal(agreed.maxPages, 256);
  assert.equal(agreed.maxStackDepth, 1);
  assert.equal(agreed.requestTimeout, 0);
});

test('negotiate() speaks the smaller minor of both', () => {
  assert.equal(negotiate({ ...OFFER, minor: 36 }, WISHES).minor, 36);
  assert.equal(negotiate({ ...OFFER, minor: 99 }, WISHES).minor, 45);
});

test('negotiate() refuses a kernel older than 7.31 and any other major, naming both sides', () => {
  for (const [major, minor] of [
    [7, 30],
    [6, 45],
    [8, 0],
  ] as const) {
    assert.throws(
      () => negotiate({ ...OFFER, major, minor }, WISHES),
      (err) => err instanceof WireError && err.message.includes('7.31') && err.message.includes(`${major}.${minor}`),
    );
  }
});

test('negotiate() agrees on no flag above bit 31 without INIT_EXT, and on INIT_EXT only for one of them', () => {
  const low = negotiate({ ...OFFER, flags: OFFER.flags & ~INIT_EXT }, WISHES);
  assert.equal(low.flags >> 32n, 0n);
  assert.equal(low.flags & INIT_EXT, 0n);
  assert.equal(low.maxStackDepth, 0);
  assert.equal(negotiate(OFFER, { ...WISHES, flags: ASYNC_READ | INIT_EXT }).flags, ASYNC_READ);
});

test('negotiate() stays within 32 pages without MAX_PAGES, and never below one', () => {
  const small = negotiate(OFFER, { ...WISHES, flags: ASYNC_READ });
  assert.equal(small.maxPages, 32);
  assert.equal(small.maxWrite, 131072);
  assert.equal(negotiate(OFFER, { ...WISHES, maxWrite: 100 }).maxWrite, 4096);
  assert.equal(negotiate(OFFER, { ...WISHES, maxWrite: 2 ** 31 }).maxPages, 65535);
});

test('negotiate() keeps the request timeout only with its flag', () => {
  const flags = WISHES.flags | REQUEST_TIMEOUT;
  assert.equal(negotiate({ ...OFFER, flags: OFFER.flags | REQUEST_TIMEOUT }, { ...WISHES, flags }).requestTimeout, 600);
});

test('encodeInitReply() writes the whole answer', () => {
  const agreed = negotiate(OFFER, WISHES);
  const buf = Buffer.alloc(100, 0xaa);
  assert.equal(encodeInitReply(buf, agreed, 2n as Unique), 80);
  assert.deepEqual(unpack('fuse_out_header', buf), { len: 80, error: 0, unique: 2n });
  const out = unpack('fuse_init_out', buf, 16);
  assert.equal(out['max_write'], agreed.maxWrite);
  assert.equal((BigInt(out['flags2'] ?? 0) << 32n) | BigInt(out['flags'] ?? 0), agreed.flags);
});

test('readBufferBytesMin() is what the kernel demands of a read', () => {
  assert.equal(readBufferBytesMin({ maxWrite: 4096 }), 8192);
  assert.equal(readBufferBytesMin({ maxWrite: 1 << 20 }), 80 + (1 << 20));
});
