// A block that is not in the store (yet): wanted, arriving, being stored, or kept in memory because no store takes it.
//
// There is at most one per block of an object, in its owner's `blocks`, from the moment it is wanted until it can be read
// from the store or nobody wants it any more: whoever asks for it in between shares it. Bytes arrive in order; a reader is
// answered when those it asked for are there.
import { GrainSums } from '../blocks/index.ts';
import type { ObjectRef } from '../ufs/index.ts';
import type { PendingRead } from './pending-read.ts';
import type { Segments } from './segments.ts';

/** What blocks belong to: an object that is read. */
export interface BlockOwner {
  readonly object: ObjectRef;
  readonly segments: Segments;
  readonly blocks: ReadonlyMap<number, Block>;
  /** Reads of the under storage that run for it. */
  partsInFlight: number;
  /** Blocks to be fetched ahead, in the order of asking; some may have been started or dropped meanwhile. */
  readonly ahead: Block[];
  /** The block can be read from the store from now on, or is not there at all. */
  forget(block: Block): void;
  /** A block of it is in memory only, for as long as there is room. */
  rest(): void;
}

export type BlockState = 'queued' | 'arriving' | 'storing' | 'kept' | 'gone';

/** So small a block is in the processor's cache until it is stored anyway. */
const SUMMED_LATE_BYTES = 128 * 1024;

type Wait = { readonly read: PendingRead; readonly from: number; readonly to: number; readonly at: number };

export class Block {
  readonly owner: BlockOwner;
  /** Within the object. */
  readonly index: number;
  readonly sizeBytes: number;
  state: BlockState = 'queued';
  /** Somebody read it; otherwise it is fetched ahead. */
  isDemanded = false;
  /** It failed in company and is tried once more, by itself. */
  isRetried = false;
  /** While it arrives, is stored or kept: as large as the block or larger. */
  buffer: Buffer | undefined = undefined;
  #filledBytes = 0;
  #grains: GrainSums | undefined = undefined;
  #waits: Wait[] = [];

  constructor(owner: BlockOwner, index: number, sizeBytes: number) {
    this.owner = owner;
    this.index = index;
    this.sizeBytes = sizeBytes;
  }

  get isWaitedFor(): boolean {
    return this.#waits.length > 0;
  }

  /** Of a block that has all its bytes. */
  get sums(): Uint32Array | undefined {
    return this.#grains?.sums;
  }

  get filledBytes(): number {
    return this.#filledBytes;
  }

  /** True when bytes `from` to `to` were there and are in `into` now. */
  copy(from: number, to: number, into: Buffer, at: number): boolean {
    if (this.#filledBytes < to || this.buffer === undefined) return false;
    this.buffer.copy(into, at, from, to);
    return true;
  }

  /** The read gets bytes `from` to `to` when they have arrived. */
  wait(read: PendingRead, from: number, to: number, at: number): void {
    read.expect();
    this.#waits.push({ read, from, to, at });
  }

  /** The next bytes of the block; returns how many of the chunk, from `from` on, are its own. */
  arrive(chunk: Buffer, from: number): number {
    const { buffer } = this;
    if (buffer === undefined) return 0;
    const bytes = Math.min(chunk.length - from, this.sizeBytes - this.#filledBytes);
    chunk.copy(buffer, this.#filledBytes, from, from + bytes);
    this.#filledBytes += bytes;
    if (this.sizeBytes > SUMMED_LATE_BYTES)
      (this.#grains ??= new GrainSums(this.sizeBytes)).advance(buffer, this.#filledBytes);
    if (this.#waits.length > 0) this.#answer(buffer);
    return bytes;
  }

  /** Everything from the start again; those who wait go on waiting. Returns the buffer. */
  restart(): Buffer | undefined {
    const { buffer } = this;
    this.buffer = undefined;
    this.#filledBytes = 0;
    this.#grains = undefined;
    this.state = 'queued';
    return buffer;
  }

  /** Whoever waits is told; returns the buffer. */
  end(why?: unknown): Buffer | undefined {
    const { buffer } = this;
    this.buffer = undefined;
    this.state = 'gone';
    for (const { read } of this.#waits.splice(0)) read.fail(why);
    return buffer;
  }

  #answer(buffer: Buffer): void {
    const filledBytes = this.#filledBytes;
    const waits = this.#waits;
    let left = 0;
    for (const wait of waits) {
      if (wait.to <= filledBytes) wait.read.deliver(buffer, wait.from, wait.to, wait.at);
      else waits[left++] = wait;
    }
    waits.length = left;
  }
}
