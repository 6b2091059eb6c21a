// What an object of the source is and which one it is: struct statx and the file system's own handle, to a session's Stat.
import { errno, file } from '../../libc/index.ts';
import type { Stat } from '../../fuse/session/index.ts';

const statxBytes = Buffer.alloc(file.STATX_BYTES);
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

const handleBytes = Buffer.alloc(file.FILE_HANDLE_BYTES);

/** The device number of an open file's file system, in one word. */
export function deviceOf(fd: number): number {
  file.statx(fd, EMPTY, file.AT_EMPTY_PATH, statxBytes);
  return device();
}

function device(): number {
  return ((word(X.devMajor) << 20) | word(X.devMinor)) >>> 0;
}

const EMPTY = Buffer.from([0]);

/** Fills `stat` from the object at the path, a link itself if it is one. Returns 0 or an errno. */
export function statAt(dirfd: number, pathZ: Buffer, stat: Stat, rootDevice: number): number {
  if (file.statx(dirfd, pathZ, file.AT_EMPTY_PATH | file.AT_SYMLINK_NOFOLLOW, statxBytes) < 0) return errno();
  fillStat(stat, rootDevice);
  addHandle(stat, file.fileHandle(dirfd, pathZ, file.AT_EMPTY_PATH, handleBytes));
  return 0;
}

/** The same for an open file. */
export function statOf(fd: number, stat: Stat, rootDevice: number): number {
  return statAt(fd, EMPTY, stat, rootDevice);
}

/**
 * Birth times are as coarse as the clock's tick, and inode numbers are used again at once: the handle, which has a generation
 * in it, tells a file from one that had its number a moment ago. Another file taking the name between the two calls makes a
 * key that belongs to nothing, which is the same as having been too late.
 */
function addHandle({ key }: Stat, bytes: number): void {
  let low = key[2] ?? 0;
  let high = key[3] ?? 0;
  for (let at = 0; at < bytes; at += 4) {
    const each = handleBytes.readUInt32LE(at);
    low = Math.imul(low ^ each, 0x85ebca6b);
    low ^= low >>> 15;
    high = Math.imul(high ^ each, 0xc2b2ae35);
    high ^= high >>> 13;
  }
  key[2] = low >>> 0;
  key[3] = high >>> 0;
}

/**
 * Fills `stat` from the last statx call. A file is itself by device, inode number, birth time and handle. `rootDevice`: files
 * of other file systems below the source get an inode number of their own kind, since theirs may collide.
 */
function fillStat(stat: Stat, rootDevice: number): void {
  const { key, attr } = stat;
  key[0] = word(X.ino);
  key[1] = word(X.ino + 1);
  key[2] = word(X.btime) ^ Math.imul(word(X.btime + 2), 0x9e3779b1);
  key[3] = word(X.btime + 2);
  key[4] = device();
  stat.versionLow =
    (word(X.mtime) ^ Math.imul(word(X.mtime + 2), 0x85ebca6b) ^ Math.imul(word(X.ctime + 2), 0xc2b2ae35)) >>> 0;
  stat.versionHigh =
    (word(X.size) ^ Math.imul(word(X.ctime), 0x27d4eb2f) ^ Math.imul(word(X.size + 1), 0x165667b1)) >>> 0;
  stat.btimeSeconds = wideSigned(X.btime);
  stat.btimeNanoseconds = word(X.btime + 2);
  attr.ino = inodeNumber(word(X.ino), word(X.ino + 1), device(), rootDevice);
  attr.size = wide(X.size);
  attr.blocks = wide(X.blocks);
  attr.atime = wideSigned(X.atime);
  attr.atimensec = word(X.atime + 2);
  attr.mtime = wideSigned(X.mtime);
  attr.mtimensec = word(X.mtime + 2);
  attr.ctime = wideSigned(X.ctime);
  attr.ctimensec = word(X.ctime + 2);
  attr.mode = statxBytes.readUInt16LE(28);
  attr.nlink = word(X.nlink);
  attr.uid = word(X.uid);
  attr.gid = word(X.gid);
  attr.rdev = ((word(X.rdevMajor) << 8) | (word(X.rdevMinor) & 0xff)) >>> 0;
  attr.blksize = word(X.blksize);
  attr.flags = 0;
}

/** The st_ino shown. */
export function inodeNumber(low: number, high: number, onDevice: number, rootDevice: number): bigint {
  const ino = (BigInt(high) << 32n) | BigInt(low);
  return onDevice === rootDevice ? ino : (ino ^ (BigInt(onDevice) << 40n)) & 0xffffffffffffffffn;
}
