// attr: struct fuse_attr and the two replies around it, entry_out and attr_out.
import type { Buffer } from 'node:buffer';
import type { NodeId } from './ids.ts';
import { writeI64, writeU64 } from './words.ts';

export const ATTR_BYTES = 88;
export const ENTRY_OUT_BYTES = 128;
export const ATTR_OUT_BYTES = 104;

/** Times are whole seconds, possibly negative, plus nanoseconds; `mode` includes the file type. */
export interface Attr {
  readonly ino: bigint;
  readonly size: number;
  /** In units of 512 bytes, whatever blksize says. */
  readonly blocks: number;
  readonly atime: number;
  readonly mtime: number;
  readonly ctime: number;
  readonly atimensec: number;
  readonly mtimensec: number;
  readonly ctimensec: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
  readonly blksize: number;
  /** ATTR bits. */
  readonly flags: number;
}

/**
 * The answer to LOOKUP, MKDIR and the like. It counts as one lookup of `nodeid`. A nodeid of 0 says "does not exist" and
 * lets the kernel remember that for `entryValidMs`.
 */
export interface EntryOut {
  readonly nodeid: NodeId;
  readonly generation: bigint;
  readonly entryValidMs: number;
  readonly attrValidMs: number;
  readonly attr: Attr;
}

export interface AttrOut {
  readonly attrValidMs: number;
  readonly attr: Attr;
}

export function encodeAttr(buf: Buffer, at: number, attr: Attr): number {
  buf.writeBigUInt64LE(attr.ino, at);
  writeU64(buf, attr.size, at + 8);
  writeU64(buf, attr.blocks, at + 16);
  writeI64(buf, attr.atime, at + 24);
  writeI64(buf, attr.mtime, at + 32);
  writeI64(buf, attr.ctime, at + 40);
  buf.writeUInt32LE(attr.atimensec, at + 48);
  buf.writeUInt32LE(attr.mtimensec, at + 52);
  buf.writeUInt32LE(attr.ctimensec, at + 56);
  buf.writeUInt32LE(attr.mode, at + 60);
  buf.writeUInt32LE(attr.nlink, at + 64);
  buf.writeUInt32LE(attr.uid, at + 68);
  buf.writeUInt32LE(attr.gid, at + 72);
  buf.writeUInt32LE(attr.rdev, at + 76);
  buf.writeUInt32LE(attr.blksize, at + 80);
  buf.writeUInt32LE(attr.flags, at + 84);
  return ATTR_BYTES;
}

export function encodeEntryOut(buf: Buffer, at: number, entry: EntryOut): number {
  buf.writeBigUInt64LE(entry.nodeid, at);
  buf.writeBigUInt64LE(entry.generation, at + 8);
  encodeValidity(buf, entry.entryValidMs, at + 16, at + 32);
  encodeValidity(buf, entry.attrValidMs, at + 24, at + 36);
  encodeAttr(buf, at + 40, entry.attr);
  return ENTRY_OUT_BYTES;
}

export function encodeAttrOut(buf: Buffer, at: number, out: AttrOut): number {
  encodeValidity(buf, out.attrValidMs, at, at + 8);
  buf.writeUInt32LE(0, at + 12);
  encodeAttr(buf, at + 16, out.attr);
  return ATTR_OUT_BYTES;
}

/** "Nothing is there" as an answer the kernel may remember: an entry_out of zeroes but for its validity. */
export function encodeNegativeEntry(buf: Buffer, at: number, entryValidMs: number): number {
  buf.fill(0, at, at + ENTRY_OUT_BYTES);
  encodeValidity(buf, entryValidMs, at + 16, at + 32);
  return ENTRY_OUT_BYTES;
}

/** How long the kernel may go on without asking; Infinity is written as VALID_MS_MAX. */
export const VALID_MS_MAX = 2 ** 31 * 1000;

/** Seconds and nanoseconds stand apart in entry_out, hence two places. */
export function encodeValidity(buf: Buffer, validMs: number, secondsAt: number, nanosecondsAt: number): void {
  if (!(validMs >= 0)) throw new RangeError(`Cannot write a validity: current value is ${validMs} ms`);
  const ms = Math.min(validMs, VALID_MS_MAX);
  const seconds = Math.floor(ms / 1000);
  buf.writeUInt32LE(seconds, secondsAt);
  buf.writeUInt32LE(0, secondsAt + 4);
  buf.writeUInt32LE(Math.floor((ms - seconds * 1000) * 1e6), nanosecondsAt);
}
