// Removes segments from disk: on request, and whenever a path is fuller than its high watermark.
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { E, errno, file } from '../../libc/index.ts';
import { planEviction } from './evict.plan.ts';
import { removeLarge } from './large-segment.ts';
import type { Entry, SegmentIndex } from './segment-index.ts';
import type { TierPath } from './tier-path.ts';

/** How many are removed before others get their turn. */
const STEP = 32;
const REST_MS = 1000;

export class Evictor {
  evictedBytes = 0;
  readonly #index: SegmentIndex;
  readonly #isOpen: (key: string) => boolean;
  readonly #signal: AbortSignal;
  /** Until then a path where nothing could be freed is left alone. */
  readonly #restUntilMs = new Map<TierPath, number>();
  readonly #running = new Map<TierPath, Promise<void>>();

  constructor(index: SegmentIndex, isOpen: (key: string) => boolean, signal: AbortSignal) {
    this.#index = index;
    this.#isOpen = isOpen;
    this.#signal = signal;
  }

  /** Sees to it that the path gets below its watermarks again, in the background. */
  relieve(path: TierPath): void {
    if (performance.now() < (this.#restUntilMs.get(path) ?? 0)) return;
    if (this.#running.has(path) || this.#signal.aborted || path.excessBytes() <= 0 || !path.tryLock()) return;
    const run = this.#relieve(path).finally(() => this.#running.delete(path));
    this.#running.set(path, run);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  /** Removes those that are not open and still there. Returns the bytes they took. */
  async remove(entries: readonly Entry[]): Promise<number> {
    let freed = 0;
    for (let from = 0; from < entries.length && !this.#signal.aborted; from += STEP) {
      const gone: string[] = [];
      for (const entry of entries.slice(from, from + STEP)) freed += this.#remove(entry, gone);
      await Promise.all([nextTurn(), ...gone.map((name) => unlink(name).catch(() => {}))]);
    }
    return freed;
  }

  async #relieve(path: TierPath): Promise<void> {
    await nextTurn();
    const candidates: Entry[] = [];
    for (const entry of this.#index.all())
      if (entry.path === path && !this.#isOpen(keyOf(entry))) candidates.push(entry);
    const freed = await this.remove(planEviction(candidates, path.excessBytes()));
    if (freed === 0) this.#restUntilMs.set(path, performance.now() + REST_MS);
  }

  #remove(entry: Entry, gone: string[]): number {
    const key = keyOf(entry);
    if (this.#isOpen(key) || this.#index.get(entry.object, entry.index) !== entry || !entry.path.tryLock()) return 0;
    if (!this.#unlink(entry, gone)) {
      entry.path.setAside(errno(), 'remove');
      return 0;
    }
    this.#index.remove(entry);
    this.evictedBytes += entry.usedBytes;
    return entry.usedBytes;
  }

  /** A file nobody knows of goes. */
  discard(entry: Entry): void {
    const gone: string[] = [];
    this.#unlink(entry, gone);
    for (const name of gone) void unlink(name).catch(() => {});
  }

  #unlink(entry: Entry, gone: string[]): boolean {
    const key = keyOf(entry);
    if (entry.isSmall) return file.unlink(entry.path.file(key, '')) === 0 || errno() === E.ENOENT;
    if (!removeLarge(entry.path, key)) return false;
    gone.push(join(entry.path.folderOf(key), `${key}.gone`));
    return true;
  }
}

function keyOf({ object, index }: Entry): string {
  return `${object}-${index}`;
}
