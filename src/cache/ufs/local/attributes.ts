// What an object of a folder is: struct statx to an entry, and the version that tells its contents apart.
import { E, errno, file } from '../../../libc/index.ts';
import type { UfsEntry } from '../ufs.ts';

const bytes = Buffer.alloc(file.STATX_BYTES);
const u32 = new Uint32Array(bytes.buffer, bytes.byteOffset, file.STATX_BYTES / 4);
const linkBytes = Buffer.alloc(4096);

/** Word offsets into struct statx; the mode is a half word at byte 28. */
const X = { uid: 5, gid: 6, ino: 8, size: 10, ctime: 24, mtime: 28 } as const;
const MODE_AT = 28;
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

const EMPTY = Buffer.from([0]);

/** The open file or folder itself; an errno when that fails, undefined for what is no file, folder or link. */
export function entryOfOpen(fd: number, name: Buffer): UfsEntry | undefined | number {
  return entryAt(fd, EMPTY, name);
}

/** The name in the open folder, a link itself if it is one. `nameZ` is the name with a NUL behind it. */
export function entryAt(dirfd: number, nameZ: Buffer, name: Buffer): UfsEntry | undefined | number {
  if (file.statx(dirfd, nameZ, file.AT_EMPTY_PATH | file.AT_SYMLINK_NOFOLLOW, bytes) < 0) return errno();
  const mode = bytes.readUInt16LE(MODE_AT);
  const mtimeMs = wideSigned(X.mtime) * 1000 + Math.floor(word(X.mtime + 2) / 1e6);
  const posix = { mode: mode & 0o7777, uid: word(X.uid), gid: word(X.gid) };
  switch (mode & S_IFMT) {
    case S_IFREG:
      return { name, kind: 'file', sizeBytes: wide(X.size), mtimeMs, version: version(), posix };
    case S_IFDIR:
      return { name, kind: 'folder', sizeBytes: 0, mtimeMs, version: '', posix };
    case S_IFLNK: {
      const count = file.readlinkat(dirfd, nameZ, linkBytes, linkBytes.length);
      if (count < 0) return errno() === E.EINVAL ? E.ENOENT : errno(); // EINVAL: it is no link any more
      const target = Buffer.from(linkBytes.subarray(0, count));
      return { name, kind: 'link', sizeBytes: count, mtimeMs, version: '', posix, target };
    }
    default:
      return undefined;
  }
}

/**
 * Times of modification and change to the nanosecond, size, inode number. The time of change makes it safe against tools that
 * set the modification time back (and new after a chmod, which costs a fetch, never a wrong byte). Before Linux 6.13 two
 * writes in place within one tick of the clock (4 ms) cannot be told apart by any of these.
 */
function version(): string {
  const mtime = `${wideSigned(X.mtime).toString(36)}.${word(X.mtime + 2).toString(36)}`;
  const ctime = `${wideSigned(X.ctime).toString(36)}.${word(X.ctime + 2).toString(36)}`;
  const which = `${wide(X.size).toString(36)}-${word(X.ino + 1).toString(36)}.${word(X.ino).toString(36)}`;
  return mtime === ctime ? `${mtime}-${which}` : `${mtime}-${which}-${ctime}`;
}

const word = (index: number): number => u32[index] ?? 0;
const wide = (index: number): number => word(index) + word(index + 1) * 2 ** 32;
const wideSigned = (index: number): number => word(index) + (word(index + 1) | 0) * 2 ** 32;
