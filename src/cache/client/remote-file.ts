// An open object whose bytes are elsewhere. A read is answered at once from memory where it was fetched ahead; what is not
// there is asked for exactly, not by whole blocks, and goes straight into the reader's buffer. Small objects are fetched whole.
import type { BlockFile } from '../fill/index.ts';
import type { ObjectRef } from '../ufs/index.ts';
import { POOL_BLOCK_BYTES, type BlockPool } from './block-pool.ts';
import type { MemoryBlock } from './memory-block.ts';
import type { PartFetcher } from './part-fetcher.ts';
import { PLACEMENT_BYTES } from './rendezvous.ts';
import type { RemoteRead } from './remote-read.ts';

export interface RemoteFileDeps {
  readonly pool: BlockPool;
  readonly parts: PartFetcher;
  readonly remote: RemoteRead;
  readonly partBytes: number;
  readonly closing: AbortSignal;
  readonly closed: (object: ObjectRef) => void;
}

export class RemoteFile implements BlockFile {
  readonly object: ObjectRef;
  readonly #deps: RemoteFileDeps;
  #isClosed = false;

  constructor(object: ObjectRef, deps: RemoteFileDeps) {
    this.object = object;
    this.#deps = deps;
  }

  read(offset: number, into: Buffer): number | Promise<number> {
    const length = Math.min(into.length, this.object.sizeBytes - offset);
    if (length <= 0) return 0;
    if (!this.#isHere(offset, length)) return this.#readSlow(offset, into.subarray(0, length));
    const end = offset + length;
    for (let at = offset; at < end;) {
      const index = Math.floor(at / POOL_BLOCK_BYTES);
      const from = at - index * POOL_BLOCK_BYTES;
      const to = Math.min(POOL_BLOCK_BYTES, from + end - at);
      const block = this.#deps.pool.find(this.object.id, index);
      if (block !== undefined) this.#copy(block, from, to, into, at - offset);
      at += to - from;
    }
    return length;
  }

  prefetch(offset: number, length: number): void {
    const { pool, parts, partBytes } = this.#deps;
    const { id, sizeBytes } = this.object;
    if (this.#isClosed || length <= 0 || offset < 0) return;
    const last = Math.floor((Math.min(offset + length, sizeBytes) - 1) / POOL_BLOCK_BYTES);
    let row: MemoryBlock[] = [];
    const flush = (): void => {
      if (row.length > 0) parts.fetch(this.object, row);
      row = [];
    };
    for (let index = Math.floor(offset / POOL_BLOCK_BYTES); index <= last; index++) {
      if (pool.find(id, index) !== undefined) {
        flush();
        continue;
      }
      const at = index * POOL_BLOCK_BYTES;
      if (row.length * POOL_BLOCK_BYTES >= partBytes || at % PLACEMENT_BYTES === 0) flush();
      const block = pool.add(id, index, Math.min(POOL_BLOCK_BYTES, sizeBytes - at));
      if (block === undefined) break;
      row.push(block);
    }
    flush();
  }

  /** Nothing of it is on this machine's disk. */
  async openWhole(): Promise<undefined> {
    return undefined;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#deps.closed(this.object);
  }

  #isHere(offset: number, length: number): boolean {
    const end = offset + length;
    for (let at = offset; at < end;) {
      const index = Math.floor(at / POOL_BLOCK_BYTES);
      const to = Math.min(POOL_BLOCK_BYTES, end - index * POOL_BLOCK_BYTES);
      if (this.#deps.pool.find(this.object.id, index)?.has(to) !== true) return false;
      at = index * POOL_BLOCK_BYTES + to;
    }
    return true;
  }

  /** Pieces from memory, where they are or arrive, and what lies between them from elsewhere, all at the same time. */
  async #readSlow(offset: number, into: Buffer): Promise<number> {
    if (this.object.sizeBytes <= POOL_BLOCK_BYTES) this.prefetch(0, this.object.sizeBytes);
    const end = offset + into.length;
    const pieces: Promise<void>[] = [];
    let gap = offset;
    for (let at = offset; at < end;) {
      const index = Math.floor(at / POOL_BLOCK_BYTES);
      const to = Math.min(end, (index + 1) * POOL_BLOCK_BYTES);
      const block = this.#deps.pool.find(this.object.id, index);
      if (block !== undefined) {
        if (gap < at) pieces.push(this.#fetch(gap, into.subarray(gap - offset, at - offset)));
        pieces.push(this.#await(block, at, into.subarray(at - offset, to - offset)));
        gap = to;
      }
      at = to;
    }
    if (gap < end) pieces.push(this.#fetch(gap, into.subarray(gap - offset)));
    // The buffer is the reader's again when this settles: nobody may write into it any more by then.
    for (const result of await Promise.allSettled(pieces)) if (result.status === 'rejected') throw result.reason;
    return into.length;
  }

  async #await(block: MemoryBlock, offset: number, into: Buffer): Promise<void> {
    const { pool, parts } = this.#deps;
    const from = offset - block.index * POOL_BLOCK_BYTES;
    block.users += 1;
    parts.demand(block);
    const isHere = await block.reach(from + into.length);
    if (isHere) this.#copy(block, from, from + into.length, into, 0);
    pool.letGo(block);
    if (!isHere) await this.#fetch(offset, into);
  }

  async #fetch(offset: number, into: Buffer): Promise<void> {
    let at = 0;
    await this.#deps.remote.read(
      this.object,
      offset,
      into.length,
      (chunk) => {
        at += chunk.copy(into, at);
      },
      this.#deps.closing,
    );
  }

  #copy(block: MemoryBlock, from: number, to: number, into: Buffer, at: number): void {
    block.memory.copy(into, at, from, to);
    if (to === block.sizeBytes) this.#deps.pool.wasRead(block);
  }
}
