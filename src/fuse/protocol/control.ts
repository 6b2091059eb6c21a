// control: the requests that treat a file as a device: IOCTL, POLL, BMAP.
import type { Buffer } from 'node:buffer';
import type { FileHandle } from './ids.ts';
import { needBytes, needExactly, readU64, writeU64 } from './words.ts';

export const IOCTL_OUT_BYTES = 16;
export const POLL_OUT_BYTES = 8;
export const BMAP_OUT_BYTES = 8;

const IOCTL_IN_BYTES = 32;

export interface IoctlIn {
  readonly fh: FileHandle;
  /** IOCTL bits. */
  readonly flags: number;
  readonly cmd: number;
  /** The caller's third argument: a number or an address, as it was given. */
  readonly arg: bigint;
  readonly inSize: number;
  readonly outSize: number;
  /** Exactly `inSize` bytes, a view into the frame. */
  readonly data: Buffer;
}

/** Followed by at most `outSize` bytes. */
export interface IoctlOut {
  readonly result: number;
  readonly flags: number;
  readonly inIovs: number;
  readonly outIovs: number;
}

export interface PollIn {
  readonly fh: FileHandle;
  /** To be echoed by the poll notification. */
  readonly kh: bigint;
  readonly flags: number;
  readonly events: number;
}

export interface PollOut {
  readonly revents: number;
}

export interface BmapIn {
  readonly block: number;
  readonly blocksize: number;
}

export interface BmapOut {
  readonly block: number;
}

export function decodeIoctlIn(args: Buffer): IoctlIn {
  needBytes(args, IOCTL_IN_BYTES, 'fuse_ioctl_in');
  const inSize = args.readUInt32LE(24);
  needExactly(args, IOCTL_IN_BYTES + inSize, 'fuse_ioctl_in and its data');
  return {
    fh: args.readBigUInt64LE(0) as FileHandle,
    flags: args.readUInt32LE(8),
    cmd: args.readUInt32LE(12),
    arg: args.readBigUInt64LE(16),
    inSize,
    outSize: args.readUInt32LE(28),
    data: args.subarray(IOCTL_IN_BYTES),
  };
}

export function encodeIoctlOut(buf: Buffer, at: number, out: IoctlOut): number {
  buf.writeInt32LE(out.result, at);
  buf.writeUInt32LE(out.flags, at + 4);
  buf.writeUInt32LE(out.inIovs, at + 8);
  buf.writeUInt32LE(out.outIovs, at + 12);
  return IOCTL_OUT_BYTES;
}

export function decodePollIn(args: Buffer): PollIn {
  needBytes(args, 24, 'fuse_poll_in');
  return {
    fh: args.readBigUInt64LE(0) as FileHandle,
    kh: args.readBigUInt64LE(8),
    flags: args.readUInt32LE(16),
    events: args.readUInt32LE(20),
  };
}

export function encodePollOut(buf: Buffer, at: number, out: PollOut): number {
  buf.writeUInt32LE(out.revents, at);
  buf.writeUInt32LE(0, at + 4);
  return POLL_OUT_BYTES;
}

export function decodeBmapIn(args: Buffer): BmapIn {
  needBytes(args, 16, 'fuse_bmap_in');
  return { block: readU64(args, 0, 'fuse_bmap_in.block'), blocksize: args.readUInt32LE(8) };
}

export function encodeBmapOut(buf: Buffer, at: number, out: BmapOut): number {
  writeU64(buf, out.block, at);
  return BMAP_OUT_BYTES;
}
