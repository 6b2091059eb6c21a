// A block store in memory, for tests of what stands on one: keeps to the interface's words, evicts the segments least
// recently used, and can be told to answer late, to refuse and to lose blocks.
import {
  BLOCK_BYTES,
  type BlockStore,
  type Segment,
  type SegmentId,
  type SegmentInfo,
  type StoreUsage,
} from '../../src/cache/blocks/index.ts';

export interface MemoryBlocksOptions {
  /** Default: no limit. */
  capacityBytes?: number;
  /** Reads are answered by a promise. */
  isSlow?: boolean;
  /** Writes wait for releaseWrites(). */
  holdsWrites?: boolean;
  /** No block is kept. */
  refuses?: boolean;
}

interface Kept {
  info: SegmentInfo;
  readonly blocks: Map<number, Buffer>;
  readonly damaged: Set<number>;
  opens: number;
}

export class MemoryBlocks implements BlockStore {
  readonly options: MemoryBlocksOptions;
  /** By object and index; least recently used first. */
  readonly #segments = new Map<string, Kept>();
  readonly #heldWrites: (() => void)[] = [];
  #evictedBytes = 0;
  #damagedBlocks = 0;
  #opens = 0;

  constructor(options: MemoryBlocksOptions = {}) {
    this.options = options;
  }

  get openSegments(): number {
    return this.#opens;
  }

  get heldWrites(): number {
    return this.#heldWrites.length;
  }

  releaseWrites(): void {
    for (const release of this.#heldWrites.splice(0)) release();
  }

  /** The block is said to be there until it is read. */
  damage(id: SegmentId, block: number): void {
    this.#segments.get(keyOf(id))?.damaged.add(block);
  }

  async begin(): Promise<void> {}

  async counted(): Promise<void> {}

  open(info: SegmentInfo): Segment | undefined {
    if (this.options.refuses === true) return undefined;
    const key = keyOf(info);
    let kept = this.#segments.get(key);
    if (kept !== undefined && kept.info.segmentBytes !== info.segmentBytes) {
      if (kept.opens > 0) return undefined;
      kept = undefined;
    }
    kept ??= { info, blocks: new Map(), damaged: new Set(), opens: 0 };
    this.#segments.delete(key);
    this.#segments.set(key, kept);
    return this.#segment(kept);
  }

  find(id: SegmentId): Segment | undefined {
    const kept = this.#segments.get(keyOf(id));
    if (kept === undefined || kept.blocks.size === 0) return undefined;
    this.#segments.delete(keyOf(id));
    this.#segments.set(keyOf(id), kept);
    return this.#segment(kept);
  }

  async evict(objects?: readonly string[]): Promise<number> {
    const before = this.#usedBytes();
    for (const [key, kept] of this.#segments) {
      if (kept.opens === 0 && (objects === undefined || objects.includes(kept.info.object))) this.#segments.delete(key);
    }
    return before - this.#usedBytes();
  }

  cachedBytes(object: string): number {
    return this.#usedBytes(object);
  }

  usage(): StoreUsage {
    const { capacityBytes = Infinity } = this.options;
    const tier = {
      medium: 'MEM',
      path: '',
      quotaBytes: capacityBytes,
      usedBytes: this.#usedBytes(),
      failed: undefined,
    } as const;
    const segments = this.#segments.size;
    return { tiers: [tier], segments, evictedBytes: this.#evictedBytes, damagedBlocks: this.#damagedBlocks };
  }

  async close(): Promise<void> {
    this.#segments.clear();
  }

  #segment(kept: Kept): Segment {
    const { info } = kept;
    const sizeBytes = Math.min(info.segmentBytes, info.objectBytes - info.index * info.segmentBytes);
    let isOpen = true;
    kept.opens++;
    this.#opens++;
    const readNow = (offset: number, into: Buffer): number => this.#read(kept, sizeBytes, offset, into);
    return {
      info,
      sizeBytes,
      has: (block) => kept.blocks.has(block),
      isWhole: () => kept.blocks.size === Math.ceil(sizeBytes / BLOCK_BYTES),
      read: (offset, into) => {
        if (!isOpen) throw new Error('Read of a closed segment');
        if (this.options.isSlow !== true) return readNow(offset, into);
        return new Promise((resolve) => setImmediate(() => resolve(readNow(offset, into))));
      },
      write: async (block, bytes) => {
        if (!isOpen) throw new Error('Write to a closed segment');
        if (bytes.length !== Math.min(BLOCK_BYTES, sizeBytes - block * BLOCK_BYTES))
          throw new Error('Not a whole block');
        if (this.options.holdsWrites === true) await new Promise<void>((resolve) => this.#heldWrites.push(resolve));
        else await new Promise(setImmediate);
        if (this.options.refuses === true || !this.#makeRoom(bytes.length)) return false;
        kept.blocks.set(block, Buffer.from(bytes));
        return true;
      },
      openWhole: async () => undefined,
      close: () => {
        if (!isOpen) throw new Error('Closed twice');
        isOpen = false;
        kept.opens--;
        this.#opens--;
      },
    };
  }

  #read(kept: Kept, sizeBytes: number, offset: number, into: Buffer): number {
    const end = Math.min(offset + into.length, sizeBytes);
    for (let at = offset; at < end;) {
      const block = Math.floor(at / BLOCK_BYTES);
      if (kept.damaged.delete(block)) {
        kept.blocks.delete(block);
        this.#damagedBlocks++;
      }
      const bytes = kept.blocks.get(block);
      if (bytes === undefined) return -1;
      const from = at - block * BLOCK_BYTES;
      at += bytes.copy(into, at - offset, from, Math.min(bytes.length, from + end - at));
    }
    return end - offset;
  }

  #makeRoom(bytes: number): boolean {
    const { capacityBytes = Infinity } = this.options;
    for (const [key, kept] of this.#segments) {
      if (this.#usedBytes() + bytes <= capacityBytes) return true;
      if (kept.opens > 0) continue;
      for (const block of kept.blocks.values()) this.#evictedBytes += block.length;
      this.#segments.delete(key);
    }
    return this.#usedBytes() + bytes <= capacityBytes;
  }

  #usedBytes(object?: string): number {
    let sum = 0;
    for (const { info, blocks } of this.#segments.values()) {
      if (object === undefined || info.object === object) for (const block of blocks.values()) sum += block.length;
    }
    return sum;
  }
}

function keyOf({ object, index }: SegmentId): string {
  return `${object}/${index}`;
}
