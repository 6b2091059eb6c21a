// Calls on files and descriptors that Node has no equal for, or that must not throw on a hot path.
import { bind, errno, type Pointer } from './libc.ts';
import { EINVAL } from './errno.ts';
import { check } from './errors.ts';

/** read(2) into bytes at the pointer. Returns a count, or -1 with errno(). */
export const read = bind<(fd: number, to: Pointer, length: number) => number>('int64 read(int, void*, uint64)');
/** write(2). Returns a count, or -1 with errno(). */
export const write = bind<(fd: number, from: Pointer, length: number) => number>(
  'int64 write(int, const void*, uint64)',
);
/** pread(2). */
export const pread = bind<(fd: number, to: Pointer, length: number, offset: number) => number>(
  'int64 pread(int, void*, uint64, int64)',
);
/** pwrite(2). */
export const pwrite = bind<(fd: number, from: Pointer, length: number, offset: number) => number>(
  'int64 pwrite(int, const void*, uint64, int64)',
);
/** open(2), closed on exec: the path ends with NUL. Returns a descriptor, or -1 with errno(). */
export function open(path: Pointer, flags: number, mode = 0): number {
  return openRaw(path, flags | O_CLOEXEC, mode);
}
const openRaw = bind<(path: Pointer, flags: number, mode: number) => number>(
  'int open(const void*, int, unsigned int)',
);
/** ftruncate(2). */
export const ftruncate = bind<(fd: number, length: number) => number>('int ftruncate(int, int64)');
/** unlink(2): the path ends with NUL. */
export const unlink = bind<(path: Pointer) => number>('int unlink(const void*)');
/** mkdir(2): the path ends with NUL. Returns 0, or -1 with errno(). */
export const mkdir = bind<(path: Pointer, mode: number) => number>('int mkdir(const void*, unsigned int)');
/** rename(2): the paths end with NUL. */
export const rename = bind<(from: Pointer, to: Pointer) => number>('int rename(const void*, const void*)');
/** close(2). */
export const close = bind<(fd: number) => number>('int close(int)');
/** lseek(2). Offsets beyond 2^53 come back as bigint. */
export const lseek =
  bind<(fd: number, offset: number | bigint, whence: number) => number | bigint>('int64 lseek(int, int64, int)');
/** readlinkat(2): the target's bytes, not ended by NUL. */
export const readlinkat = bind<(dirfd: number, path: Pointer, to: Pointer, length: number) => number>(
  'int64 readlinkat(int, const void*, void*, uint64)',
);
const preadv2Raw = bind<(fd: number, iov: Pointer, count: number, offset: number, flags: number) => number>(
  'int64 preadv2(int, const void*, int, int64, int)',
);
const statxRaw = bind<(dirfd: number, path: Pointer, flags: number, mask: number, to: Pointer) => number>(
  'int statx(int, const void*, int, unsigned int, void*)',
);
const syscall4 = bind<(number: number, a: number, b: Pointer, c: Pointer, d: number) => number>(
  'int64 syscall(long, int, const void*, void*, uint64)',
);
const getdentsRaw = bind<(fd: number, to: Pointer, length: number) => number>('int64 getdents64(int, void*, uint64)');
const fcntl = bind<(fd: number, command: number, value: number) => number>('int fcntl(int, int, int)');
const ioctl = bind<(fd: number, request: number, argument: Pointer) => number>('int ioctl(int, uint64, void*)');
const flockRaw = bind<(fd: number, operation: number) => number>('int flock(int, int)');
const pollRaw = bind<(fds: Pointer, count: number, timeoutMs: number) => number>('int poll(void*, uint64, int)');

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_EMPTY_PATH = 0x1000;

export const O_PATH = 0o10000000;
export const O_CLOEXEC = 0o2000000;
export const O_DIRECTORY = process.arch === 'arm64' ? 0o40000 : 0o200000;
export const O_NOFOLLOW = process.arch === 'arm64' ? 0o100000 : 0o400000;
export const O_NONBLOCK = 0o4000;

/** openat2's resolve bits: stay below the folder, follow no magic link of /proc, follow no link at all. */
export const RESOLVE_NO_MAGICLINKS = 0x02;
export const RESOLVE_NO_SYMLINKS = 0x04;
export const RESOLVE_BENEATH = 0x08;

const RWF_NOWAIT = 0x08;
const SYS_OPENAT2 = 437;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
const F_SETFD = 2;
const LOCK_EX_NB = 2 | 4;
const LOCK_UN = 8;

const openHow = Buffer.alloc(24);
/** openat2(2): the path ends with NUL. Returns a descriptor, or -1 with errno(). */
export function openat2(dirfd: number, path: Pointer, flags: number, resolve: number): number {
  openHow.writeUInt32LE((flags | O_CLOEXEC) >>> 0, 0);
  openHow.writeUInt32LE(resolve, 16);
  return syscall4(SYS_OPENAT2, dirfd, path, openHow, openHow.length);
}

const iovec = new BigUint64Array(2);
const iovecBytes = new Uint8Array(iovec.buffer);
/** Reads only what is in the page cache: -1 with EAGAIN where the disk would be waited for, EOPNOTSUPP where unknown. */
export function preadCached(fd: number, address: bigint, length: number, offset: number): number {
  iovec[0] = address;
  iovec[1] = BigInt(length);
  return preadv2Raw(fd, iovecBytes, 1, offset, RWF_NOWAIT);
}

export const STATX_BYTES = 256;
/** statx's mask: everything stat has, and the birth time. */
export const STATX_BASIC_AND_BTIME = 0xfff;
/** statx(2) into 256 bytes laid out as struct statx. Returns 0, or -1 with errno(). */
export function statx(dirfd: number, path: Pointer, flags: number, to: Uint8Array): number {
  return statxRaw(dirfd, path, flags, STATX_BASIC_AND_BTIME, to);
}

const nameToHandleAt = bind<(dirfd: number, path: Pointer, handle: Pointer, mountId: Pointer, flags: number) => number>(
  'int name_to_handle_at(int, const void*, void*, void*, int)',
);
const HANDLE_BYTES_MAX = 128;
const HANDLE_HEAD_BYTES = 8;
const AT_HANDLE_FID = 0x200;
const mountId = Buffer.alloc(4);
let handleFlags = AT_HANDLE_FID; // Linux 6.5: also for file systems that cannot open by handle

export const FILE_HANDLE_BYTES = HANDLE_HEAD_BYTES + HANDLE_BYTES_MAX;
/**
 * name_to_handle_at(2), links not followed: fills `to` (FILE_HANDLE_BYTES) with what the file system itself tells the object
 * apart by, mostly inode number and generation. Returns how many bytes of it count, 0 where the file system has none.
 */
export function fileHandle(dirfd: number, path: Pointer, flags: number, to: Buffer): number {
  for (;;) {
    to.writeUInt32LE(HANDLE_BYTES_MAX, 0);
    if (nameToHandleAt(dirfd, path, to, mountId, flags | handleFlags) === 0)
      return HANDLE_HEAD_BYTES + to.readUInt32LE(0);
    if (errno() !== EINVAL || handleFlags === 0) return 0;
    handleFlags = 0;
  }
}

const utimensat = bind<(dirfd: number, path: Pointer, times: Pointer, flags: number) => number>(
  'int utimensat(int, const void*, const void*, int)',
);
const timespecs = new BigInt64Array(4);
const timespecBytes = new Uint8Array(timespecs.buffer);
/** Sets when a file was last read and changed. The path ends with NUL; links are not followed. Returns 0, or -1 with errno(). */
export function setTimes(path: Pointer, timeMs: number): number {
  const seconds = Math.floor(timeMs / 1000);
  timespecs[0] = timespecs[2] = BigInt(seconds);
  timespecs[1] = timespecs[3] = BigInt(Math.floor((timeMs - seconds * 1000) * 1e6));
  return utimensat(AT_FDCWD, path, timespecBytes, AT_SYMLINK_NOFOLLOW);
}

/** getdents64(2): records of struct linux_dirent64. Returns bytes filled, 0 at the end, -1 with errno(). */
export const getdents = getdentsRaw;

/** Makes reads on the open file (for every holder of it) return EAGAIN instead of waiting. */
export function setNonBlocking(fd: number): void {
  check(
    fcntl(fd, F_SETFL, check(fcntl(fd, F_GETFL, 0), 'fcntl', `descriptor ${fd}`) | O_NONBLOCK),
    'fcntl',
    `descriptor ${fd}`,
  );
}

/** A duplicate of the descriptor, closed on exec. */
export function duplicate(fd: number): number {
  return check(fcntl(fd, F_DUPFD_CLOEXEC, 3), 'dup', `descriptor ${fd}`);
}

/** Marks an inherited descriptor as not to be passed on to programs started later. */
export function setCloseOnExec(fd: number): void {
  check(fcntl(fd, F_SETFD, 1), 'fcntl', `descriptor ${fd}`);
}

/** Takes the exclusive lock of the open file if it is free. The kernel frees it when the open file is closed. */
export function tryLock(fd: number): boolean {
  return flockRaw(fd, LOCK_EX_NB) === 0;
}
export function unlock(fd: number): void {
  flockRaw(fd, LOCK_UN);
}

const BACKING_OPEN = 0x4010e501;
const BACKING_CLOSE = 0x4004e502;
/** Registers an open file as backing of a FUSE connection. Returns its id (1 or more), or -1 with errno(). */
export function backingOpen(fuseFd: number, fd: number): number {
  const map = Buffer.alloc(16);
  map.writeInt32LE(fd, 0);
  return ioctl(fuseFd, BACKING_OPEN, map);
}
export function backingClose(fuseFd: number, backingId: number): number {
  const id = Buffer.alloc(4);
  id.writeUInt32LE(backingId, 0);
  return ioctl(fuseFd, BACKING_CLOSE, id);
}

export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLERR = 8;
export const POLLHUP = 16;
const pollfd = Buffer.alloc(8);
/** Waits at most timeoutMs for events on one descriptor; returns those that are there (0 on timeout or EINTR). */
export function pollOne(fd: number, events: number, timeoutMs: number): number {
  pollfd.writeInt32LE(fd, 0);
  pollfd.writeUInt32LE(events, 4);
  return pollRaw(pollfd, 1, timeoutMs) > 0 ? pollfd.readUInt16LE(6) : 0;
}

export { errno };
