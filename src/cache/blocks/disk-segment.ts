// An open segment: what small and large ones have in common, above all reading with every byte checked.
//
// Every grain a read touches is summed and compared, on every read. The exception are large segments under a good stamp
// (stamp.ts), as summing takes twice the time of the reading itself: stat after each read says whether anybody wrote meanwhile.
// Several holders share one of these; its files stay open until the last holder has closed it and no call is under way.
import assert from 'node:assert/strict';
import { read as readFile } from 'node:fs';
import { addressOf, E, file } from '../../libc/index.ts';
import { badGrain, GRAIN_BYTES, GRAINS_PER_BLOCK } from './block-format.ts';
import { BLOCK_BYTES, type Segment, type SegmentInfo } from './block-store.ts';
import type { TierPath } from './tier-path.ts';

/** What a segment needs of its store. */
export interface SegmentHome {
  nowMs(): number;
  /** A path that takes a new segment's first bytes. */
  choosePath(bytes: number): TierPath | undefined;
  /** What the segment holds or takes on disk has changed. */
  changed(segment: DiskSegment): void;
  /** Found wrong on disk, and dropped. */
  damaged(path: TierPath, key: string, blocks: number): void;
  /** The last holder is gone, and the last call is through. */
  closed(segment: DiskSegment): void;
}

const scratch = Buffer.allocUnsafeSlow(GRAIN_BYTES);
const scratchAddress = addressOf(scratch);

export const RIGHT = -1;
const UNKNOWN = -2;

export abstract class DiskSegment implements Segment {
  readonly key: string;
  readonly info: SegmentInfo;
  readonly sizeBytes: number;
  /** Where it is; undefined until something of it was written. */
  path: TierPath | undefined;
  holders = 1;
  protected readonly home: SegmentHome;
  protected readonly sums: Uint32Array;
  protected readonly present: Uint8Array;
  protected presentBlocks = 0;
  protected fd = -1;
  /** Rises when a block is dropped: what an older read found says nothing about what is there now. */
  #generation = 0;
  #busy = 0;
  #oldFds: number[] = [];

  constructor(home: SegmentHome, key: string, info: SegmentInfo, sizeBytes: number) {
    this.home = home;
    this.key = key;
    this.info = info;
    this.sizeBytes = sizeBytes;
    this.sums = new Uint32Array(Math.ceil(sizeBytes / GRAIN_BYTES));
    this.present = new Uint8Array(Math.ceil(sizeBytes / BLOCK_BYTES));
  }

  abstract readonly isSmall: boolean;
  /** What it takes on disk. */
  abstract diskBytes(): number;
  /** Takes over what the path has of it; removes what is wrong there. False when nothing is. */
  abstract load(path: TierPath): boolean;
  abstract write(block: number, bytes: Buffer): Promise<boolean>;
  abstract openWhole(): Promise<number | undefined>;
  /** Whether isVerified() is worth asking. */
  protected abstract hasStamp(): boolean;
  /** Whether all that is there is known to be right, up to this very moment. */
  protected abstract isVerified(): boolean;
  /** Makes the block absent on disk. */
  protected abstract forget(block: number): void;

  has(block: number): boolean {
    return this.present[block] === 1;
  }

  isWhole(): boolean {
    return this.presentBlocks === this.present.length;
  }

  cachedBytes(): number {
    const last = this.present.length - 1;
    const missing = this.has(last) ? last * BLOCK_BYTES + BLOCK_BYTES - this.sizeBytes : 0;
    return this.presentBlocks * BLOCK_BYTES - missing;
  }

  read(offset: number, into: Buffer): number | Promise<number> {
    const length = Math.min(into.length, this.sizeBytes - offset);
    if (length <= 0) return 0;
    if (!this.#covers(offset, length)) return -1;
    const address = addressOf(into);
    if (this.hasStamp() && this.#readNow(address, length, offset) === length && this.isVerified()) return length;
    for (let done = 0; done < length;) {
      const at = offset + done;
      const skip = at % GRAIN_BYTES;
      const direct = directBytes(at, length - done, this.sizeBytes);
      const count = direct > 0 ? direct : Math.min(GRAIN_BYTES, this.sizeBytes - at + skip);
      const got = this.#readNow(direct > 0 ? address + BigInt(done) : scratchAddress, count, at - skip);
      if (got !== count && (got < 0 || this.path?.inMemory !== true)) return this.#readLater(offset, into, length);
      const bytes = direct > 0 ? into.subarray(done, done + count) : scratch.subarray(0, count);
      const first = (at - skip) / GRAIN_BYTES;
      const bad = got === count ? badGrain(bytes, this.sums, first) : first;
      if (bad !== RIGHT) return this.#drop(bad);
      if (direct === 0) scratch.copy(into, done, skip, skip + Math.min(count - skip, length - done));
      done += Math.min(count - skip, length - done);
    }
    return length;
  }

  close(): void {
    assert.ok(this.holders > 0, 'a segment is closed once per open');
    this.holders--;
    this.#closeFiles();
  }

  /** Keeps the files open until the call is through. */
  protected async whileOpen<T>(call: () => Promise<T>): Promise<T> {
    this.#busy++;
    try {
      return await call();
    } finally {
      this.#busy--;
      this.#closeFiles();
    }
  }

  /** Another file takes the place of this one; calls on it may still be under way. */
  protected retireFile(): void {
    if (this.fd >= 0) this.#oldFds.push(this.fd);
    this.fd = -1;
    this.#closeFiles();
  }

  protected gained(block: number): void {
    this.present[block] = 1;
    this.presentBlocks++;
  }

  /** Bytes of a block were found wrong: it is no longer there. */
  protected dropBlock(block: number): void {
    if (!this.has(block) || this.path === undefined) return;
    this.#generation++;
    this.present[block] = 0;
    this.presentBlocks--;
    this.forget(block);
    this.home.damaged(this.path, this.key, 1);
    this.home.changed(this);
  }

  /** Reads whole grains by a thread. Says which of them is wrong first, RIGHT, or UNKNOWN where it was dropped meanwhile. */
  protected async readChecked(to: Buffer, from: number): Promise<number> {
    const generation = this.#generation;
    const first = from / GRAIN_BYTES;
    const error = await readFully(this.fd, to, from);
    if (error > 0) this.path?.setAside(error, 'read');
    const bad = error === 0 ? badGrain(to, this.sums, first) : first;
    return bad === RIGHT || generation === this.#generation ? bad : UNKNOWN;
  }

  #covers(offset: number, length: number): boolean {
    if (this.isWhole()) return true;
    const last = Math.floor((offset + length - 1) / BLOCK_BYTES);
    for (let block = Math.floor(offset / BLOCK_BYTES); block <= last; block++) if (!this.has(block)) return false;
    return true;
  }

  #readNow(address: bigint, count: number, from: number): number {
    if (this.path?.inMemory) return file.pread(this.fd, address, count, from);
    return file.preadCached(this.fd, address, count, from);
  }

  #readLater(offset: number, into: Buffer, length: number): Promise<number> {
    return this.whileOpen(async () => {
      const piece = Buffer.allocUnsafe(GRAIN_BYTES);
      for (let done = 0; done < length;) {
        const at = offset + done;
        const skip = at % GRAIN_BYTES;
        const direct = directBytes(at, length - done, this.sizeBytes);
        const count = direct > 0 ? direct : Math.min(GRAIN_BYTES, this.sizeBytes - at + skip);
        const bytes = direct > 0 ? into.subarray(done, done + count) : piece.subarray(0, count);
        const bad = await this.readChecked(bytes, at - skip);
        if (bad !== RIGHT) return bad === UNKNOWN ? -1 : this.#drop(bad);
        if (direct === 0) bytes.copy(into, done, skip, skip + Math.min(count - skip, length - done));
        done += Math.min(count - skip, length - done);
      }
      return length;
    });
  }

  #drop(grain: number): -1 {
    this.dropBlock(Math.floor(grain / GRAINS_PER_BLOCK));
    return -1;
  }

  #closeFiles(): void {
    if (this.#busy > 0) return;
    for (const fd of this.#oldFds) file.close(fd);
    this.#oldFds = [];
    if (this.holders > 0) return;
    if (this.fd >= 0) file.close(this.fd);
    this.fd = -1;
    this.home.closed(this);
  }
}

/** How many bytes from `at` can be read to where they are wanted: whole grains only, else none. */
function directBytes(at: number, wanted: number, sizeBytes: number): number {
  if (at % GRAIN_BYTES !== 0) return 0;
  return at + wanted === sizeBytes ? wanted : wanted - (wanted % GRAIN_BYTES);
}

const END_OF_FILE = -1;
/** Fills the buffer by threads: 0, END_OF_FILE, or the errno. */
async function readFully(fd: number, to: Buffer, position: number): Promise<number> {
  for (let done = 0; done < to.length;) {
    const count = await new Promise<number>((resolve) =>
      readFile(fd, to, done, to.length - done, position + done, (err, bytes) =>
        resolve(err === null ? bytes : (err.errno ?? -E.EIO)),
      ),
    );
    if (count < 0) return -count;
    if (count === 0) return END_OF_FILE;
    done += count;
  }
  return 0;
}
