// The segments of one object that are open in the block store. What is open is not evicted, so of an object kept in many
// segments only a few are open at a time: those used last, and those that something is going on with.
import type { BlockStore, Segment, SegmentInfo } from '../blocks/index.ts';
import { BLOCK_BYTES } from '../blocks/index.ts';
import type { ObjectRef } from '../ufs/index.ts';

/** An open segment; while `uses` is not 0 it stays open. */
export interface SegmentUse {
  readonly segment: Segment;
  uses: number;
}

export class Segments {
  readonly segmentBytes: number;
  readonly #object: ObjectRef;
  readonly #store: BlockStore;
  readonly #openMax: number;
  /** Least recently used first. Undefined: looked for, and nothing of it is there. */
  readonly #open = new Map<number, SegmentUse | undefined>();
  #latest: SegmentUse | undefined = undefined;
  #latestIndex = -1;

  constructor(object: ObjectRef, segmentBytes: number, store: BlockStore, openMax: number) {
    this.#object = object;
    this.segmentBytes = segmentBytes;
    this.#store = store;
    this.#openMax = openMax;
  }

  /** The whole object is one segment. */
  get isSingle(): boolean {
    return this.segmentBytes >= this.#object.sizeBytes;
  }

  /** Takes over a segment that was found open. */
  adopt(segment: Segment): void {
    this.#remember(segment.info.index, { segment, uses: 0 });
  }

  /** The segment if something of it is there. */
  find(index: number): SegmentUse | undefined {
    if (index === this.#latestIndex) return this.#latest;
    if (this.#open.has(index)) return this.#remember(index, this.#open.get(index));
    const segment = this.#store.find({ object: this.#object.id, index });
    // Kept by another length it is of no use; opening it to write will drop it.
    if (segment !== undefined && segment.info.segmentBytes !== this.segmentBytes) {
      segment.close();
      return this.#remember(index, undefined);
    }
    return this.#remember(index, segment && { segment, uses: 0 });
  }

  /** The segment to write into; undefined when the store cannot keep it. */
  open(index: number): SegmentUse | undefined {
    const found = this.find(index);
    if (found !== undefined) return found;
    const { id, path, version, sizeBytes } = this.#object;
    const info: SegmentInfo = {
      object: id,
      index,
      path,
      version,
      objectBytes: sizeBytes,
      segmentBytes: this.segmentBytes,
    };
    const segment = this.#store.open(info);
    return segment && this.#remember(index, { segment, uses: 0 });
  }

  /** The segment that block is in, if something of it is there. */
  findOf(block: number): SegmentUse | undefined {
    return this.find(Math.floor((block * BLOCK_BYTES) / this.segmentBytes));
  }

  openOf(block: number): SegmentUse | undefined {
    return this.open(Math.floor((block * BLOCK_BYTES) / this.segmentBytes));
  }

  /** Where in its segment that block of the object is. */
  withinSegment(block: number): number {
    return block % (this.segmentBytes / BLOCK_BYTES);
  }

  close(): void {
    for (const use of this.#open.values()) use?.segment.close();
    this.#open.clear();
    this.#latest = undefined;
    this.#latestIndex = -1;
  }

  #remember(index: number, use: SegmentUse | undefined): SegmentUse | undefined {
    this.#open.delete(index);
    this.#open.set(index, use);
    this.#latest = use;
    this.#latestIndex = index;
    if (this.#open.size > this.#openMax) this.#closeOldest();
    return use;
  }

  #closeOldest(): void {
    for (const [index, use] of this.#open) {
      if (this.#open.size <= this.#openMax) return;
      if (index === this.#latestIndex || (use !== undefined && use.uses > 0)) continue;
      this.#open.delete(index);
      use?.segment.close();
    }
  }
}
