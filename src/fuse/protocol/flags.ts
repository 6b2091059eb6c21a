// flags: every flag set of the protocol, under the kernel's names without their common prefix.

/** FUSE_* bits of INIT: one 64-bit word, `flags` below and `flags2` above bit 32. */
export const INIT_FLAGS = {
  ASYNC_READ: 1n << 0n,
  POSIX_LOCKS: 1n << 1n,
  FILE_OPS: 1n << 2n,
  ATOMIC_O_TRUNC: 1n << 3n,
  EXPORT_SUPPORT: 1n << 4n,
  BIG_WRITES: 1n << 5n,
  DONT_MASK: 1n << 6n,
  SPLICE_WRITE: 1n << 7n,
  SPLICE_MOVE: 1n << 8n,
  SPLICE_READ: 1n << 9n,
  FLOCK_LOCKS: 1n << 10n,
  HAS_IOCTL_DIR: 1n << 11n,
  AUTO_INVAL_DATA: 1n << 12n,
  DO_READDIRPLUS: 1n << 13n,
  READDIRPLUS_AUTO: 1n << 14n,
  ASYNC_DIO: 1n << 15n,
  WRITEBACK_CACHE: 1n << 16n,
  NO_OPEN_SUPPORT: 1n << 17n,
  PARALLEL_DIROPS: 1n << 18n,
  HANDLE_KILLPRIV: 1n << 19n,
  POSIX_ACL: 1n << 20n,
  ABORT_ERROR: 1n << 21n,
  MAX_PAGES: 1n << 22n,
  CACHE_SYMLINKS: 1n << 23n,
  NO_OPENDIR_SUPPORT: 1n << 24n,
  EXPLICIT_INVAL_DATA: 1n << 25n,
  MAP_ALIGNMENT: 1n << 26n,
  SUBMOUNTS: 1n << 27n,
  HANDLE_KILLPRIV_V2: 1n << 28n,
  SETXATTR_EXT: 1n << 29n,
  INIT_EXT: 1n << 30n,
  SECURITY_CTX: 1n << 32n,
  HAS_INODE_DAX: 1n << 33n,
  CREATE_SUPP_GROUP: 1n << 34n,
  HAS_EXPIRE_ONLY: 1n << 35n,
  DIRECT_IO_ALLOW_MMAP: 1n << 36n,
  PASSTHROUGH: 1n << 37n,
  NO_EXPORT_SUPPORT: 1n << 38n,
  HAS_RESEND: 1n << 39n,
  ALLOW_IDMAP: 1n << 40n,
  OVER_IO_URING: 1n << 41n,
  REQUEST_TIMEOUT: 1n << 42n,
} as const;

/** open_out.open_flags, the answer to OPEN, OPENDIR, CREATE. */
export const FOPEN = {
  DIRECT_IO: 1 << 0,
  KEEP_CACHE: 1 << 1,
  NONSEEKABLE: 1 << 2,
  CACHE_DIR: 1 << 3,
  STREAM: 1 << 4,
  NOFLUSH: 1 << 5,
  PARALLEL_DIRECT_WRITES: 1 << 6,
  PASSTHROUGH: 1 << 7,
} as const;

/** setattr_in.valid: which fields of the request mean something. */
export const FATTR = {
  MODE: 1 << 0,
  UID: 1 << 1,
  GID: 1 << 2,
  SIZE: 1 << 3,
  ATIME: 1 << 4,
  MTIME: 1 << 5,
  FH: 1 << 6,
  ATIME_NOW: 1 << 7,
  MTIME_NOW: 1 << 8,
  LOCKOWNER: 1 << 9,
  CTIME: 1 << 10,
  KILL_SUIDGID: 1 << 11,
} as const;

/** getattr_in.getattr_flags and statx_in.getattr_flags: `fh` is set. */
export const GETATTR_FH = 1;

/** open_in.open_flags, create_in.open_flags (7.33). */
export const OPEN_KILL_SUIDGID = 1;

export const READ_LOCKOWNER = 2;
export const WRITE = { CACHE: 1, LOCKOWNER: 2, KILL_SUIDGID: 4 } as const;
export const RELEASE = { FLUSH: 1, FLOCK_UNLOCK: 2 } as const;
export const FSYNC_FDATASYNC = 1;
export const LK_FLOCK = 1;
export const SETXATTR_ACL_KILL_SGID = 1;
export const IOCTL = { COMPAT: 1, UNRESTRICTED: 2, RETRY: 4, BITS_32: 8, DIR: 16, COMPAT_X32: 32 } as const;
export const POLL_SCHEDULE_NOTIFY = 1;

/** attr.flags (7.32). */
export const ATTR = { SUBMOUNT: 1, DAX: 2 } as const;

/** notify_inval_entry.flags (7.38): let the entry expire instead of dropping what is mounted or open below it. */
export const EXPIRE_ONLY = 1;

/** For people: the names of the INIT bits set in `word`, unknown ones by number. */
export function flagNames(word: bigint): string[] {
  const names: string[] = [];
  for (let bit = 0n; bit < 64n; bit++) {
    if ((word >> bit) & 1n) names.push(NAME_BY_BIT.get(1n << bit) ?? `BIT_${bit}`);
  }
  return names;
}

const NAME_BY_BIT = new Map<bigint, string>(Object.entries(INIT_FLAGS).map(([name, bit]) => [bit, name]));
