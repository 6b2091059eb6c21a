// statx: struct fuse_statx_in and fuse_statx_out (7.39), what statx(2) asks beyond fuse_attr.
import type { Buffer } from 'node:buffer';
import { encodeValidity } from './attr.ts';
import type { FileHandle } from './ids.ts';
import { needBytes, writeI64, writeU64 } from './words.ts';

export const STATX_IN_BYTES = 24;
export const STATX_BYTES = 256;
export const STATX_OUT_BYTES = 288;

export interface StatxIn {
  readonly getattrFlags: number;
  /** Means something only with GETATTR_FH. */
  readonly fh: FileHandle;
  readonly sxFlags: number;
  readonly sxMask: number;
}

/** Seconds may be negative. */
export interface SxTime {
  readonly tvSec: number;
  readonly tvNsec: number;
}

export interface Statx {
  /** STATX_* bits of the fields that are filled in. */
  readonly mask: number;
  readonly blksize: number;
  readonly attributes: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  readonly ino: bigint;
  readonly size: number;
  readonly blocks: number;
  readonly attributesMask: number;
  readonly atime: SxTime;
  readonly btime: SxTime;
  readonly ctime: SxTime;
  readonly mtime: SxTime;
  readonly rdevMajor: number;
  readonly rdevMinor: number;
  readonly devMajor: number;
  readonly devMinor: number;
}

export interface StatxOut {
  readonly attrValidMs: number;
  readonly flags: number;
  readonly stat: Statx;
}

export function decodeStatxIn(args: Buffer): StatxIn {
  needBytes(args, STATX_IN_BYTES, 'fuse_statx_in');
  return {
    getattrFlags: args.readUInt32LE(0),
    fh: args.readBigUInt64LE(8) as FileHandle,
    sxFlags: args.readUInt32LE(16),
    sxMask: args.readUInt32LE(20),
  };
}

export function encodeStatxOut(buf: Buffer, at: number, out: StatxOut): number {
  encodeValidity(buf, out.attrValidMs, at, at + 8);
  buf.writeUInt32LE(out.flags, at + 12);
  buf.fill(0, at + 16, at + 32);
  encodeStatx(buf, at + 32, out.stat);
  return STATX_OUT_BYTES;
}

function encodeStatx(buf: Buffer, at: number, stat: Statx): void {
  buf.writeUInt32LE(stat.mask, at);
  buf.writeUInt32LE(stat.blksize, at + 4);
  writeU64(buf, stat.attributes, at + 8);
  buf.writeUInt32LE(stat.nlink, at + 16);
  buf.writeUInt32LE(stat.uid, at + 20);
  buf.writeUInt32LE(stat.gid, at + 24);
  buf.writeUInt16LE(stat.mode, at + 28);
  buf.writeUInt16LE(0, at + 30);
  buf.writeBigUInt64LE(stat.ino, at + 32);
  writeU64(buf, stat.size, at + 40);
  writeU64(buf, stat.blocks, at + 48);
  writeU64(buf, stat.attributesMask, at + 56);
  encodeSxTime(buf, at + 64, stat.atime);
  encodeSxTime(buf, at + 80, stat.btime);
  encodeSxTime(buf, at + 96, stat.ctime);
  encodeSxTime(buf, at + 112, stat.mtime);
  buf.writeUInt32LE(stat.rdevMajor, at + 128);
  buf.writeUInt32LE(stat.rdevMinor, at + 132);
  buf.writeUInt32LE(stat.devMajor, at + 136);
  buf.writeUInt32LE(stat.devMinor, at + 140);
  buf.fill(0, at + 144, at + STATX_BYTES);
}

function encodeSxTime(buf: Buffer, at: number, time: SxTime): void {
  writeI64(buf, time.tvSec, at);
  buf.writeUInt32LE(time.tvNsec, at + 8);
  buf.writeUInt32LE(0, at + 12);
}
