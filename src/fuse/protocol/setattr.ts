// setattr: struct fuse_getattr_in and fuse_setattr_in, the questions that attr_out answers.
import type { Buffer } from 'node:buffer';
import type { FileHandle } from './ids.ts';
import { needBytes, readI64, readU64 } from './words.ts';

export const GETATTR_IN_BYTES = 16;
export const SETATTR_IN_BYTES = 88;

export interface GetattrIn {
  readonly getattrFlags: number;
  /** Means something only with GETATTR_FH. */
  readonly fh: FileHandle;
}

/** A field means something only if its FATTR bit is set in `valid`. */
export interface SetattrIn {
  readonly valid: number;
  readonly fh: FileHandle;
  readonly size: number;
  readonly lockOwner: bigint;
  readonly atime: number;
  readonly mtime: number;
  readonly ctime: number;
  readonly atimensec: number;
  readonly mtimensec: number;
  readonly ctimensec: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export function decodeGetattrIn(args: Buffer): GetattrIn {
  needBytes(args, GETATTR_IN_BYTES, 'fuse_getattr_in');
  return { getattrFlags: args.readUInt32LE(0), fh: args.readBigUInt64LE(8) as FileHandle };
}

export function decodeSetattrIn(args: Buffer): SetattrIn {
  needBytes(args, SETATTR_IN_BYTES, 'fuse_setattr_in');
  return {
    valid: args.readUInt32LE(0),
    fh: args.readBigUInt64LE(8) as FileHandle,
    size: readU64(args, 16, 'fuse_setattr_in.size'),
    lockOwner: args.readBigUInt64LE(24),
    atime: readI64(args, 32, 'fuse_setattr_in.atime'),
    mtime: readI64(args, 40, 'fuse_setattr_in.mtime'),
    ctime: readI64(args, 48, 'fuse_setattr_in.ctime'),
    atimensec: args.readUInt32LE(56),
    mtimensec: args.readUInt32LE(60),
    ctimensec: args.readUInt32LE(64),
    mode: args.readUInt32LE(68),
    uid: args.readUInt32LE(76),
    gid: args.readUInt32LE(80),
  };
}
