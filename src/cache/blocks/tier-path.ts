// One folder of a tier: where its files are, how full it is, whether it may be written to right now.
//
// <path>/evermount-blocks/       0700
//   FORMAT                       which release wrote it
//   lock                         flock held by the one process that writes here
//   0 … f/                       by the first digit of the object's id: few, as ext4 scatters folders, and with them files
//     <id>-<index>               a small segment: data and tail
//     <id>-<index>.data          a large segment's data, exactly as long as the segment, sparse
//     <id>-<index>.sum           its sidecar; without it the data counts for nothing
//     *.new  *.gone              being made, being removed: leftovers of a killed process
//
// A path that fails is set aside for a while and then tried again; reading what it has goes on meanwhile.
import { closeSync, mkdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { formatBytes, writeFileAtomic } from '../../base/index.ts';
import type { Logger } from '../../base/index.ts';
import { cString, E, errno, errnoName, file } from '../../libc/index.ts';
import { BLOCK_BYTES } from './block-store.ts';
import { BlocksError } from './errors.ts';
import { planExcess } from './evict.plan.ts';

export const FOLDER = 'evermount-blocks';
export const FORMAT_TEXT = 'evermount blocks 1\n';
export const SUFFIXES = ['', '.data', '.sum', '.new', '.gone'] as const;
export type Suffix = (typeof SUFFIXES)[number];

const TMPFS_MAGIC = 0x01021994;
const SET_ASIDE_MS = 30_000;
/** How long a look at the file system's free space is good for: whichever comes first. */
const DISK_LOOK_MS = 1000;
const DISK_LOOK_BYTES = 32 * 1024 * 1024;

export interface TierPathConfig {
  readonly medium: 'MEM' | 'SSD' | 'HDD';
  readonly path: string;
  readonly quotaBytes: number;
  readonly high: number;
  readonly low: number;
  readonly keepFreeFraction: number;
}

export class TierPath {
  readonly config: TierPathConfig;
  readonly folder: string;
  /** On tmpfs: reading never waits for a disk. */
  readonly inMemory: boolean;
  usedBytes = 0;
  /** Of writes that are under way. */
  pendingBytes = 0;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #names: Record<Suffix, Buffer>;
  readonly #nameAt: number;
  #failed: string | undefined;
  #failedUntilMs = 0;
  #lockFd = -1;
  #disk = { usedBytes: 0, usableBytes: Infinity };
  #diskLookMs = -Infinity;
  #diskLookLeftBytes = 0;

  constructor(config: TierPathConfig, log: Logger, nowMs: () => number) {
    this.config = config;
    this.folder = join(config.path, FOLDER);
    this.#log = log.child({ path: config.path });
    this.#nowMs = nowMs;
    this.#nameAt = Buffer.byteLength(this.folder);
    const name = (): Buffer => Buffer.concat([Buffer.from(this.folder), Buffer.alloc(64)]);
    this.#names = { '': name(), '.data': name(), '.sum': name(), '.new': name(), '.gone': name() };
    this.inMemory = this.#ensureFolder();
    if (config.medium === 'MEM' && !this.inMemory)
      this.#log.warn('a MEM tier is not in memory: its path is not on tmpfs');
  }

  /** Why nothing is written here, if so. */
  get failed(): string | undefined {
    if (this.#failed !== undefined) return this.#failed;
    const { usedBytes, usableBytes } = this.#disk;
    return usedBytes + BLOCK_BYTES > usableBytes
      ? `the file system holds ${formatBytes(usedBytes)}, all it may`
      : undefined;
  }

  /** Whether a failure was seen and writing has not worked since. */
  get isSetAside(): boolean {
    return this.#failed !== undefined;
  }

  /** The C string of a segment's file: good until the next call with this suffix. */
  file(key: string, suffix: Suffix): Buffer {
    const name = this.#names[suffix];
    name.write(`/${key.charAt(0)}/${key}${suffix}\0`, this.#nameAt, 'latin1');
    return name;
  }

  folderOf(key: string): string {
    return join(this.folder, key.charAt(0));
  }

  /** Creates a segment's file, which must not be there; makes its folder on the way. Returns -1 with errno(). */
  create(key: string, suffix: Suffix): number {
    const name = this.file(key, suffix);
    for (let attempt = 0; ; attempt++) {
      const fd = file.open(name, O_CREATE, 0o600);
      if (fd >= 0 || attempt > 0) return fd;
      const number = errno();
      if (number === E.EEXIST) file.unlink(name);
      else if (number !== E.ENOENT || file.mkdir(cString(this.folderOf(key)), 0o700) !== 0) return -1;
    }
  }

  /** Whether this many bytes more may be written now. Takes the lock on the way, where it is free. */
  admits(bytes: number): boolean {
    if (this.#failed !== undefined && this.#nowMs() < this.#failedUntilMs) return false;
    if (this.usedBytes + this.pendingBytes + bytes > this.config.quotaBytes) return false;
    if (!this.tryLock()) return false;
    this.#diskLookLeftBytes -= bytes;
    this.#lookAtDisk();
    return this.#disk.usedBytes + bytes <= this.#disk.usableBytes;
  }

  /** How much must go from here for the watermarks to be kept. */
  excessBytes(): number {
    this.#lookAtDisk();
    const { quotaBytes, high, low } = this.config;
    const { usedBytes } = this;
    const { usedBytes: diskUsedBytes, usableBytes: diskUsableBytes } = this.#disk;
    return planExcess({ usedBytes, quotaBytes, high, low, diskUsedBytes, diskUsableBytes });
  }

  /** Something was written: what was wrong is over. */
  worked(): void {
    if (this.#failed === undefined) return;
    this.#failed = undefined;
    this.#log.info('cache path works again');
  }

  /** Notes that writing (or reading) failed. Too many open files is no fault of the path. */
  setAside(number: number, doing: string): void {
    if (number === E.EMFILE || number === E.ENFILE) return;
    const why = `cannot ${doing}: ${errnoName(number)}`;
    if (this.#failed === undefined) this.#log.warn('cache path is set aside', { why, retryAfterMs: SET_ASIDE_MS });
    this.#failed = why;
    this.#failedUntilMs = this.#nowMs() + SET_ASIDE_MS;
  }

  /** Whether this process is the one that writes here. Asked again and again, it becomes so when the other one is gone. */
  tryLock(): boolean {
    if (this.#lockFd >= 0) return true;
    const fd = file.open(cString(join(this.folder, 'lock')), O_LOCK, 0o600);
    if (fd < 0) this.setAside(errno(), 'open the lock');
    else if (file.tryLock(fd)) this.#lockFd = fd;
    else file.close(fd);
    return this.#lockFd >= 0;
  }

  unlock(): void {
    if (this.#lockFd >= 0) closeSync(this.#lockFd);
    this.#lockFd = -1;
  }

  #lookAtDisk(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#diskLookMs < DISK_LOOK_MS && this.#diskLookLeftBytes > 0) return;
    this.#diskLookMs = nowMs;
    try {
      const { bsize, blocks, bfree, bavail } = statfsSync(this.folder);
      const usedBytes = (blocks - bfree) * bsize;
      // What only root may fill counts as neither used nor usable.
      const usableBytes = (usedBytes + bavail * bsize) * (1 - this.config.keepFreeFraction);
      this.#disk = { usedBytes, usableBytes };
      this.#diskLookLeftBytes = Math.min(DISK_LOOK_BYTES, (usableBytes - usedBytes) / 8);
    } catch (err) {
      this.setAside(-((err as NodeJS.ErrnoException).errno ?? -E.EIO), 'ask for free space');
    }
  }

  /** The folder and its marker, made where they are missing. Returns whether they are in memory. */
  #ensureFolder(): boolean {
    const { path } = this.config;
    try {
      if (!statSync(path).isDirectory()) throw unusable(path, 'it is not a folder');
    } catch (err) {
      if (err instanceof BlocksError) throw err;
      if ((err as NodeJS.ErrnoException).code === 'ENOENT')
        throw new BlocksError(
          `Cannot use cache folder "${path}": it does not exist. Create it, or mount the disk that is meant to be there`,
          { code: 'path-missing', path },
          { cause: err },
        );
      return this.#openLater(err);
    }
    try {
      this.#ensureMarker();
      return statfsSync(this.folder).type === TMPFS_MAGIC;
    } catch (err) {
      return this.#openLater(err);
    }
  }

  #ensureMarker(): void {
    const marker = join(this.folder, 'FORMAT');
    let found: string | undefined;
    try {
      found = readFileSync(marker, 'utf8');
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== 'ENOENT') throw err;
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      writeFileAtomic(marker, FORMAT_TEXT, 0o600);
    }
    if (found === undefined || found === FORMAT_TEXT) return;
    throw new BlocksError(
      `Cannot use cache folder "${this.folder}": another release wrote it (${JSON.stringify(found.slice(0, 60))}). ` +
        'Remove it (it is only a cache), or give another path',
      { code: 'foreign-format', path: this.config.path, found: found.slice(0, 60) },
    );
  }

  /** A disk that fails does not keep the others from being used. What a person must put right is said at once. */
  #openLater(err: unknown): false {
    if (err instanceof BlocksError) throw err;
    const { errno: number = -E.EIO, code, message } = err as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM' || code === 'ENOTDIR' || code === 'EROFS')
      throw unusable(this.config.path, message, err);
    this.setAside(-number, 'open the cache folder');
    return false;
  }
}

const O_CREATE = 0o100 | 0o200 | 0o2 | file.O_NOFOLLOW; // O_CREAT | O_EXCL | O_RDWR
const O_LOCK = 0o100 | file.O_NOFOLLOW;

function unusable(path: string, why: string, cause?: unknown): BlocksError {
  return new BlocksError(
    `Cannot use cache folder "${path}": ${why}. Give a folder this user may write to`,
    { code: 'path-unusable', path, why },
    { cause },
  );
}

/** What a file of this length takes on disk. */
export function diskBytesOf(length: number): number {
  return Math.ceil(length / 4096) * 4096;
}
