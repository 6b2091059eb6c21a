// The objects that were asked for lately, kept open between two requests. What is open cannot be evicted, so whatever
// nobody asked for in a while is closed, and there are never more than a bound beside those in use.
import type { BlockFile, BlockSource } from '../fill/index.ts';
import type { ObjectRef } from '../ufs/index.ts';

interface Held {
  readonly file: BlockFile;
  uses: number;
  lastUsedMs: number;
}

export class OpenFiles {
  readonly #source: BlockSource;
  readonly #max: number;
  readonly #idleMs: number;
  readonly #nowMs: () => number;
  /** Least recently used first. */
  readonly #held = new Map<string, Held>();

  constructor(config: { max: number; idleMs: number }, deps: { source: BlockSource; nowMs: () => number }) {
    this.#source = deps.source;
    this.#max = config.max;
    this.#idleMs = config.idleMs;
    this.#nowMs = deps.nowMs;
  }

  /** Each take needs a give. */
  take(object: ObjectRef): BlockFile {
    const held = this.#held.get(object.id) ?? { file: this.#source.open(object), uses: 0, lastUsedMs: 0 };
    this.#held.delete(object.id);
    this.#held.set(object.id, held);
    held.uses += 1;
    held.lastUsedMs = this.#nowMs();
    return held.file;
  }

  give(object: ObjectRef): void {
    const held = this.#held.get(object.id);
    if (held === undefined) return;
    held.uses -= 1;
    if (this.#held.size > this.#max) this.#close((it) => it.uses === 0, this.#held.size - this.#max);
  }

  /** To be called now and then. */
  closeIdle(): void {
    const before = this.#nowMs() - this.#idleMs;
    this.#close((it) => it.uses === 0 && it.lastUsedMs <= before, Infinity);
  }

  /** So that they can be evicted: those not in use, of these objects or all. */
  release(objects: readonly string[] | undefined): void {
    const named = objects && new Set(objects);
    this.#close((it, id) => it.uses === 0 && named?.has(id) !== false, Infinity);
  }

  close(): void {
    for (const { file } of this.#held.values()) file.close();
    this.#held.clear();
  }

  #close(which: (held: Held, id: string) => boolean, countMax: number): void {
    let closed = 0;
    for (const [id, held] of this.#held) {
      if (closed >= countMax) return;
      if (!which(held, id)) continue;
      this.#held.delete(id);
      held.file.close();
      closed += 1;
    }
  }
}
