// A small segment: one block in one file, data first, then everything else that is known of it.
//
// The whole file is one write: either its tail is there and right, or the file counts for nothing.
import assert from 'node:assert/strict';
import { addressOf, E, errno, file } from '../../libc/index.ts';
import {
  decodeHeader,
  decodeTail,
  encodeTail,
  hasOtherHeader,
  segmentSize,
  SMALL_BYTES_MAX,
  sumGrains,
  TAIL_BYTES_MAX,
  tailBytes,
  tailLength,
} from './block-format.ts';
import type { SegmentInfo } from './block-store.ts';
import { DiskSegment, type SegmentHome } from './disk-segment.ts';
import { diskBytesOf, type TierPath } from './tier-path.ts';

const STORED = Promise.resolve(true);
const NOT_STORED = Promise.resolve(false);
const ABSENT = Promise.resolve(undefined);

const scratch = Buffer.allocUnsafeSlow(SMALL_BYTES_MAX + TAIL_BYTES_MAX);
const scratchAddress = addressOf(scratch);

export class SmallSegment extends DiskSegment {
  readonly isSmall = true;
  readonly #header: Buffer;

  constructor(home: SegmentHome, key: string, info: SegmentInfo, sizeBytes: number, header: Buffer) {
    super(home, key, info, sizeBytes);
    this.#header = header;
  }

  /** Takes over what the path has of this segment. What is wrong there is removed. */
  load(path: TierPath): boolean {
    const fd = file.open(path.file(this.key, ''), O_READ);
    if (fd < 0) return false;
    const length = tailBytes(this.#header, this.sums.length);
    // One byte more than there should be: the file ends where the tail does.
    const got = file.pread(fd, scratchAddress, length + 1, this.sizeBytes);
    if (got === length && decodeTail(scratch.subarray(0, length), this.#header, this.sums)) {
      this.path = path;
      this.fd = fd;
      this.gained(0);
      return true;
    }
    file.close(fd);
    // A write that was cut short is no damage.
    if (got >= length && !hasOtherHeader(scratch.subarray(0, got), this.#header)) this.home.damaged(path, this.key, 1);
    file.unlink(path.file(this.key, ''));
    return false;
  }

  diskBytes(): number {
    return this.isWhole() ? diskBytesOf(this.sizeBytes + tailBytes(this.#header, this.sums.length)) : 0;
  }

  write(block: number, bytes: Buffer): Promise<boolean> {
    assert.ok(block === 0 && bytes.length === this.sizeBytes, 'a block is written whole');
    return this.isWhole() || (this.holders > 0 && this.#store(bytes)) ? STORED : NOT_STORED;
  }

  /** Never: the kernel would read the tail as data. */
  openWhole(): Promise<undefined> {
    return ABSENT;
  }

  protected hasStamp(): boolean {
    return false;
  }

  protected isVerified(): boolean {
    return false;
  }

  protected forget(): void {
    if (this.path !== undefined) file.unlink(this.path.file(this.key, ''));
    this.retireFile();
  }

  #store(bytes: Buffer): boolean {
    sumGrains(bytes, this.sums, 0);
    bytes.copy(scratch);
    const length = encodeTail(this.#header, this.sums, scratch, this.sizeBytes);
    for (;;) {
      const path = this.home.choosePath(length);
      if (path === undefined) return false;
      const fd = path.create(this.key, '');
      const written = fd < 0 ? -1 : file.pwrite(fd, scratchAddress, length, 0);
      if (written === length) {
        path.worked();
        this.path = path;
        this.fd = fd;
        this.gained(0);
        this.home.changed(this);
        return true;
      }
      const number = written < 0 ? errno() : E.ENOSPC;
      if (fd >= 0) {
        file.close(fd);
        file.unlink(path.file(this.key, ''));
      }
      path.setAside(number, 'write');
      if (!path.isSetAside) return false;
    }
  }
}

/** What the path has under this key, if it is a small segment that can be read. */
export function findSmall(path: TierPath, key: string): SegmentInfo | undefined {
  const fd = file.open(path.file(key, ''), O_READ);
  if (fd < 0) return undefined;
  try {
    const sizeBytes = Number(file.lseek(fd, 0, SEEK_END));
    if (sizeBytes < 8 || file.pread(fd, scratchAddress, 8, sizeBytes - 8) !== 8) return undefined;
    const length = tailLength(scratch);
    if (length === undefined || file.pread(fd, scratchAddress, length, sizeBytes - length) !== length) return undefined;
    const info = decodeHeader(scratch.subarray(0, length))?.info;
    return info !== undefined && segmentSize(info) === sizeBytes - length ? info : undefined;
  } finally {
    file.close(fd);
  }
}

const O_READ = file.O_NOFOLLOW;
const SEEK_END = 2;
