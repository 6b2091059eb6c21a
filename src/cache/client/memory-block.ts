// A block of an object in memory: wanted, arriving, or here. Bytes arrive in order and may be read as soon as they are here.
//
// The memory is used for another block once this one is gone, so whoever waits holds the block (`users`) until it has copied.

export type MemoryBlockState = 'queued' | 'arriving' | 'whole' | 'gone';

export class MemoryBlock {
  readonly objectId: string;
  /** Within the object, in blocks. */
  readonly index: number;
  readonly memory: Buffer;
  readonly bornMs: number;
  state: MemoryBlockState = 'queued';
  /** Its last byte was read: a reader that goes forward will not come back. */
  isRead = false;
  users = 0;
  #filledBytes = 0;
  #waits: { to: number; resolve: (isHere: boolean) => void }[] = [];

  constructor(objectId: string, index: number, memory: Buffer, bornMs: number) {
    this.objectId = objectId;
    this.index = index;
    this.memory = memory;
    this.bornMs = bornMs;
  }

  get sizeBytes(): number {
    return this.memory.length;
  }

  get isWaitedFor(): boolean {
    return this.#waits.length > 0;
  }

  /** The bytes before `to` are here. */
  has(to: number): boolean {
    return to <= this.#filledBytes;
  }

  /** Resolves to true when the bytes before `to` are here, to false when they will not be. */
  async reach(to: number): Promise<boolean> {
    if (this.has(to)) return true;
    if (this.state === 'gone') return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waits.push({ to, resolve });
    return promise;
  }

  /** The next bytes; returns how many of the chunk, from `from` on, are this block's own. */
  arrive(chunk: Buffer, from: number): number {
    const bytes = Math.min(chunk.length - from, this.sizeBytes - this.#filledBytes);
    if (this.state !== 'arriving') return bytes;
    chunk.copy(this.memory, this.#filledBytes, from, from + bytes);
    this.#filledBytes += bytes;
    if (this.#filledBytes === this.sizeBytes) this.state = 'whole';
    if (this.#waits.length > 0) this.#wake();
    return bytes;
  }

  /** No further bytes come, and those that are here may be overwritten once nobody uses it. */
  end(): void {
    this.state = 'gone';
    for (const { resolve } of this.#waits.splice(0)) resolve(false);
  }

  #wake(): void {
    this.#waits = this.#waits.filter(({ to, resolve }) => {
      if (to > this.#filledBytes) return true;
      resolve(true);
      return false;
    });
  }
}
