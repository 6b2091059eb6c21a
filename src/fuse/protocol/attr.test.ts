import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { unpack } from '../../../test/fixtures/fuse-frames/layouts.ts';
import {
  encodeAttr,
  encodeAttrOut,
  encodeEntryOut,
  encodeNegativeEntry,
  encodeValidity,
  VALID_MS_MAX,
} from './attr.ts';
import type { Attr } from './attr.ts';
import type { NodeId } from './ids.ts';

const U32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const U64 = fc.nat(Number.MAX_SAFE_INTEGER);
const I64 = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });

const attrs = fc.record<Attr>(
  {
    ino: fc.bigInt(0n, 2n ** 64n - 1n),
    size: U64,
    blocks: U64,
    atime: I64,
    mtime: I64,
    ctime: I64,
    atimensec: U32,
    mtimensec: U32,
    ctimensec: U32,
    mode: U32,
    nlink: U32,
    uid: U32,
    gid: U32,
    rdev: U32,
    blksize: U32,
    flags: U32,
  },
  { noNullPrototype: true },
);
const ATTR: Attr = {
  ino: 42n,
  size: 4097,
  blocks: 9,
  atime: -1,
  mtime: 2 ** 33,
  ctime: 0,
  atimensec: 1,
  mtimensec: 2,
  ctimensec: 3,
  mode: 0o100644,
  nlink: 1,
  uid: 1000,
  gid: 1001,
  rdev: 0,
  blksize: 4096,
  flags: 0,
};

/** The attr at `at`, read by the layout table, as the value it came from. */
function decodeAttr(buf: Buffer, at: number): Record<string, unknown> {
  const values = unpack('fuse_attr', buf, at);
  for (const name of ['size', 'blocks']) values[name] = Number(values[name]);
  for (const name of ['atime', 'mtime', 'ctime']) values[name] = Number(BigInt.asIntN(64, BigInt(values[name] ?? 0)));
  return values;
}

test('encodeAttr() writes every value of every field where the kernel reads it', () => {
  const buf = Buffer.alloc(96, 0xaa);
  fc.assert(
    fc.property(attrs, (attr) => {
      assert.equal(encodeAttr(buf, 8, attr), 88);
      assert.deepEqual(decodeAttr(buf, 8), attr);
    }),
  );
  assert.deepEqual(buf.subarray(0, 8), Buffer.alloc(8, 0xaa));
});

test('encodeAttr() throws RangeError for a value its field cannot hold', () => {
  for (const wrong of [
    { size: -1 },
    { size: 1.5 },
    { size: NaN },
    { mtime: 2 ** 53 },
    { uid: -1 },
    { mode: 2 ** 32 },
  ]) {
    assert.throws(() => encodeAttr(Buffer.alloc(88), 0, { ...ATTR, ...wrong }), RangeError);
  }
  assert.throws(() => encodeAttr(Buffer.alloc(87), 0, ATTR), RangeError);
});

test('encodeEntryOut() writes both validities and the attr', () => {
  const buf = Buffer.alloc(128, 0xaa);
  const entry = { nodeid: 9n as NodeId, generation: 3n, entryValidMs: 1500, attrValidMs: 0.25, attr: ATTR };
  assert.equal(encodeEntryOut(buf, 0, entry), 128);
  const values = unpack('fuse_entry_out', buf);
  assert.equal(values['nodeid'], 9n);
  assert.equal(values['generation'], 3n);
  assert.equal(values['entry_valid'], 1n);
  assert.equal(values['entry_valid_nsec'], 500_000_000);
  assert.equal(values['attr_valid'], 0n);
  assert.equal(values['attr_valid_nsec'], 250_000);
  assert.deepEqual(decodeAttr(buf, 40), ATTR);
});

test('encodeNegativeEntry() leaves nothing but a validity', () => {
  const buf = Buffer.alloc(128, 0xaa);
  assert.equal(encodeNegativeEntry(buf, 0, 2000), 128);
  const set = Object.entries(unpack('fuse_entry_out', buf)).filter(([, value]) => value !== 0 && value !== 0n);
  assert.deepEqual(set, [['entry_valid', 2n]]);
});

test('encodeAttrOut() writes the validity and the attr', () => {
  const buf = Buffer.alloc(104, 0xaa);
  assert.equal(encodeAttrOut(buf, 0, { attrValidMs: 60_001, attr: ATTR }), 104);
  const values = unpack('fuse_attr_out', buf);
  assert.equal(values['attr_valid'], 60n);
  assert.equal(values['attr_valid_nsec'], 1_000_000);
  assert.equal(values['dummy'], 0);
  assert.deepEqual(decodeAttr(buf, 16), ATTR);
});

test('encodeValidity() takes Infinity for as long as can be, and refuses what is no duration', () => {
  const buf = Buffer.alloc(12);
  encodeValidity(buf, Infinity, 0, 8);
  assert.equal(buf.readBigUInt64LE(0), BigInt(VALID_MS_MAX / 1000));
  assert.throws(() => encodeValidity(buf, -1, 0, 8), RangeError);
  assert.throws(() => encodeValidity(buf, NaN, 0, 8), RangeError);
});

test('encodeValidity() never writes a full second as nanoseconds', () => {
  const buf = Buffer.alloc(12);
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (ms) => {
      encodeValidity(buf, ms, 0, 8);
      assert.ok(buf.readUInt32LE(8) < 1e9);
      assert.ok(Math.abs(buf.readUInt32LE(0) * 1000 + buf.readUInt32LE(8) / 1e6 - ms) < 1e-3);
    }),
  );
});
