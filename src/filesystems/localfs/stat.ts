// struct statx, as the kernel fills it, to a session's Stat.
import { file } from '../../libc/index.ts';
import type { Stat } from '../../fuse/session/index.ts';

/** struct statx of one call. Filled by file.statx, read by fillStat. */
export const statxBytes = Buffer.alloc(file.STATX_BYTES);
const u32 = new Uint32Array(statxBytes.buffer, statxBytes.byteOffset, file.STATX_BYTES / 4);

/** Word offsets into struct statx. */
const X = {
  blksize: 1,
  nlink: 4,
  uid: 5,
  gid: 6,
  ino: 8,
  size: 10,
  blocks: 12,
  atime: 16,
  btime: 20,
  ctime: 24,
  mtime: 28,
  rdevMajor: 32,
  rdevMinor: 33,
  devMajor: 34,
  devMinor: 35,
} as const;

const word = (index: number): number => u32[index] ?? 0;
const wide = (index: number): number => word(index) + word(index + 1) * 2 ** 32;
const wideSigned = (index: number): number => word(index) + (word(index + 1) | 0) * 2 ** 32;

/** The file's mode, type included, of the last statx call. */
export function statxMode(): number {
  return statxBytes.readUInt16LE(28);
}

/** Device number of the last statx call, in one word. */
export function statxDevice(): number {
  return ((word(X.devMajor) << 20) | word(X.devMinor)) >>> 0;
}

/**
 * Fills `stat` from the last statx call. A file is itself by device, inode number and birth time: an inode number used
 * again by a later file makes another key. `rootDevice`: files of other file systems below the source get an inode number
 * of their own kind, since theirs may collide.
 */
export function fillStat(stat: Stat, rootDevice: number): void {
  const device = statxDevice();
  const { key, attr } = stat;
  key[0] = word(X.ino);
  key[1] = word(X.ino + 1);
  key[2] = word(X.btime) ^ Math.imul(word(X.btime + 2), 0x9e3779b1);
  key[3] = word(X.btime + 2);
  key[4] = device;
  stat.versionLow =
    (word(X.mtime) ^ Math.imul(word(X.mtime + 2), 0x85ebca6b) ^ Math.imul(word(X.ctime + 2), 0xc2b2ae35)) >>> 0;
  stat.versionHigh =
    (word(X.size) ^ Math.imul(word(X.ctime), 0x27d4eb2f) ^ Math.imul(word(X.size + 1), 0x165667b1)) >>> 0;
  stat.btimeSeconds = wideSigned(X.btime);
  stat.btimeNanoseconds = word(X.btime + 2);
  attr.ino = inodeNumber(word(X.ino), word(X.ino + 1), device, rootDevice);
  attr.size = wide(X.size);
  attr.blocks = wide(X.blocks);
  attr.atime = wideSigned(X.atime);
  attr.atimensec = word(X.atime + 2);
  attr.mtime = wideSigned(X.mtime);
  attr.mtimensec = word(X.mtime + 2);
  attr.ctime = wideSigned(X.ctime);
  attr.ctimensec = word(X.ctime + 2);
  attr.mode = statxMode();
  attr.nlink = word(X.nlink);
  attr.uid = word(X.uid);
  attr.gid = word(X.gid);
  attr.rdev = ((word(X.rdevMajor) << 8) | (word(X.rdevMinor) & 0xff)) >>> 0;
  attr.blksize = word(X.blksize);
  attr.flags = 0;
}

/** The st_ino shown. */
export function inodeNumber(low: number, high: number, device: number, rootDevice: number): bigint {
  const ino = (BigInt(high) << 32n) | BigInt(low);
  return device === rootDevice ? ino : (ino ^ (BigInt(device) << 40n)) & 0xffffffffffffffffn;
}
