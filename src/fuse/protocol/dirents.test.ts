import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { unpack } from '../../../test/fixtures/fuse-frames/layouts.ts';
import type { Attr, EntryOut } from './attr.ts';
import { direntBytes, direntplusBytes, DirentWriter } from './dirents.ts';
import type { Dirent } from './dirents.ts';
import type { NodeId } from './ids.ts';

const attr = { atime: 0, mtime: 0, ctime: 0, atimensec: 0, mtimensec: 0, ctimensec: 0, rdev: 0, flags: 0 };
const ATTR: Attr = { ...attr, ino: 6n, size: 1, blocks: 1, mode: 0o100644, nlink: 1, uid: 0, gid: 0, blksize: 4096 };
const ENTRY: EntryOut = { nodeid: 6n as NodeId, generation: 0n, entryValidMs: 1000, attrValidMs: 1000, attr: ATTR };

const dirent = (name: string, off = 1n): Dirent => ({ ino: 6n, off, type: 8, name: Buffer.from(name) });

/** Walks the records as the kernel does; `prefix` bytes come before each (entry_out for READDIRPLUS). */
function readRecords(buf: Buffer, bytes: number, prefix = 0): Dirent[] {
  const records: Dirent[] = [];
  let at = 0;
  while (at < bytes) {
    const { ino, off, namelen, type } = unpack('fuse_dirent', buf, at + prefix);
    const nameAt = at + prefix + 24;
    const nameEnd = nameAt + Number(namelen);
    records.push({ ino: BigInt(ino!), off: BigInt(off!), type: Number(type), name: buf.subarray(nameAt, nameEnd) });
    const end = Math.ceil(nameEnd / 8) * 8;
    assert.ok(
      buf.subarray(nameEnd, end).every((byte) => byte === 0),
      'padding is zeroed',
    );
    at = end;
  }
  assert.equal(at, bytes);
  return records;
}

test('append() writes records the kernel can walk, in any number and with any names', () => {
  const names = fc.uint8Array({ minLength: 1, maxLength: 255 }).map((array) => Buffer.from(array));
  const dirents = fc.record<Dirent>(
    {
      ino: fc.bigInt(0n, 2n ** 64n - 1n),
      off: fc.bigInt(1n, 2n ** 64n - 1n),
      type: fc.integer({ min: 0, max: 15 }),
      name: names,
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.array(dirents, { maxLength: 20 }), fc.nat(2000), (entries, sizeMax) => {
      const buf = Buffer.alloc(2000, 0xaa);
      const writer = new DirentWriter(buf, 0, sizeMax);
      const fitted = entries.findIndex((each) => !writer.append(each));
      const written = fitted < 0 ? entries : entries.slice(0, fitted);
      assert.ok(writer.bytes <= sizeMax);
      assert.deepEqual(readRecords(buf, writer.bytes), written);
    }),
  );
});

test('append() takes an entry that fits to the byte, and refuses it with one byte less', () => {
  for (const length of [1, 7, 8, 9, 255]) {
    const bytes = direntBytes(length);
    assert.equal(bytes % 8, 0);
    assert.ok(new DirentWriter(Buffer.alloc(400), 0, bytes).append(dirent('n'.repeat(length))));
    const short = new DirentWriter(Buffer.alloc(400), 0, bytes - 1);
    assert.equal(short.append(dirent('n'.repeat(length))), false);
    assert.equal(short.bytes, 0);
  }
});

test('append() never writes beyond the buffer, whatever size was asked for', () => {
  const writer = new DirentWriter(Buffer.alloc(40), 16, 4096);
  assert.equal(writer.append(dirent('n')), false);
});

test('append() starts where it was told to', () => {
  const buf = Buffer.alloc(64, 0xaa);
  const writer = new DirentWriter(buf, 16, 48);
  assert.ok(writer.append(dirent('name')));
  assert.equal(writer.bytes, 32);
  assert.deepEqual(buf.subarray(0, 16), Buffer.alloc(16, 0xaa));
  assert.deepEqual(readRecords(buf.subarray(16), 32), [dirent('name')]);
});

test('append() refuses an empty name, over which the kernel would fail the whole READDIR', () => {
  assert.throws(() => new DirentWriter(Buffer.alloc(64), 0, 64).append(dirent('')), RangeError);
});

test('appendPlus() puts the entry before the record', () => {
  const buf = Buffer.alloc(400, 0xaa);
  const writer = new DirentWriter(buf, 0, 400);
  assert.ok(writer.appendPlus(dirent('.')));
  assert.ok(writer.appendPlus(dirent('file', 2n), ENTRY));
  assert.equal(writer.bytes, direntplusBytes(1) + direntplusBytes(4));
  assert.deepEqual(readRecords(buf, writer.bytes, 128), [dirent('.'), dirent('file', 2n)]);
  assert.ok(
    buf.subarray(0, 128).every((byte) => byte === 0),
    'without entry: nodeid 0, no lookup',
  );
  const values = unpack('fuse_entry_out', buf, direntplusBytes(1));
  assert.equal(values['nodeid'], 6n);
  assert.equal(values['attr.mode'], 0o100644);
});

test('appendPlus() takes an entry that fits to the byte, and refuses it with one byte less', () => {
  for (const length of [1, 8, 255]) {
    const bytes = direntplusBytes(length);
    assert.ok(new DirentWriter(Buffer.alloc(500), 0, bytes).appendPlus(dirent('n'.repeat(length)), ENTRY));
    const short = new DirentWriter(Buffer.alloc(500), 0, bytes - 1);
    assert.equal(short.appendPlus(dirent('n'.repeat(length)), ENTRY), false);
    assert.equal(short.bytes, 0);
  }
});
