// Gives blocks that have arrived to the block store. Until it has them, and when it does not take them, they are read from
// memory.
//
// A disk that takes nothing for a while (it hangs, it is far slower than the storage) must not hold up readers: once the
// writer is stalled, blocks are only kept in memory, until a write comes back.
import type { Logger } from '../../base/index.ts';
import type { Block } from './block.ts';
import type { Buffers } from './buffers.ts';
import type { FillClock } from './clock.ts';
import type { KeptBlocks } from './kept-blocks.ts';

export interface BlockWriterDeps {
  readonly buffers: Buffers;
  readonly kept: KeptBlocks;
  readonly log: Logger;
  readonly clock: FillClock;
}

export class BlockWriter {
  readonly #stallMs: number;
  readonly #deps: BlockWriterDeps;
  /** Called when memory became free, or the state of the disk changed. */
  readonly #onProgress: () => void;
  #storingBytes = 0;
  #storedBlocks = 0;
  #notStoredBlocks = 0;
  #isStalled = false;
  #isWatched = false;

  constructor(stallMs: number, deps: BlockWriterDeps, onProgress: () => void) {
    this.#stallMs = stallMs;
    this.#deps = deps;
    this.#onProgress = onProgress;
  }

  get storingBytes(): number {
    return this.#storingBytes;
  }

  get storedBlocks(): number {
    return this.#storedBlocks;
  }

  get notStoredBlocks(): number {
    return this.#notStoredBlocks;
  }

  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** Takes over a block with all its bytes. It is forgotten once it can be read from the store. */
  write(block: Block): void {
    const { segments } = block.owner;
    const use = this.#isStalled ? undefined : segments.openOf(block.index);
    const { buffer } = block;
    if (use === undefined || buffer === undefined) {
      this.#keep(block);
      return;
    }
    block.state = 'storing';
    this.#storingBytes += block.sizeBytes;
    use.uses++;
    const bytes = buffer.length === block.sizeBytes ? buffer : buffer.subarray(0, block.sizeBytes);
    const written = (isStored: boolean): void => {
      use.uses--;
      this.#storingBytes -= block.sizeBytes;
      this.#isStalled = false;
      if (isStored) this.#release(block);
      else this.#keep(block);
      this.#onProgress();
    };
    use.segment.write(segments.withinSegment(block.index), bytes, block.sums).then(written, (err: unknown) => {
      this.#deps.log.warn('storing a block failed', { path: block.owner.object.path.toString(), err });
      written(false);
    });
  }

  /** Somebody waits for memory that blocks being stored take up: if that lasts and none of them is stored, the disk is stalled. */
  watch(): void {
    if (this.#isWatched || this.#storingBytes === 0) return;
    this.#isWatched = true;
    const storedBefore = this.#storedBlocks + this.#notStoredBlocks;
    this.#deps.clock.after(this.#stallMs, () => {
      this.#isWatched = false;
      if (this.#storedBlocks + this.#notStoredBlocks === storedBefore && this.#storingBytes > 0) {
        this.#isStalled = true;
        this.#deps.log.warn('the cache disk takes no blocks: reading without it', { storingBytes: this.#storingBytes });
      }
      this.#onProgress();
    });
  }

  #release(block: Block): void {
    this.#storedBlocks++;
    const buffer = block.end();
    if (buffer !== undefined) this.#deps.buffers.give(buffer);
    block.owner.forget(block);
  }

  #keep(block: Block): void {
    this.#notStoredBlocks++;
    this.#deps.kept.keep(block);
    block.owner.rest();
  }
}
