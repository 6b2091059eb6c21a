// One read of the under storage: blocks in a row, filled as the bytes come.
import { UfsError, type Ufs } from '../ufs/index.ts';
import { BLOCK_BYTES } from '../blocks/index.ts';
import type { Block, BlockOwner } from './block.ts';

export class Part {
  readonly owner: BlockOwner;
  readonly blocks: readonly Block[];
  /** Nobody had read any of it when it began. */
  readonly isAhead: boolean;
  readonly sizeBytes: number;
  readonly #abort = new AbortController();
  readonly #whenWhole: (block: Block) => void;
  /** The block that arrives now. */
  #current = 0;

  constructor(blocks: readonly Block[], first: Block, whenWhole: (block: Block) => void) {
    this.owner = first.owner;
    this.blocks = blocks;
    this.isAhead = !first.isDemanded;
    this.sizeBytes = blocks.reduce((sum, block) => sum + block.sizeBytes, 0);
    this.#whenWhole = whenWhole;
  }

  get isAborted(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Some of what has not arrived yet was read by somebody. */
  get isDemanded(): boolean {
    return this.unfinished().some((block) => block.isDemanded);
  }

  unfinished(): readonly Block[] {
    return this.blocks.slice(this.#current);
  }

  async run(ufs: Ufs): Promise<void> {
    const { path, version } = this.owner.object;
    const offset = (this.blocks[0]?.index ?? 0) * BLOCK_BYTES;
    await ufs.read(path, version, offset, this.sizeBytes, (chunk) => this.#arrive(chunk), this.#abort.signal);
    if (this.#current < this.blocks.length) throw this.#badAnswer('fewer bytes than asked for');
  }

  abort(): void {
    this.#abort.abort();
  }

  #arrive(chunk: Buffer): void {
    if (this.isAborted) return;
    let from = 0;
    while (from < chunk.length) {
      const block = this.blocks[this.#current];
      if (block === undefined) throw this.#badAnswer('more bytes than asked for');
      from += block.arrive(chunk, from);
      if (block.filledBytes < block.sizeBytes) return;
      this.#current++;
      this.#whenWhole(block);
    }
  }

  #badAnswer(why: string): UfsError {
    const path = this.owner.object.path.toString();
    return new UfsError(`Cannot read "${path}": the storage sent ${why}`, { code: 'bad-answer', path, why });
  }
}
