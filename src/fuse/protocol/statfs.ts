// statfs: struct fuse_statfs_out, the answer to statfs(2) and df.
import type { Buffer } from 'node:buffer';
import { writeU64 } from './words.ts';

export const STATFS_OUT_BYTES = 80;

/** struct fuse_kstatfs: blocks, bfree and bavail count units of frsize. */
export interface StatfsOut {
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
  readonly bsize: number;
  readonly namelen: number;
  readonly frsize: number;
}

export function encodeStatfsOut(buf: Buffer, at: number, out: StatfsOut): number {
  writeU64(buf, out.blocks, at);
  writeU64(buf, out.bfree, at + 8);
  writeU64(buf, out.bavail, at + 16);
  writeU64(buf, out.files, at + 24);
  writeU64(buf, out.ffree, at + 32);
  buf.writeUInt32LE(out.bsize, at + 40);
  buf.writeUInt32LE(out.namelen, at + 44);
  buf.writeUInt32LE(out.frsize, at + 48);
  buf.fill(0, at + 52, at + STATFS_OUT_BYTES);
  return STATFS_OUT_BYTES;
}
