// in-header: struct fuse_in_header, the first 40 bytes of every request.
import type { Buffer } from 'node:buffer';
import { WireError } from './errors.ts';
import type { NodeId, Unique } from './ids.ts';
import { needBytes } from './words.ts';

export const IN_HEADER_BYTES = 40;

/** Extensions are counted in units of 8 bytes. */
export const EXTLEN_UNIT_BYTES = 8;

export interface InHeader {
  /** Of the whole request: header, arguments and extensions. */
  readonly len: number;
  readonly opcode: number;
  readonly unique: Unique;
  readonly nodeid: NodeId;
  readonly uid: number;
  readonly gid: number;
  /** 0 when the caller is not visible in the daemon's pid namespace. */
  readonly pid: number;
  /** Size of the extensions at the tail, in 8-byte units; 0 before 7.38. */
  readonly totalExtlen: number;
}

/** Afterwards `len` lies within the frame and the extensions lie within `len`. Bytes after `len` are not part of the request. */
export function decodeInHeader(frame: Buffer): InHeader {
  needBytes(frame, IN_HEADER_BYTES, 'fuse_in_header');
  const len = frame.readUInt32LE(0);
  const unique = frame.readBigUInt64LE(8) as Unique;
  const totalExtlen = frame.readUInt16LE(36);
  const lenMin = IN_HEADER_BYTES + totalExtlen * EXTLEN_UNIT_BYTES;
  if (len > frame.length) {
    throw new WireError({ code: 'short-frame', what: 'request', needBytes: len, gotBytes: frame.length, unique });
  }
  if (len < lenMin) {
    throw new WireError({ code: 'length-mismatch', what: 'request', needBytes: lenMin, gotBytes: len, unique });
  }
  return {
    len,
    opcode: frame.readUInt32LE(4),
    unique,
    nodeid: frame.readBigUInt64LE(16) as NodeId,
    uid: frame.readUInt32LE(24),
    gid: frame.readUInt32LE(28),
    pid: frame.readUInt32LE(32),
    totalExtlen,
  };
}
