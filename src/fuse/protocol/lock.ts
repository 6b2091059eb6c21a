// lock: POSIX and flock locks: GETLK, SETLK, SETLKW. Sent only if POSIX_LOCKS or FLOCK_LOCKS was agreed; otherwise the
// kernel keeps locks itself.
import type { Buffer } from 'node:buffer';
import type { FileHandle } from './ids.ts';
import { needBytes } from './words.ts';

export const LK_OUT_BYTES = 24;

/** Both ends are included; "to the end of the file" is 2^63 - 1, hence bigint. `type` is F_RDLCK 0, F_WRLCK 1, F_UNLCK 2. */
export interface FileLock {
  readonly start: bigint;
  readonly end: bigint;
  readonly type: number;
  readonly pid: number;
}

export interface LkIn {
  readonly fh: FileHandle;
  readonly owner: bigint;
  readonly lk: FileLock;
  readonly lkFlags: number;
}

export interface LkOut {
  readonly lk: FileLock;
}

export function decodeLkIn(args: Buffer): LkIn {
  needBytes(args, 48, 'fuse_lk_in');
  return {
    fh: args.readBigUInt64LE(0) as FileHandle,
    owner: args.readBigUInt64LE(8),
    lk: {
      start: args.readBigUInt64LE(16),
      end: args.readBigUInt64LE(24),
      type: args.readUInt32LE(32),
      pid: args.readUInt32LE(36),
    },
    lkFlags: args.readUInt32LE(40),
  };
}

export function encodeLkOut(buf: Buffer, at: number, out: LkOut): number {
  buf.writeBigUInt64LE(out.lk.start, at);
  buf.writeBigUInt64LE(out.lk.end, at + 8);
  buf.writeUInt32LE(out.lk.type, at + 16);
  buf.writeUInt32LE(out.lk.pid, at + 20);
  return LK_OUT_BYTES;
}
