// Makes random system calls below a folder, for a while: odd names, flags, offsets, positions, sizes. Arguments: folder, seed, time.
//
// Whatever a call is, it may succeed or be refused; it must not find a broken mount, and bytes that are read must be right.
// Descriptors are non-blocking and names without "..": nothing waits for a writer, and nothing outside the folder is touched.
import { constants } from 'node:os';
import { bind, cString, E, errno, errnoName, file, type Pointer } from '../../src/libc/index.ts';
import { FILLED_NAMES, fillByte } from './live-fuzz-tree.ts';

type Call<A extends unknown[]> = (...args: A) => number | bigint;

const openat = bind<Call<[number, Pointer, number, number]>>('int openat(int, const char*, int, uint32)');
const pread = bind<Call<[number, Pointer, number, bigint]>>('int64 pread(int, void*, uint64, int64)');
const pwrite = bind<Call<[number, Pointer, number, bigint]>>('int64 pwrite(int, const void*, uint64, int64)');
const getxattr = bind<Call<[Pointer, Pointer, Pointer, number]>>(
  'int64 getxattr(const char*, const char*, void*, uint64)',
);
const fgetxattr = bind<Call<[number, Pointer, Pointer, number]>>('int64 fgetxattr(int, const char*, void*, uint64)');
const setxattr = bind<Call<[Pointer, Pointer, Pointer, number, number]>>(
  'int setxattr(const char*, const char*, const void*, uint64, int)',
);
const listxattr = bind<Call<[Pointer, Pointer, number]>>('int64 listxattr(const char*, void*, uint64)');
const faccessat = bind<Call<[number, Pointer, number, number]>>('int faccessat(int, const char*, int, int)');
const fallocate = bind<Call<[number, number, bigint, bigint]>>('int fallocate(int, int, int64, int64)');
const fadvise = bind<Call<[number, bigint, bigint, number]>>('int posix_fadvise(int, int64, int64, int)');
const ftruncate = bind<Call<[number, bigint]>>('int ftruncate(int, int64)');
const fsync = bind<Call<[number]>>('int fsync(int)');
const ioctl = bind<Call<[number, number, Pointer]>>('int ioctl(int, uint64, void*)');
const unlinkat = bind<Call<[number, Pointer, number]>>('int unlinkat(int, const char*, int)');
const mkdirat = bind<Call<[number, Pointer, number]>>('int mkdirat(int, const char*, uint32)');

/** FIONREAD, FS_IOC_GETFLAGS, FS_IOC_FIEMAP, TCGETS, and one that nobody has. */
const IOCTLS = [0x541b, 0x80086601, 0xc020660b, 0x5401, 0xdeadbeef];
const XATTRS = [
  'user.x',
  'security.capability',
  'system.posix_acl_access',
  'trusted.overlay',
  '',
  '.',
  `user.${'a'.repeat(250)}`,
];
const OFFSETS = [0n, 1n, 4095n, 4096n, 1n << 31n, 1n << 32n, (1n << 63n) - 4096n, (1n << 63n) - 1n, -1n, -(1n << 63n)];
/** What only a mount that is broken, or a daemon that was lost, answers. */
const BROKEN: readonly number[] = [E.EIO, constants.errno.ENOTCONN, E.ECONNABORTED, E.ENOSYS];
const BUFFER_BYTES = 64 * 1024;
const OPEN_MAX = 40;

const [folder = '', seed = '0', forMs = '0'] = process.argv.slice(2);
let random = Number(seed) >>> 0;
const buffer = Buffer.alloc(BUFFER_BYTES);
const open: { fd: number; name: string }[] = [];
const made: Record<string, number> = {};

function below(limit: number): number {
  random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((random / 2 ** 32) * limit);
}

function oneOf<T>(values: readonly T[]): T {
  return values[below(values.length)] as T;
}

function bits(count: number): number {
  return Math.floor((below(2 ** 16) * 2 ** 16 + below(2 ** 16)) % 2 ** count);
}

function offset(): bigint {
  return below(2) === 0 ? oneOf(OFFSETS) : BigInt(below(300_000));
}

/** Names that are there, that are not, that cannot be, and paths of several of them. */
function name(): string {
  const one = (): string => {
    switch (below(6)) {
      case 0:
        return 'x'.repeat(oneOf([1, 254, 255, 256, 4_000]));
      case 1:
        return Array.from({ length: 1 + below(30) }, () => String.fromCharCode(1 + below(255))).join('');
      default:
        return oneOf([...FILLED_NAMES, 'folder', 'folder/entry-7', 'empty', 'link', 'loop', 'missing', '.', '']);
    }
  };
  const path = below(4) === 0 ? `${one()}/${one()}` : one();
  return path.replaceAll('..', '._');
}

const path = (): Pointer => cString(`${folder}/${name()}`);
const fd = (): number => (open.length === 0 ? -1 : oneOf(open).fd);

/** Notes the call and what it said; false when it was refused. */
function judge(call: string, result: number | bigint): boolean {
  made[call] = (made[call] ?? 0) + 1;
  if (result >= 0) return true;
  const number = errno();
  if (BROKEN.includes(number)) throw new Error(`Cannot go on after ${call}: ${errnoName(number)}`);
  return false;
}

const CALLS: Record<string, () => void> = {
  open: () => {
    const given = name();
    const flags = bits(23) | file.O_NONBLOCK;
    const opened = Number(openat(file.AT_FDCWD, cString(`${folder}/${given}`), flags, 0o644));
    if (!judge('open', opened)) return;
    open.push({ fd: opened, name: given });
    if (open.length > OPEN_MAX) file.close(open.splice(below(open.length), 1)[0]?.fd ?? -1);
  },
  openPlainly: () => {
    const given = oneOf([...FILLED_NAMES, 'folder', '.']);
    const opened = Number(openat(file.AT_FDCWD, cString(`${folder}/${given}`), file.O_NONBLOCK, 0));
    if (judge('openPlainly', opened)) open.push({ fd: opened, name: given });
    if (open.length > OPEN_MAX) file.close(open.splice(below(open.length), 1)[0]?.fd ?? -1);
  },
  close: () => {
    const [closed] = open.splice(below(open.length), 1);
    if (closed !== undefined) judge('close', file.close(closed.fd));
  },
  read: () => {
    if (open.length === 0) return;
    const from = oneOf(open);
    const at = offset();
    const count = Number(pread(from.fd, buffer, below(BUFFER_BYTES + 1), at));
    if (judge('read', count) && FILLED_NAMES.includes(from.name)) check(from.name, at, count);
  },
  lseek: () => void judge('lseek', file.lseek(fd(), offset(), below(8))),
  getdents: () => void judge('getdents', file.getdents(fd(), buffer, oneOf([0, 1, 24, 280, BUFFER_BYTES]))),
  seekAndGetdents: () => {
    const folderFd = fd();
    if (!judge('seekAndGetdents', file.lseek(folderFd, below(3) === 0 ? offset() : BigInt(bits(31)), 0))) return;
    judge('seekAndGetdents', file.getdents(folderFd, buffer, BUFFER_BYTES));
  },
  statx: () => void judge('statx', file.statx(file.AT_FDCWD, path(), bits(16), buffer)),
  statxOpen: () => void judge('statxOpen', file.statx(fd(), cString(''), bits(16) | 0x1000, buffer)),
  readlink: () => void judge('readlink', file.readlinkat(file.AT_FDCWD, path(), buffer, 1 + below(BUFFER_BYTES))),
  access: () => void judge('access', faccessat(file.AT_FDCWD, path(), bits(4), 0)),
  getxattr: () => void judge('getxattr', getxattr(path(), cString(oneOf(XATTRS)), buffer, below(300))),
  fgetxattr: () => void judge('fgetxattr', fgetxattr(fd(), cString(oneOf(XATTRS)), buffer, below(300))),
  listxattr: () => void judge('listxattr', listxattr(path(), buffer, below(300))),
  setxattr: () => void judge('setxattr', setxattr(path(), cString(oneOf(XATTRS)), buffer, below(300), below(4))),
  fallocate: () => void judge('fallocate', fallocate(fd(), bits(7), offset(), offset())),
  fadvise: () => void fadvise(fd(), offset(), offset(), below(8)),
  ftruncate: () => void judge('ftruncate', ftruncate(fd(), offset())),
  fsync: () => void judge('fsync', fsync(fd())),
  write: () => void judge('write', pwrite(fd(), buffer, below(5_000), offset())),
  ioctl: () => void ioctl(fd(), oneOf(IOCTLS), buffer),
  unlink: () => void judge('unlink', unlinkat(file.AT_FDCWD, path(), oneOf([0, 0x200]))),
  mkdir: () => void judge('mkdir', mkdirat(file.AT_FDCWD, path(), 0o755)),
};

function check(of: string, at: bigint, count: number): void {
  for (let i = 0; i < count; i++) {
    if (buffer[i] !== fillByte(of, Number(at) + i))
      throw new Error(`Cannot go on: a wrong byte in ${of} at ${at + BigInt(i)}`);
  }
}

const endMs = performance.now() + Number(forMs);
const calls = Object.values(CALLS);
while (performance.now() < endMs) for (let i = 0; i < 100; i++) oneOf(calls)();
process.stdout.write(JSON.stringify(made));
