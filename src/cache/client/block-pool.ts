// Blocks in memory, within a bound: what was fetched ahead until it is read, and what was read until its place is needed.
//
// Room is made by blocks that were read to their end, then by those that nobody read in a while. What was fetched ahead a
// moment ago is never given up for more of the same: there is no room then.
import { MemoryBlock } from './memory-block.ts';

/** Of an object; its last one may be short. Requests to workers begin and end at blocks. */
export const POOL_BLOCK_BYTES = 1024 * 1024;
const STALE_MS = 5000;

export class BlockPool {
  readonly #bytesMax: number;
  readonly #nowMs: () => number;
  readonly #objects = new Map<string, Map<number, MemoryBlock>>();
  /** Whole blocks, longest there first. */
  readonly #unread = new Set<MemoryBlock>();
  readonly #read = new Set<MemoryBlock>();
  /** Memory of whole blocks that are gone. */
  readonly #idle: Buffer[] = [];
  #usedBytes = 0;

  constructor(bytesMax: number, nowMs: () => number) {
    this.#bytesMax = bytesMax;
    this.#nowMs = nowMs;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  find(objectId: string, index: number): MemoryBlock | undefined {
    return this.#objects.get(objectId)?.get(index);
  }

  blocksOf(objectId: string): Iterable<MemoryBlock> {
    return this.#objects.get(objectId)?.values() ?? [];
  }

  /** A block that is not there yet; undefined when there is no room. */
  add(objectId: string, index: number, sizeBytes: number): MemoryBlock | undefined {
    if (!this.#makeRoom(sizeBytes)) return undefined;
    this.#usedBytes += sizeBytes;
    const idle = sizeBytes === POOL_BLOCK_BYTES ? this.#idle.pop() : undefined;
    const block = new MemoryBlock(objectId, index, idle ?? Buffer.allocUnsafeSlow(sizeBytes), this.#nowMs());
    const blocks = this.#objects.get(objectId) ?? new Map<number, MemoryBlock>();
    this.#objects.set(objectId, blocks);
    blocks.set(index, block);
    return block;
  }

  /** All its bytes have arrived: from now on it makes room when its time comes. */
  isWhole(block: MemoryBlock): void {
    (block.isRead ? this.#read : this.#unread).add(block);
  }

  /** Its last byte was read. */
  wasRead(block: MemoryBlock): void {
    if (block.isRead) return;
    block.isRead = true;
    if (this.#unread.delete(block)) this.#read.add(block);
  }

  remove(block: MemoryBlock): void {
    if (block.state === 'gone') return;
    block.end();
    this.#unread.delete(block);
    this.#read.delete(block);
    const blocks = this.#objects.get(block.objectId);
    blocks?.delete(block.index);
    if (blocks?.size === 0) this.#objects.delete(block.objectId);
    if (block.users === 0) this.#release(block);
  }

  /** Whoever held the block has copied what it wanted. */
  letGo(block: MemoryBlock): void {
    block.users -= 1;
    if (block.users === 0 && block.state === 'gone') this.#release(block);
  }

  clear(): void {
    for (const blocks of [...this.#objects.values()]) for (const block of [...blocks.values()]) this.remove(block);
    this.#idle.length = 0;
  }

  #release(block: MemoryBlock): void {
    this.#usedBytes -= block.sizeBytes;
    const idleBytes = this.#idle.length * POOL_BLOCK_BYTES;
    if (block.sizeBytes !== POOL_BLOCK_BYTES || this.#usedBytes + idleBytes >= this.#bytesMax) return;
    this.#idle.push(block.memory);
  }

  #makeRoom(sizeBytes: number): boolean {
    const stale = this.#nowMs() - STALE_MS;
    for (const block of this.#read) {
      if (this.#fits(sizeBytes)) return true;
      if (block.users === 0) this.remove(block);
    }
    for (const block of this.#unread) {
      if (this.#fits(sizeBytes) || block.bornMs > stale) break;
      if (block.users === 0) this.remove(block);
    }
    return this.#fits(sizeBytes);
  }

  #fits(sizeBytes: number): boolean {
    return this.#usedBytes + sizeBytes <= this.#bytesMax;
  }
}
