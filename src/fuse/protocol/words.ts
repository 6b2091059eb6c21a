// words: how one number or one name is read from and written to a frame. Everything is little-endian: FUSE speaks host
// order, and we ship amd64 and arm64. Readers throw WireError; writers throw RangeError, because a value that does not
// fit its field is a mistake of the caller, not of the kernel.
import type { Buffer } from 'node:buffer';
import { WireError } from './errors.ts';

const TWO_32 = 2 ** 32;

export function needBytes(args: Buffer, bytes: number, what: string): void {
  if (args.length < bytes) {
    throw new WireError({ code: 'short-frame', what, needBytes: bytes, gotBytes: args.length });
  }
}

/** For the variable part: nothing may be missing and nothing may follow. */
export function needExactly(args: Buffer, bytes: number, what: string): void {
  needBytes(args, bytes, what);
  if (args.length !== bytes) {
    throw new WireError({ code: 'length-mismatch', what, needBytes: bytes, gotBytes: args.length });
  }
}

/** An unsigned 64-bit field as a number; refuses what a number cannot hold exactly. */
export function readU64(args: Buffer, at: number, what: string): number {
  const high = args.readUInt32LE(at + 4);
  if (high > 0x1fffff) throw new WireError({ code: 'bad-value', what, value: String(args.readBigUInt64LE(at)) });
  return high * TWO_32 + args.readUInt32LE(at);
}

/** A signed 64-bit field as a number; refuses what a number cannot hold exactly. */
export function readI64(args: Buffer, at: number, what: string): number {
  const value = args.readInt32LE(at + 4) * TWO_32 + args.readUInt32LE(at);
  if (!Number.isSafeInteger(value)) {
    throw new WireError({ code: 'bad-value', what, value: String(args.readBigInt64LE(at)) });
  }
  return value;
}

export function writeU64(buf: Buffer, value: number, at: number): void {
  if (value < 0) throw new RangeError(`Cannot write an unsigned 64-bit field: current value is ${value}`);
  writeI64(buf, value, at);
}

/** Two's complement in two words: for safe integers both steps are exact. */
export function writeI64(buf: Buffer, value: number, at: number): void {
  if (!Number.isSafeInteger(value)) throw new RangeError(`Cannot write a 64-bit field: current value is ${value}`);
  buf.writeUInt32LE(value >>> 0, at);
  buf.writeInt32LE(Math.floor(value / TWO_32), at + 4);
}

/** The bytes from `at` up to the NUL that must be the last byte of `args`; a view, without the NUL. */
export function readLastName(args: Buffer, at: number, what: string): Buffer {
  const end = nulAfter(args, at, what);
  if (end !== args.length - 1) {
    throw new WireError({ code: 'length-mismatch', what, needBytes: end + 1, gotBytes: args.length });
  }
  return args.subarray(at, end);
}

/** Where the NUL is that ends the name starting at `at`. */
export function nulAfter(args: Buffer, at: number, what: string): number {
  const end = args.indexOf(0, at);
  if (end < 0) throw new WireError({ code: 'missing-nul', what });
  return end;
}

/** Buffer.copy cuts silently; a cut name would be another name. */
export function writeBytes(buf: Buffer, bytes: Uint8Array, at: number): void {
  if (at + bytes.length > buf.length) {
    throw new RangeError(`Cannot write ${bytes.length} bytes at ${at}: the buffer has ${buf.length}`);
  }
  buf.set(bytes, at);
}
