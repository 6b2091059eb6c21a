// Memory for blocks that are arriving, being stored or kept: taken and given back, so that nothing is allocated per block
// once a reader runs. Most objects are much smaller than a block: they get small buffers.
//
// Keeps count of what is out; who takes decides whether it may.
import { BLOCK_BYTES } from '../blocks/index.ts';

const SMALL_BYTES = 64 * 1024;

export class Buffers {
  readonly bytesMax: number;
  readonly #blocks: Buffer[] = [];
  readonly #smalls: Buffer[] = [];
  #usedBytes = 0;
  #idleBytes = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Of buffers that are out. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Of buffers that wait to be used again. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  fits(sizeBytes: number): boolean {
    return this.#usedBytes + capacityOf(sizeBytes) <= this.bytesMax;
  }

  /** At least `sizeBytes` (a block at most), content undefined. Beyond the limit too. */
  take(sizeBytes: number): Buffer {
    const capacity = capacityOf(sizeBytes);
    this.#usedBytes += capacity;
    const idle = this.#idleOf(capacity).pop();
    if (idle === undefined) return Buffer.allocUnsafeSlow(capacity);
    this.#idleBytes -= capacity;
    return idle;
  }

  /** The buffer is given up by its user. Idle ones never make the sum larger than the limit. */
  give(buffer: Buffer): void {
    this.#usedBytes -= buffer.length;
    if (this.#usedBytes + this.#idleBytes + buffer.length > this.bytesMax) return;
    this.#idleOf(buffer.length).push(buffer);
    this.#idleBytes += buffer.length;
  }

  /** Lets go of what is not used. */
  trim(): void {
    this.#blocks.length = 0;
    this.#smalls.length = 0;
    this.#idleBytes = 0;
  }

  #idleOf(capacity: number): Buffer[] {
    return capacity === SMALL_BYTES ? this.#smalls : this.#blocks;
  }
}

function capacityOf(sizeBytes: number): number {
  return sizeBytes <= SMALL_BYTES ? SMALL_BYTES : BLOCK_BYTES;
}
