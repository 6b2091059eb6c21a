// read-write: moving bytes: READ, WRITE, and READDIR, which asks with the struct of READ.
import type { Buffer } from 'node:buffer';
import type { FileHandle } from './ids.ts';
import { needBytes, needExactly, readU64 } from './words.ts';

export const READ_IN_BYTES = 40;
export const WRITE_IN_BYTES = 40;
export const WRITE_OUT_BYTES = 8;

export interface ReadIn {
  readonly fh: FileHandle;
  readonly offset: number;
  /** The reply carries at most this many bytes; fewer mean the end of the file. */
  readonly size: number;
  readonly readFlags: number;
  /** Means something only with READ_LOCKOWNER. */
  readonly lockOwner: bigint;
  /** Of the open file. */
  readonly flags: number;
}

/** READDIR, READDIRPLUS: `offset` is the `off` of the last entry already seen, any 64 bits; 0 is the start. */
export interface ReaddirIn {
  readonly fh: FileHandle;
  readonly offset: bigint;
  /** The reply carries at most this many bytes; none mean the end of the directory. */
  readonly size: number;
}

export interface WriteIn {
  readonly fh: FileHandle;
  readonly offset: number;
  readonly size: number;
  /** WRITE bits. */
  readonly writeFlags: number;
  readonly lockOwner: bigint;
  readonly flags: number;
  /** Exactly `size` bytes, a view into the frame. */
  readonly data: Buffer;
}

/** WRITE and COPY_FILE_RANGE. */
export interface WriteOut {
  readonly size: number;
}

export function decodeReadIn(args: Buffer): ReadIn {
  needBytes(args, READ_IN_BYTES, 'fuse_read_in');
  return {
    fh: args.readBigUInt64LE(0) as FileHandle,
    offset: readU64(args, 8, 'fuse_read_in.offset'),
    size: args.readUInt32LE(16),
    readFlags: args.readUInt32LE(20),
    lockOwner: args.readBigUInt64LE(24),
    flags: args.readUInt32LE(32),
  };
}

export function decodeReaddirIn(args: Buffer): ReaddirIn {
  needBytes(args, READ_IN_BYTES, 'fuse_read_in');
  return {
    fh: args.readBigUInt64LE(0) as FileHandle,
    offset: args.readBigUInt64LE(8),
    size: args.readUInt32LE(16),
  };
}

export function decodeWriteIn(args: Buffer): WriteIn {
  needBytes(args, WRITE_IN_BYTES, 'fuse_write_in');
  const size = args.readUInt32LE(16);
  needExactly(args, WRITE_IN_BYTES + size, 'fuse_write_in and its data');
  return {
    fh: args.readBigUInt64LE(0) as FileHandle,
    offset: readU64(args, 8, 'fuse_write_in.offset'),
    size,
    writeFlags: args.readUInt32LE(20),
    lockOwner: args.readBigUInt64LE(24),
    flags: args.readUInt32LE(32),
    data: args.subarray(WRITE_IN_BYTES),
  };
}

export function encodeWriteOut(buf: Buffer, at: number, out: WriteOut): number {
  buf.writeUInt32LE(out.size, at);
  buf.writeUInt32LE(0, at + 4);
  return WRITE_OUT_BYTES;
}
