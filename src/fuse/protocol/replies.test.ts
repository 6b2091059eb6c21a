// Every reply struct but attr, read back by the layout table from a buffer full of rubbish: padding must be zeroed too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layoutOf, unpack } from '../../../test/fixtures/fuse-frames/layouts.ts';
import type { Values } from '../../../test/fixtures/fuse-frames/layouts.ts';
import * as p from './index.ts';

interface Case {
  readonly struct: string;
  readonly encode: (buf: Buffer, at: number) => number;
  /** Fields not named here must be 0. */
  readonly expected: Values;
}

const time = (tvSec: number): p.SxTime => ({ tvSec, tvNsec: 999_999_999 });
const STAT: p.Statx = {
  mask: 0xfff,
  blksize: 4096,
  attributes: 0x800,
  nlink: 2,
  uid: 1,
  gid: 3,
  mode: 0o100644,
  ino: 2n ** 64n - 1n,
  size: 2 ** 45,
  blocks: 8,
  attributesMask: 0x1800,
  atime: time(-1),
  btime: time(5),
  ctime: time(6),
  mtime: time(2 ** 35),
  rdevMajor: 10,
  rdevMinor: 11,
  devMajor: 12,
  devMinor: 13,
};

const CASES: readonly Case[] = [
  {
    struct: 'fuse_out_header',
    encode: (buf, at) => p.encodeOutHeader(buf, at, { len: 16, error: -2, unique: (p.UNIQUE_RESEND | 6n) as p.Unique }),
    expected: { len: 16, error: -2, unique: 2n ** 63n + 6n },
  },
  {
    struct: 'fuse_out_header',
    encode: (buf, at) => p.encodeEmptyReply(buf, at, 7n as p.Unique, p.ERRNO.ENOSYS),
    expected: { len: 16, error: -38, unique: 7n },
  },
  {
    struct: 'fuse_out_header',
    encode: (buf, at) => p.encodeEmptyReply(buf, at, 7n as p.Unique, 0),
    expected: { len: 16, unique: 7n },
  },
  {
    struct: 'fuse_open_out',
    encode: (buf, at) =>
      p.encodeOpenOut(buf, at, { fh: (2n ** 63n) as p.FileHandle, openFlags: p.FOPEN.PASSTHROUGH, backingId: 4 }),
    expected: { fh: 2n ** 63n, open_flags: 128, backing_id: 4 },
  },
  { struct: 'fuse_write_out', encode: (buf, at) => p.encodeWriteOut(buf, at, { size: 5 }), expected: { size: 5 } },
  {
    struct: 'fuse_getxattr_out',
    encode: (buf, at) => p.encodeGetxattrOut(buf, at, { size: 5 }),
    expected: { size: 5 },
  },
  {
    struct: 'fuse_lseek_out',
    encode: (buf, at) => p.encodeLseekOut(buf, at, { offset: 2 ** 40 }),
    expected: { offset: 2n ** 40n },
  },
  { struct: 'fuse_poll_out', encode: (buf, at) => p.encodePollOut(buf, at, { revents: 1 }), expected: { revents: 1 } },
  {
    struct: 'fuse_bmap_out',
    encode: (buf, at) => p.encodeBmapOut(buf, at, { block: 2 ** 33 }),
    expected: { block: 2n ** 33n },
  },
  {
    struct: 'fuse_copy_file_range_out',
    encode: (buf, at) => p.encodeCopyFileRangeOut(buf, at, { bytesCopied: 2 ** 33 + 1 }),
    expected: { bytes_copied: 2n ** 33n + 1n },
  },
  {
    struct: 'fuse_ioctl_out',
    encode: (buf, at) => p.encodeIoctlOut(buf, at, { result: -5, flags: p.IOCTL.RETRY, inIovs: 1, outIovs: 2 }),
    expected: { result: -5, flags: 4, in_iovs: 1, out_iovs: 2 },
  },
  {
    struct: 'fuse_lk_out',
    encode: (buf, at) => p.encodeLkOut(buf, at, { lk: { start: 1n, end: 2n ** 63n - 1n, type: 2, pid: 9 } }),
    expected: { 'lk.start': 1n, 'lk.end': 2n ** 63n - 1n, 'lk.type': 2, 'lk.pid': 9 },
  },
  {
    struct: 'fuse_statfs_out',
    encode: (buf, at) =>
      p.encodeStatfsOut(buf, at, {
        blocks: 2 ** 50,
        bfree: 1,
        bavail: 2,
        files: 3,
        ffree: 4,
        bsize: 5,
        namelen: 255,
        frsize: 7,
      }),
    expected: {
      'st.blocks': 2n ** 50n,
      'st.bfree': 1n,
      'st.bavail': 2n,
      'st.files': 3n,
      'st.ffree': 4n,
      'st.bsize': 5,
      'st.namelen': 255,
      'st.frsize': 7,
    },
  },
  {
    struct: 'fuse_statx_out',
    encode: (buf, at) => p.encodeStatxOut(buf, at, { attrValidMs: 1001, flags: 1, stat: STAT }),
    expected: {
      attr_valid: 1n,
      attr_valid_nsec: 1_000_000,
      flags: 1,
      'stat.mask': 0xfff,
      'stat.blksize': 4096,
      'stat.attributes': 0x800n,
      'stat.nlink': 2,
      'stat.uid': 1,
      'stat.gid': 3,
      'stat.mode': 0o100644,
      'stat.ino': 2n ** 64n - 1n,
      'stat.size': 2n ** 45n,
      'stat.blocks': 8n,
      'stat.attributes_mask': 0x1800n,
      'stat.atime.tv_sec': -1n,
      'stat.atime.tv_nsec': 999_999_999,
      'stat.btime.tv_sec': 5n,
      'stat.btime.tv_nsec': 999_999_999,
      'stat.ctime.tv_sec': 6n,
      'stat.ctime.tv_nsec': 999_999_999,
      'stat.mtime.tv_sec': 2n ** 35n,
      'stat.mtime.tv_nsec': 999_999_999,
      'stat.rdev_major': 10,
      'stat.rdev_minor': 11,
      'stat.dev_major': 12,
      'stat.dev_minor': 13,
    },
  },
];

for (const { struct, encode, expected } of CASES) {
  test(`${struct} is written in full, where it was asked to be, and nowhere else`, () => {
    const { size, fields } = layoutOf(struct);
    const buf = Buffer.alloc(8 + size + 8, 0xaa);
    assert.equal(encode(buf, 8), size);

    const zeroes = Object.fromEntries(fields.map(({ name, type }) => [name, /64/.test(type) ? 0n : 0]));
    assert.deepEqual(unpack(struct, buf, 8), { ...zeroes, ...expected });
    assert.deepEqual(buf.subarray(0, 8), Buffer.alloc(8, 0xaa));
    assert.deepEqual(buf.subarray(8 + size), Buffer.alloc(8, 0xaa));

    // The same into another kind of rubbish: a byte that differs was never written.
    const other = Buffer.alloc(8 + size + 8, 0x55);
    encode(other, 8);
    assert.deepEqual(buf.subarray(8, 8 + size), other.subarray(8, 8 + size));
  });
}
