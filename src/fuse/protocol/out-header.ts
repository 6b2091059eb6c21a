// out-header: struct fuse_out_header, the first 16 bytes of every reply and notification.
import type { Buffer } from 'node:buffer';
import type { Unique } from './ids.ts';

export const OUT_HEADER_BYTES = 16;

/** `unique` of a notification, which answers nothing. */
export const NOTIFY_UNIQUE = 0n as Unique;

export interface OutHeader {
  /** Of the whole message; the kernel refuses a write of any other length. */
  readonly len: number;
  /** 0, or a negative errno (then nothing may follow the header), or a notify code (when `unique` is 0). */
  readonly error: number;
  readonly unique: Unique;
}

export function encodeOutHeader(buf: Buffer, at: number, header: OutHeader): number {
  buf.writeUInt32LE(header.len, at);
  buf.writeInt32LE(header.error, at + 4);
  buf.writeBigUInt64LE(header.unique, at + 8);
  return OUT_HEADER_BYTES;
}

/** A reply without payload: `errno` 0 says done, a positive errno says why not. */
export function encodeEmptyReply(buf: Buffer, at: number, unique: Unique, errno: number): number {
  buf.writeUInt32LE(OUT_HEADER_BYTES, at);
  buf.writeInt32LE(-errno, at + 4);
  buf.writeBigUInt64LE(unique, at + 8);
  return OUT_HEADER_BYTES;
}
