// The block source of a machine that keeps a cache of its own: reads through the block store to the under storage.
//
// An object that is small beside the cache is kept in one segment, so that it can be handed out whole; a large one in many,
// so that room is made for it piece by piece.
import type { Logger } from '../../base/index.ts';
import { BLOCK_BYTES, type BlockStore } from '../blocks/index.ts';
import type { ObjectRef, Ufs } from '../ufs/index.ts';
import type { BlockFile, BlockSource } from './block-source.ts';
import { CachedObject, type ReadStats } from './cached-object.ts';
import { systemClock, type FillClock } from './clock.ts';
import { Fetcher } from './fetcher.ts';
import { Segments } from './segments.ts';

export interface FillConfig {
  /** Objects up to this size are kept in one segment. */
  readonly wholeBytesMax: number;
  /** Segments of larger ones: a multiple of BLOCK_BYTES. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** Of one file, besides those in use: what is open cannot be evicted. Default 8. */
  readonly segmentsOpenMax?: number;
  /** Of one request to the under storage. Default 8 MiB. */
  readonly partBytes?: number;
  /** Requests at a time that fetch ahead for one file. Default 4. */
  readonly partsInFlightMax?: number;
  /** Requests at a time in all. Default 16. */
  readonly partsInFlightAllMax?: number;
  /** Of blocks in memory. Default 128 MiB. */
  readonly memoryBytesMax?: number;
  /** How long readers wait for memory while the disk takes nothing. Default 2 s. */
  readonly storeStallMs?: number;
  /** How long after its last close a file is still fetched ahead. Default 1 s. */
  readonly abandonMs?: number;
}

export interface FillDeps {
  readonly ufs: Ufs;
  readonly store: BlockStore;
  readonly log: Logger;
  /** Default: the system's. */
  readonly clock?: FillClock;
}

/** What has happened since the start, and what is going on. */
export interface FillStats {
  /** Bytes that readers did not have to wait for the under storage for. */
  readonly hitBytes: number;
  /** Bytes that came from the under storage in whole blocks. */
  readonly fetchedBytes: number;
  /** Requests to the under storage that failed. */
  readonly fetchErrors: number;
  /** Blocks that were tried once more by themselves. */
  readonly retriedBlocks: number;
  readonly storedBlocks: number;
  readonly notStoredBlocks: number;
  readonly inFlightBytes: number;
  readonly storingBytes: number;
  readonly memoryBytes: number;
}

export interface Fill extends BlockSource {
  stats(): FillStats;
}

const MIB = 1024 * 1024;

/** Does not own `ufs` and `store`: close it before them. */
export function openFill(config: FillConfig, deps: FillDeps): Fill {
  return new FillSource(config, deps);
}

class FillSource implements Fill {
  readonly #config: FillConfig;
  readonly #store: BlockStore;
  readonly #clock: FillClock;
  readonly #fetcher: Fetcher;
  readonly #objects = new Map<string, CachedObject>();
  readonly #reads: ReadStats = { hitBytes: 0 };

  constructor(config: FillConfig, deps: FillDeps) {
    const { ufs, store, log, clock = systemClock } = deps;
    this.#config = config;
    this.#store = store;
    this.#clock = clock;
    this.#fetcher = new Fetcher(
      {
        partBytes: config.partBytes ?? 8 * MIB,
        partsInFlightMax: config.partsInFlightMax ?? 4,
        partsInFlightAllMax: config.partsInFlightAllMax ?? 16,
        memoryBytesMax: config.memoryBytesMax ?? 128 * MIB,
        storeStallMs: config.storeStallMs ?? 2_000,
      },
      { ufs, log, clock },
    );
  }

  open(object: ObjectRef): BlockFile {
    const known = this.#objects.get(object.id);
    return this.#fileOf(known ?? this.#add(object, this.#segmentBytesOf(object.sizeBytes)));
  }

  find(objectId: string): BlockFile | undefined {
    const known = this.#objects.get(objectId);
    if (known !== undefined) return this.#fileOf(known);
    const segment = this.#store.find({ object: objectId, index: 0 });
    if (segment === undefined) return undefined;
    const { path, version, objectBytes, segmentBytes } = segment.info;
    const added = this.#add({ id: objectId, path, version, sizeBytes: objectBytes }, segmentBytes);
    added.segments.adopt(segment);
    return this.#fileOf(added);
  }

  get isFetching(): boolean {
    return this.#fetcher.stats.inFlightBytes > 0;
  }

  stats(): FillStats {
    const { stats, writer, buffers } = this.#fetcher;
    return {
      ...this.#reads,
      ...stats,
      storedBlocks: writer.storedBlocks,
      notStoredBlocks: writer.notStoredBlocks,
      storingBytes: writer.storingBytes,
      memoryBytes: buffers.usedBytes + buffers.idleBytes,
    };
  }

  async close(): Promise<void> {
    await this.#fetcher.close();
    for (const object of this.#objects.values()) object.segments.close();
  }

  #segmentBytesOf(sizeBytes: number): number {
    const { wholeBytesMax, segmentBytes = 64 * MIB } = this.#config;
    if (sizeBytes > wholeBytesMax) return segmentBytes;
    return Math.max(1, Math.ceil(sizeBytes / BLOCK_BYTES)) * BLOCK_BYTES;
  }

  #add(object: ObjectRef, segmentBytes: number): CachedObject {
    const segments = new Segments(object, segmentBytes, this.#store, this.#config.segmentsOpenMax ?? 8);
    const added = new CachedObject(object, {
      segments,
      fetcher: this.#fetcher,
      stats: this.#reads,
      onUnused: this.#onUnused,
    });
    this.#objects.set(object.id, added);
    return added;
  }

  readonly #onUnused = (object: CachedObject): void => {
    if (this.#objects.get(object.object.id) === object) this.#objects.delete(object.object.id);
  };

  #fileOf(object: CachedObject): BlockFile {
    object.use();
    return new FillFile(object, this.#closed);
  }

  /** A file was closed. Nobody may want what is still fetched ahead of it; unless somebody opens it again at once. */
  readonly #closed = (object: CachedObject): void => {
    object.unuse();
    // A small object is fetched ahead before anybody has it open, and is soon there.
    if (object.isUsed || object.blocks.size === 0 || object.object.sizeBytes <= BLOCK_BYTES) return;
    this.#clock.after(this.#config.abandonMs ?? 1_000, () => {
      if (!object.isUsed) this.#fetcher.abandon(object);
    });
  };
}

class FillFile implements BlockFile {
  readonly #cached: CachedObject;
  readonly #onClose: (object: CachedObject) => void;
  #isOpen = true;

  constructor(cached: CachedObject, onClose: (object: CachedObject) => void) {
    this.#cached = cached;
    this.#onClose = onClose;
  }

  get object(): ObjectRef {
    return this.#cached.object;
  }

  read(offset: number, into: Buffer): number | Promise<number> {
    return this.#cached.read(offset, into);
  }

  prefetch(offset: number, length: number): void {
    this.#cached.prefetch(offset, length);
  }

  openWhole(): Promise<number | undefined> {
    return this.#cached.openWhole();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#onClose(this.#cached);
  }
}
