// Fetches blocks into the pool, several in a row by one request, a few requests at a time. What somebody waits for does not
// wait in the queue.
import type { ObjectRef } from '../ufs/index.ts';
import { UfsError } from '../ufs/index.ts';
import type { BlockPool } from './block-pool.ts';
import type { MemoryBlock } from './memory-block.ts';
import { POOL_BLOCK_BYTES } from './block-pool.ts';
import type { RemoteRead } from './remote-read.ts';

interface Part {
  readonly object: ObjectRef;
  /** In a row. */
  readonly blocks: readonly MemoryBlock[];
  readonly stop: AbortController;
}

export interface PartFetcherDeps {
  readonly pool: BlockPool;
  readonly remote: RemoteRead;
  /** A part could not be fetched. Those who wait for it ask again by themselves. */
  readonly failed: (object: ObjectRef, err: unknown) => void;
}

export class PartFetcher {
  readonly #inFlightMax: number;
  readonly #deps: PartFetcherDeps;
  readonly #queue = new Set<Part>();
  readonly #running = new Set<Part>();
  readonly #partOf = new WeakMap<MemoryBlock, Part>();
  #isClosed = false;

  constructor(inFlightMax: number, deps: PartFetcherDeps) {
    this.#inFlightMax = inFlightMax;
    this.#deps = deps;
  }

  /** Takes over blocks that were just added to the pool, in a row. */
  fetch(object: ObjectRef, blocks: readonly MemoryBlock[]): void {
    const part: Part = { object, blocks, stop: new AbortController() };
    for (const block of blocks) this.#partOf.set(block, part);
    this.#queue.add(part);
    this.#startNext();
  }

  /** Somebody waits for the block. */
  demand(block: MemoryBlock): void {
    const part = this.#partOf.get(block);
    if (part !== undefined && this.#queue.delete(part)) void this.#run(part);
  }

  /** Nobody reads the object any more: what is not waited for need not come. */
  abandon(objectId: string): void {
    for (const part of this.#queue) {
      if (part.object.id !== objectId) continue;
      this.#queue.delete(part);
      this.#drop(part);
    }
    for (const part of this.#running) {
      if (part.object.id === objectId && !part.blocks.some((block) => block.isWaitedFor)) part.stop.abort();
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const part of this.#queue) this.#drop(part);
    this.#queue.clear();
    for (const part of this.#running) part.stop.abort();
  }

  #startNext(): void {
    for (const part of this.#queue) {
      if (this.#running.size >= this.#inFlightMax) return;
      this.#queue.delete(part);
      void this.#run(part);
    }
  }

  async #run(part: Part): Promise<void> {
    this.#running.add(part);
    for (const block of part.blocks) block.state = 'arriving';
    try {
      await this.#receive(part);
    } catch (err) {
      if (!part.stop.signal.aborted) this.#deps.failed(part.object, err);
      this.#drop(part);
    }
    this.#running.delete(part);
    if (!this.#isClosed) this.#startNext();
  }

  async #receive({ object, blocks, stop }: Part): Promise<void> {
    const offset = (blocks[0]?.index ?? 0) * POOL_BLOCK_BYTES;
    const length = blocks.reduce((sum, block) => sum + block.sizeBytes, 0);
    let current = 0;
    await this.#deps.remote.read(
      object,
      offset,
      length,
      (chunk) => {
        for (let from = 0; from < chunk.length;) {
          const block = blocks[current];
          if (block === undefined) throw tooMuch(object);
          from += block.arrive(chunk, from);
          if (block.state === 'arriving') continue;
          if (block.state === 'whole') this.#deps.pool.isWhole(block);
          current += 1;
        }
      },
      stop.signal,
    );
  }

  /** What is whole stays. */
  #drop({ blocks }: Part): void {
    for (const block of blocks) if (block.state !== 'whole') this.#deps.pool.remove(block);
  }
}

function tooMuch(object: ObjectRef): UfsError {
  const path = object.path.toString();
  const why = 'more bytes than asked for';
  return new UfsError(`Cannot read "${path}": got ${why}`, { code: 'bad-answer', path, why });
}
