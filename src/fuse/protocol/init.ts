// init: struct fuse_init_in and fuse_init_out, the one request that comes first and only once per connection.
import type { Buffer } from 'node:buffer';
import { INIT_FLAGS } from './flags.ts';
import { needBytes } from './words.ts';

export const KERNEL_VERSION_MAJOR = 7;

/** The newest protocol we speak; the kernel speaks the smaller of both. */
export const KERNEL_VERSION_MINOR = 45;

const INIT_IN_OLD_BYTES = 16;
const INIT_IN_BYTES = 64;
const LOW_WORD = 0xffffffffn;

/** What the kernel offers. `flags` is the 64-bit word; its upper half is 0 unless INIT_EXT is set in the lower. */
export interface InitIn {
  readonly major: number;
  readonly minor: number;
  readonly maxReadahead: number;
  readonly flags: bigint;
}

/** What the file system answers. */
export interface InitOut {
  readonly major: number;
  readonly minor: number;
  readonly maxReadahead: number;
  readonly flags: bigint;
  readonly maxBackground: number;
  readonly congestionThreshold: number;
  readonly maxWrite: number;
  readonly timeGran: number;
  readonly maxPages: number;
  readonly maxStackDepth: number;
  readonly requestTimeout: number;
}

/** The struct has 16 bytes, or 64 since 7.36; INIT_EXT says that the second flag word is there. */
export function decodeInitIn(args: Buffer): InitIn {
  needBytes(args, INIT_IN_OLD_BYTES, 'fuse_init_in');
  let flags = BigInt(args.readUInt32LE(12));
  if ((flags & INIT_FLAGS.INIT_EXT) !== 0n) {
    needBytes(args, INIT_IN_BYTES, 'fuse_init_in with INIT_EXT');
    flags |= BigInt(args.readUInt32LE(16)) << 32n;
  }
  return { major: args.readUInt32LE(0), minor: args.readUInt32LE(4), maxReadahead: args.readUInt32LE(8), flags };
}

/** How long the answer is for a kernel of this minor; it refuses any other length. */
export function initOutBytes(minor: number): number {
  if (minor < 5) return 8;
  return minor < 23 ? 24 : 64;
}

export function encodeInitOut(buf: Buffer, at: number, out: InitOut): number {
  const bytes = initOutBytes(out.minor);
  buf.writeUInt32LE(out.major, at);
  buf.writeUInt32LE(out.minor, at + 4);
  if (bytes === 8) return bytes;
  buf.writeUInt32LE(out.maxReadahead, at + 8);
  buf.writeUInt32LE(Number(out.flags & LOW_WORD), at + 12);
  buf.writeUInt16LE(out.maxBackground, at + 16);
  buf.writeUInt16LE(out.congestionThreshold, at + 18);
  buf.writeUInt32LE(out.maxWrite, at + 20);
  if (bytes === 24) return bytes;
  buf.writeUInt32LE(out.timeGran, at + 24);
  buf.writeUInt16LE(out.maxPages, at + 28);
  buf.writeUInt16LE(0, at + 30);
  buf.writeUInt32LE(Number(out.flags >> 32n), at + 32);
  buf.writeUInt32LE(out.maxStackDepth, at + 36);
  buf.writeUInt16LE(out.requestTimeout, at + 40);
  buf.fill(0, at + 42, at + bytes);
  return bytes;
}
