// A large segment: a sparse data file of exactly the segment's length, and a sidecar that says which blocks are there.
//
//   sidecar   header, padded to RECORD_BYTES · the verified stamp (stamp.ts), padded likewise · one record per block
//
// A block is written as data, then its record: killed in between, it is absent. The sidecar itself appears whole, by rename,
// after the data file has its length. Whoever finds data without a sidecar may remove it.
import assert from 'node:assert/strict';
import { write as writeFile } from 'node:fs';
import { E, errno, file } from '../../libc/index.ts';
import {
  decodeHeader,
  decodeRecord,
  encodeRecord,
  GRAINS_PER_BLOCK,
  hasOtherHeader,
  headerSum,
  HEADER_BYTES_MAX,
  RECORD_BYTES,
  sumGrains,
} from './block-format.ts';
import { BLOCK_BYTES, type SegmentInfo } from './block-store.ts';
import { DiskSegment, RIGHT, type SegmentHome } from './disk-segment.ts';
import { decodeStamp, encodeStamp, fileSize, fileStamp, STAMP_AGE_MS_MAX, STAMP_BYTES } from './stamp.ts';
import { diskBytesOf, type TierPath } from './tier-path.ts';

export class LargeSegment extends DiskSegment {
  readonly isSmall = false;
  readonly #header: Buffer;
  readonly #seed: number;
  readonly #stampAt: number;
  readonly #recordsAt: number;
  readonly #writing = new Set<number>();
  /** stat of the data file when all that was present was right, and since when that was known: undefined where it is not. */
  #verified: { stamp: string; sinceMs: number } | undefined;
  #verifying: Promise<boolean> | undefined;

  constructor(home: SegmentHome, key: string, info: SegmentInfo, sizeBytes: number, header: Buffer) {
    super(home, key, info, sizeBytes);
    this.#header = header;
    this.#seed = headerSum(header) >>> 1; // a block's number is added to it
    this.#stampAt = Math.ceil(header.length / RECORD_BYTES) * RECORD_BYTES;
    this.#recordsAt = this.#stampAt + RECORD_BYTES;
  }

  /** Takes over what the path has of this segment. What is wrong there is removed. */
  load(path: TierPath): boolean {
    const fd = file.open(path.file(this.key, '.sum'), O_READ);
    if (fd < 0) return false;
    const sidecar = Buffer.allocUnsafe(this.#recordsAt + this.present.length * RECORD_BYTES);
    const got = file.pread(fd, sidecar, sidecar.length, 0);
    file.close(fd);
    const isOurs = got === sidecar.length && sidecar.subarray(0, this.#header.length).equals(this.#header);
    const data = isOurs ? openData(path, this.key) : -1;
    if (isOurs && data < 0 && errno() !== E.ENOENT) return false;
    if (data < 0) {
      if (!isOurs && !hasOtherHeader(sidecar.subarray(0, Math.max(0, got)), this.#header))
        this.home.damaged(path, this.key, 1);
      removeLarge(path, this.key);
      return false;
    }
    this.path = path;
    this.fd = data;
    this.#takeRecords(path, sidecar);
    return true;
  }

  diskBytes(): number {
    if (this.path === undefined) return 0;
    return diskBytesOf(this.cachedBytes()) + diskBytesOf(this.#recordsAt + this.present.length * RECORD_BYTES);
  }

  async write(block: number, bytes: Buffer, sums?: Uint32Array): Promise<boolean> {
    assert.equal(bytes.length, this.#blockBytes(block), 'a block is written whole');
    if (this.has(block)) return true;
    if (this.holders === 0 || this.#writing.has(block)) return false;
    if (this.path === undefined ? !this.#create(bytes.length) : !this.path.admits(bytes.length)) return false;
    const { path } = this;
    if (path === undefined) return false;
    // Somebody else's write shows in mtime, unless it happens during ours.
    if (this.#writing.size === 0 && this.#verified?.stamp !== fileStamp(this.fd)) this.#verified = undefined;
    this.#writing.add(block);
    path.pendingBytes += bytes.length;
    try {
      return await this.whileOpen(() => this.#store(path, block, bytes, sums));
    } finally {
      path.pendingBytes -= bytes.length;
    }
  }

  openWhole(): Promise<number | undefined> {
    return this.whileOpen(async () => {
      if (!this.isWhole() || this.path === undefined) return undefined;
      if (!this.isVerified()) {
        this.#verifying ??= this.#verify().finally(() => (this.#verifying = undefined));
        if (!(await this.#verifying)) return undefined;
      }
      const fd = file.open(this.path.file(this.key, '.data'), O_READ);
      if (fd < 0 || fileStamp(fd) === this.#verified?.stamp) return fd < 0 ? undefined : fd;
      file.close(fd);
      return undefined;
    });
  }

  protected hasStamp(): boolean {
    return this.#verified !== undefined && this.#writing.size === 0;
  }

  protected isVerified(): boolean {
    if (this.#verified === undefined || this.#writing.size > 0) return false;
    const ageMs = this.home.nowMs() - this.#verified.sinceMs;
    const isGood = ageMs >= 0 && ageMs <= STAMP_AGE_MS_MAX && this.#verified.stamp === fileStamp(this.fd);
    if (!isGood) this.#verified = undefined;
    return isGood;
  }

  protected forget(block: number): void {
    this.#verified = undefined;
    if (this.path === undefined) return;
    this.#patchSidecar(this.path, Buffer.alloc(RECORD_BYTES), this.#recordAt(block));
    this.#patchSidecar(this.path, Buffer.alloc(STAMP_BYTES), this.#stampAt);
  }

  async #store(path: TierPath, block: number, bytes: Buffer, sums: Uint32Array | undefined): Promise<boolean> {
    if (sums === undefined) sumGrains(bytes, this.sums, block * GRAINS_PER_BLOCK);
    else this.sums.set(sums, block * GRAINS_PER_BLOCK);
    const error = await writeFully(this.fd, bytes, block * BLOCK_BYTES);
    this.#writing.delete(block);
    const record = encodeRecord(this.sums, block, this.#seed);
    if (error !== 0 || !this.#patchSidecar(path, record, this.#recordAt(block))) {
      path.setAside(error === 0 ? errno() : error, 'write');
      return false;
    }
    path.worked();
    this.gained(block);
    if (this.#writing.size === 0) this.#noteStamp();
    this.home.changed(this);
    return true;
  }

  /** Both files, on the first path that takes them. */
  #create(bytes: number): boolean {
    for (;;) {
      const path = this.home.choosePath(bytes);
      if (path === undefined) return false;
      const fd = path.create(this.key, '.data');
      if (fd >= 0 && file.ftruncate(fd, this.sizeBytes) === 0 && this.#createSidecar(path)) {
        this.path = path;
        this.fd = fd;
        this.#verified = { stamp: fileStamp(fd) ?? '', sinceMs: this.home.nowMs() };
        return true;
      }
      const number = errno();
      if (fd >= 0) file.close(fd);
      removeLarge(path, this.key);
      path.setAside(number, 'write');
      if (!path.isSetAside) return false;
    }
  }

  #createSidecar(path: TierPath): boolean {
    const fd = path.create(this.key, '.new');
    if (fd < 0) return false;
    const sidecar = Buffer.alloc(this.#recordsAt + this.present.length * RECORD_BYTES);
    this.#header.copy(sidecar);
    const written = file.pwrite(fd, sidecar, sidecar.length, 0);
    const number = written < 0 ? errno() : E.ENOSPC;
    file.close(fd);
    if (written === sidecar.length) return file.rename(path.file(this.key, '.new'), path.file(this.key, '.sum')) === 0;
    file.unlink(path.file(this.key, '.new'));
    path.setAside(number, 'write');
    return false;
  }

  #takeRecords(path: TierPath, sidecar: Buffer): void {
    let damaged = 0;
    for (let block = 0; block < this.present.length; block++) {
      const at = this.#recordAt(block);
      const state = decodeRecord(sidecar.subarray(at, at + RECORD_BYTES), this.sums, block, this.#seed);
      if (state === 'present') this.gained(block);
      else if (state === 'damaged') {
        this.#patchSidecar(path, Buffer.alloc(RECORD_BYTES), at);
        damaged++;
      }
    }
    if (damaged > 0) this.home.damaged(path, this.key, damaged);
    const stamp = decodeStamp(sidecar.subarray(this.#stampAt, this.#stampAt + STAMP_BYTES), this.#seed);
    if (stamp !== undefined) this.#verified = { stamp: stamp.stamp, sinceMs: stamp.verifiedMs };
    if (this.presentBlocks === 0) this.#verified = { stamp: fileStamp(this.fd) ?? '', sinceMs: this.home.nowMs() };
  }

  /** Reads every block and compares. One block at a time, by threads: nobody waits for it but the one who asked. */
  async #verify(): Promise<boolean> {
    const sinceMs = this.home.nowMs();
    // The kernel would read what is behind the end.
    if (fileSize(this.fd) !== this.sizeBytes && file.ftruncate(this.fd, this.sizeBytes) !== 0) return false;
    const before = fileStamp(this.fd);
    const buffer = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, this.sizeBytes));
    for (let block = 0; block < this.present.length; block++) {
      const bad = await this.readChecked(buffer.subarray(0, this.#blockBytes(block)), block * BLOCK_BYTES);
      if (bad >= 0) this.dropBlock(block);
      if (bad !== RIGHT) return false;
    }
    if (before === undefined || fileStamp(this.fd) !== before || !this.isWhole()) return false;
    this.#verified = { stamp: before, sinceMs };
    this.#noteStamp();
    return true;
  }

  /** What was verified until now has grown by what was just written: notes what stat says of it. */
  #noteStamp(): void {
    const stamp = fileStamp(this.fd);
    if (this.#verified === undefined || this.path === undefined || stamp === undefined) return;
    this.#verified = { stamp, sinceMs: this.#verified.sinceMs };
    this.#patchSidecar(this.path, encodeStamp(stamp, this.#verified.sinceMs, this.#seed), this.#stampAt);
  }

  #patchSidecar(path: TierPath, bytes: Buffer, at: number): boolean {
    const fd = file.open(path.file(this.key, '.sum'), O_WRITE);
    if (fd < 0) return false;
    const written = file.pwrite(fd, bytes, bytes.length, at);
    file.close(fd);
    return written === bytes.length;
  }

  #recordAt(block: number): number {
    return this.#recordsAt + block * RECORD_BYTES;
  }

  #blockBytes(block: number): number {
    return Math.min(BLOCK_BYTES, this.sizeBytes - block * BLOCK_BYTES);
  }
}

/** What the path has under this key, if it is a large segment that can be read. */
export function findLarge(path: TierPath, key: string): SegmentInfo | undefined {
  const fd = file.open(path.file(key, '.sum'), O_READ);
  if (fd < 0) return undefined;
  const bytes = Buffer.allocUnsafe(HEADER_BYTES_MAX);
  const got = file.pread(fd, bytes, bytes.length, 0);
  file.close(fd);
  return decodeHeader(bytes.subarray(0, Math.max(0, got)))?.info;
}

/**
 * Removes the sidecar at once; the data, which may be large, is moved away and left to the caller or to the next scan.
 * False where the sidecar cannot be removed: then nothing changed.
 */
export function removeLarge(path: TierPath, key: string): boolean {
  if (file.unlink(path.file(key, '.sum')) !== 0 && errno() !== E.ENOENT) return false;
  file.rename(path.file(key, '.data'), path.file(key, '.gone'));
  return true;
}

const O_READ = file.O_NOFOLLOW;
const O_WRITE = 1 | file.O_NOFOLLOW;
const O_READ_WRITE = 2 | file.O_NOFOLLOW;

/** For reading only where it must be: what is there can be read even so. */
function openData(path: TierPath, key: string): number {
  const name = path.file(key, '.data');
  const fd = file.open(name, O_READ_WRITE);
  return fd < 0 && (errno() === E.EROFS || errno() === E.EACCES) ? file.open(name, O_READ) : fd;
}

/** Writes it all by threads: 0, or the errno. */
async function writeFully(fd: number, bytes: Buffer, position: number): Promise<number> {
  for (let done = 0; done < bytes.length;) {
    const count = await new Promise<number>((resolve) =>
      writeFile(fd, bytes, done, bytes.length - done, position + done, (err, written) =>
        resolve(err === null ? written : (err.errno ?? -E.EIO)),
      ),
    );
    if (count <= 0) return count === 0 ? E.ENOSPC : -count;
    done += count;
  }
  return 0;
}
