// xattr: extended attributes. A `size` of 0 asks how long the answer would be (getxattr_out); any other size asks for the
// bytes, and ERANGE says that they would not fit.
import type { Buffer } from 'node:buffer';
import { WireError } from './errors.ts';
import { needBytes, nulAfter, readLastName } from './words.ts';

export const GETXATTR_OUT_BYTES = 8;

export interface SetxattrIn {
  readonly size: number;
  /** XATTR_CREATE, XATTR_REPLACE. */
  readonly flags: number;
  /** SETXATTR_ACL_KILL_SGID; 0 unless SETXATTR_EXT was agreed. */
  readonly setxattrFlags: number;
  readonly name: Buffer;
  readonly value: Buffer;
}

export interface GetxattrIn {
  readonly size: number;
  readonly name: Buffer;
}

export interface ListxattrIn {
  readonly size: number;
}

export interface GetxattrOut {
  readonly size: number;
}

/** The struct has 8 bytes, or 16 once SETXATTR_EXT was agreed; nothing in the frame says which. */
export function decodeSetxattrIn(args: Buffer, extended: boolean): SetxattrIn {
  const structBytes = extended ? 16 : 8;
  needBytes(args, structBytes, 'fuse_setxattr_in');
  const size = args.readUInt32LE(0);
  const end = nulAfter(args, structBytes, 'xattr name');
  if (args.length !== end + 1 + size) {
    throw new WireError({
      code: 'length-mismatch',
      what: 'xattr value',
      needBytes: size,
      gotBytes: args.length - end - 1,
    });
  }
  return {
    size,
    flags: args.readUInt32LE(4),
    setxattrFlags: extended ? args.readUInt32LE(8) : 0,
    name: args.subarray(structBytes, end),
    value: args.subarray(end + 1),
  };
}

export function decodeGetxattrIn(args: Buffer): GetxattrIn {
  needBytes(args, 8, 'fuse_getxattr_in');
  return { size: args.readUInt32LE(0), name: readLastName(args, 8, 'xattr name') };
}

export function decodeListxattrIn(args: Buffer): ListxattrIn {
  needBytes(args, 8, 'fuse_getxattr_in');
  return { size: args.readUInt32LE(0) };
}

export function encodeGetxattrOut(buf: Buffer, at: number, out: GetxattrOut): number {
  buf.writeUInt32LE(out.size, at);
  buf.writeUInt32LE(0, at + 4);
  return GETXATTR_OUT_BYTES;
}
