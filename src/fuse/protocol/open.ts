// open: the life of a file handle: OPEN, CREATE, FLUSH, FSYNC, RELEASE, and the same for directories.
import type { Buffer } from 'node:buffer';
import type { FileHandle } from './ids.ts';
import { needBytes, readLastName } from './words.ts';

export const OPEN_OUT_BYTES = 16;

const O_ACCMODE = 0o3;
const O_TRUNC = 0o1000;

export interface OpenIn {
  /** Of open(2). */
  readonly flags: number;
  /** OPEN_KILL_SUIDGID; always 0 before 7.33. */
  readonly openFlags: number;
}

/** CREATE and TMPFILE. The name of a TMPFILE is "/" and means nothing. */
export interface CreateIn {
  readonly flags: number;
  readonly mode: number;
  readonly umask: number;
  readonly openFlags: number;
  readonly name: Buffer;
}

export interface OpenOut {
  readonly fh: FileHandle;
  /** FOPEN bits. */
  readonly openFlags: number;
  /** Of the backing file, with FOPEN.PASSTHROUGH; otherwise 0. */
  readonly backingId: number;
}

/** RELEASE and RELEASEDIR. */
export interface ReleaseIn {
  readonly fh: FileHandle;
  readonly flags: number;
  /** RELEASE bits. */
  readonly releaseFlags: number;
  readonly lockOwner: bigint;
}

export interface FlushIn {
  readonly fh: FileHandle;
  readonly lockOwner: bigint;
}

/** FSYNC and FSYNCDIR. */
export interface FsyncIn {
  readonly fh: FileHandle;
  readonly fsyncFlags: number;
}

/** Whether an open with these flags could change the file: a read-only file system answers it with EROFS. */
export function openModifies(flags: number): boolean {
  return (flags & (O_ACCMODE | O_TRUNC)) !== 0;
}

export function decodeOpenIn(args: Buffer): OpenIn {
  needBytes(args, 8, 'fuse_open_in');
  return { flags: args.readUInt32LE(0), openFlags: args.readUInt32LE(4) };
}

export function decodeCreateIn(args: Buffer): CreateIn {
  needBytes(args, 16, 'fuse_create_in');
  return {
    flags: args.readUInt32LE(0),
    mode: args.readUInt32LE(4),
    umask: args.readUInt32LE(8),
    openFlags: args.readUInt32LE(12),
    name: readLastName(args, 16, 'create name'),
  };
}

export function encodeOpenOut(buf: Buffer, at: number, out: OpenOut): number {
  buf.writeBigUInt64LE(out.fh, at);
  buf.writeUInt32LE(out.openFlags, at + 8);
  buf.writeInt32LE(out.backingId, at + 12);
  return OPEN_OUT_BYTES;
}

export function decodeReleaseIn(args: Buffer): ReleaseIn {
  needBytes(args, 24, 'fuse_release_in');
  return {
    fh: args.readBigUInt64LE(0) as FileHandle,
    flags: args.readUInt32LE(8),
    releaseFlags: args.readUInt32LE(12),
    lockOwner: args.readBigUInt64LE(16),
  };
}

export function decodeFlushIn(args: Buffer): FlushIn {
  needBytes(args, 24, 'fuse_flush_in');
  return { fh: args.readBigUInt64LE(0) as FileHandle, lockOwner: args.readBigUInt64LE(16) };
}

export function decodeFsyncIn(args: Buffer): FsyncIn {
  needBytes(args, 16, 'fuse_fsync_in');
  return { fh: args.readBigUInt64LE(0) as FileHandle, fsyncFlags: args.readUInt32LE(8) };
}
