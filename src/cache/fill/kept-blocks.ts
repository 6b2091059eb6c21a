// Blocks that no store could keep, in memory for a while: a reader in small steps must not fetch a block once per step.
// The least recently used go first.
import type { Block } from './block.ts';
import type { Buffers } from './buffers.ts';

/** Kept however short memory is: about one block per reader. */
const KEPT_BLOCKS_MIN = 8;

export class KeptBlocks {
  readonly #buffers: Buffers;
  readonly #bytesMax: number;
  readonly #blocks = new Set<Block>();
  #bytes = 0;

  constructor(buffers: Buffers, bytesMax: number) {
    this.#buffers = buffers;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#blocks.size;
  }

  /** Takes over a block with all its bytes. */
  keep(block: Block): void {
    block.state = 'kept';
    this.#blocks.add(block);
    this.#bytes += block.buffer?.length ?? 0;
    this.#dropWhile(() => this.#bytes > this.#bytesMax || this.#buffers.usedBytes > this.#buffers.bytesMax);
  }

  /** It was used just now. */
  touch(block: Block): void {
    if (!this.#blocks.delete(block)) return;
    this.#blocks.add(block);
  }

  /** Gives up blocks until so many bytes fit into memory, as far as it can. */
  makeRoom(sizeBytes: number): void {
    this.#dropWhile(() => !this.#buffers.fits(sizeBytes));
  }

  clear(): void {
    for (const block of this.#blocks) this.#drop(block);
  }

  #dropWhile(tooMuch: () => boolean): void {
    for (const block of this.#blocks) {
      if (this.#blocks.size <= KEPT_BLOCKS_MIN || !tooMuch()) return;
      this.#drop(block);
    }
  }

  #drop(block: Block): void {
    this.#blocks.delete(block);
    const buffer = block.end();
    if (buffer !== undefined) {
      this.#bytes -= buffer.length;
      this.#buffers.give(buffer);
    }
    block.owner.forget(block);
  }
}
