// One object that is read: what of it is in the store, and its blocks on the way there. All who have it open share it.
//
// A read is answered at once where its bytes are in the store's page cache or in memory; else by a promise, once every piece
// of it is there. Each block that is missing is fetched once, however many read it.
import { BLOCK_BYTES } from '../blocks/index.ts';
import type { ObjectRef } from '../ufs/index.ts';
import { Block, type BlockOwner } from './block.ts';
import type { Fetcher } from './fetcher.ts';
import { PendingRead } from './pending-read.ts';
import type { Segments, SegmentUse } from './segments.ts';

export interface ReadStats {
  /** Bytes that readers did not have to wait for the under storage for. */
  hitBytes: number;
}

export interface CachedObjectDeps {
  readonly segments: Segments;
  readonly fetcher: Fetcher;
  readonly stats: ReadStats;
  /** Nobody uses it any more, and nothing goes on: everything of it is closed. */
  readonly onUnused: (object: CachedObject) => void;
}

/** Bytes `from` to `to` of a block, which belong at `at`. */
type Piece = { readonly index: number; readonly from: number; readonly to: number; readonly at: number };

export class CachedObject implements BlockOwner {
  readonly object: ObjectRef;
  readonly segments: Segments;
  readonly ahead: Block[] = [];
  readonly blocks = new Map<number, Block>();
  partsInFlight = 0;
  readonly #deps: CachedObjectDeps;
  /** Open files, and reads of the disk that have not come back. */
  #uses = 0;

  constructor(object: ObjectRef, deps: CachedObjectDeps) {
    this.object = object;
    this.segments = deps.segments;
    this.#deps = deps;
  }

  get isUsed(): boolean {
    return this.#uses > 0;
  }

  use(): void {
    this.#uses++;
  }

  unuse(): void {
    this.#uses--;
    this.#closeUnused();
  }

  forget(block: Block): void {
    if (this.blocks.get(block.index) === block) this.blocks.delete(block.index);
    this.#closeUnused();
  }

  rest(): void {
    this.#closeUnused();
  }

  /** As BlockFile.read. */
  read(offset: number, into: Buffer): number | Promise<number> {
    const leftBytes = this.object.sizeBytes - offset;
    if (leftBytes <= 0 || into.length === 0) return 0;
    const whole = into.length <= leftBytes ? into : into.subarray(0, leftBytes);
    const { segmentBytes } = this.segments;
    const index = Math.floor(offset / segmentBytes);
    const within = offset - index * segmentBytes;
    const isOnItsWay = this.blocks.size > 0 && this.blocks.has(Math.floor(offset / BLOCK_BYTES));
    if (isOnItsWay || within + whole.length > segmentBytes) return this.#assemble(offset, whole);
    const use = this.segments.find(index);
    if (use === undefined) return this.#assemble(offset, whole);
    const got = use.segment.read(within, whole);
    if (typeof got !== 'number') return this.#fromDisk(use, got, offset, whole);
    if (got !== whole.length) return this.#assemble(offset, whole);
    this.#deps.stats.hitBytes += got;
    return got;
  }

  /** As BlockFile.prefetch. */
  prefetch(offset: number, length: number): void {
    const { fetcher } = this.#deps;
    const end = Math.min(offset + length, this.object.sizeBytes);
    for (let index = Math.floor(offset / BLOCK_BYTES); index * BLOCK_BYTES < end; index++) {
      if (this.blocks.has(index)) continue;
      if (this.#stored(index) !== undefined) continue;
      if (!fetcher.hasRoomAhead(this.#sizeOf(index))) return;
      fetcher.fetchAhead(this.#missing(index));
    }
  }

  async openWhole(): Promise<number | undefined> {
    if (!this.segments.isSingle) return undefined;
    const use = this.segments.find(0);
    if (use?.segment.isWhole() !== true) return undefined;
    return await this.#holding(use, use.segment.openWhole(), (fd) => fd);
  }

  /** The disk was asked for the read in one; what it does not give is put together in other ways. */
  #fromDisk(use: SegmentUse, reading: Promise<number>, offset: number, into: Buffer): Promise<number> {
    return this.#holding(use, reading, (got) => {
      if (got !== into.length) return this.#assemble(offset, into);
      this.#deps.stats.hitBytes += got;
      return got;
    });
  }

  /** Neither the segment nor the object is closed before the promise is settled, and `then` as well. */
  async #holding<T, R>(use: SegmentUse, promise: Promise<T>, then: (value: T) => R | Promise<R>): Promise<R> {
    this.use();
    use.uses++;
    try {
      return await then(await promise);
    } finally {
      use.uses--;
      this.unuse();
    }
  }

  /** Block by block: from memory, from the store, or fetched. */
  #assemble(offset: number, into: Buffer): number | Promise<number> {
    const { stats, fetcher } = this.#deps;
    let pending: PendingRead | undefined;
    for (let at = 0, length = 0; at < into.length; at += length) {
      const index = Math.floor((offset + at) / BLOCK_BYTES);
      const from = offset + at - index * BLOCK_BYTES;
      length = Math.min(BLOCK_BYTES - from, into.length - at);
      const piece: Piece = { index, from, to: from + length, at };
      const block = this.blocks.get(index);
      if (block?.copy(from, from + length, into, at) === true) {
        stats.hitBytes += length;
        if (block.state === 'kept') fetcher.kept.touch(block);
        continue;
      }
      const use = block === undefined ? this.#stored(index) : undefined;
      const got = use?.segment.read(this.#withinSegment(piece), into.subarray(at, at + length)) ?? -1;
      if (got === length) {
        stats.hitBytes += length;
        continue;
      }
      pending ??= new PendingRead(into);
      if (use === undefined || typeof got === 'number') this.#demand(pending, piece);
      else this.#awaitDisk(pending, piece, use, got);
    }
    return pending === undefined ? into.length : pending.promise;
  }

  #stored(index: number): SegmentUse | undefined {
    const use = this.segments.findOf(index);
    return use?.segment.has(this.segments.withinSegment(index)) === true ? use : undefined;
  }

  #withinSegment(piece: Piece): number {
    return this.segments.withinSegment(piece.index) * BLOCK_BYTES + piece.from;
  }

  #awaitDisk(pending: PendingRead, piece: Piece, use: SegmentUse, reading: Promise<number>): void {
    pending.expect();
    pending.diskBegins();
    void this.#holding(use, reading, (got) => {
      pending.diskEnds();
      const length = piece.to - piece.from;
      if (got === length) this.#deps.stats.hitBytes += length;
      else this.#demand(pending, piece); // It expects the piece anew, before the disk's is over.
      pending.arrived();
    });
  }

  /** The piece comes from a block that is fetched, or on its way already. */
  #demand(pending: PendingRead, { index, from, to, at }: Piece): void {
    const { fetcher } = this.#deps;
    if (fetcher.isClosed) {
      pending.expect();
      pending.fail(fetcher.closedError(this.object));
      return;
    }
    const block = this.blocks.get(index) ?? this.#missing(index);
    block.wait(pending, from, to, at);
    fetcher.demand(block);
  }

  #missing(index: number): Block {
    const block = new Block(this, index, this.#sizeOf(index));
    this.blocks.set(index, block);
    return block;
  }

  #sizeOf(index: number): number {
    return Math.min(BLOCK_BYTES, this.object.sizeBytes - index * BLOCK_BYTES);
  }

  #closeUnused(): void {
    if (this.#uses > 0) return;
    for (const block of this.blocks.values()) if (block.state !== 'kept') return;
    this.segments.close();
    if (this.blocks.size === 0) this.#deps.onUnused(this);
  }
}
