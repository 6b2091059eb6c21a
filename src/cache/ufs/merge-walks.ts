// Several ordered walks as one ordered walk, a page of each in memory.
import type { UfsWalkEntry, UfsWalkPage } from './ufs.ts';

const PAGE_ENTRIES = 1000;

/** Each walk is ordered by the bytes of its paths, those of a folder taken with a slash behind; no path is in two of them. */
export async function* mergeWalks(walks: readonly AsyncIterable<UfsWalkPage>[]): AsyncGenerator<UfsWalkPage> {
  const heads = walks.map((walk) => new Head(walk));
  try {
    await Promise.all(heads.map((head) => head.fill()));
    let entries: UfsWalkEntry[] = [];
    for (;;) {
      const least = heads.reduce((one, other) => (other.isBefore(one) ? other : one));
      const entry = least.take();
      if (entry !== undefined) entries.push(entry);
      if (entry !== undefined && entries.length < PAGE_ENTRIES && !least.isUsedUp) continue;
      const skipped = heads.reduce((sum, head) => sum + head.takeSkipped(), 0);
      if (entries.length > 0 || skipped > 0) yield { entries, skipped };
      entries = [];
      if (entry === undefined) return;
      await least.fill();
    }
  } finally {
    await Promise.all(heads.map((head) => head.end()));
  }
}

/** One of the walks, at the entry that comes next. */
class Head {
  readonly #pages: AsyncIterator<UfsWalkPage>;
  #entries: readonly UfsWalkEntry[] = [];
  #at = 0;
  #skipped = 0;
  #key: Buffer | undefined;

  constructor(walk: AsyncIterable<UfsWalkPage>) {
    this.#pages = walk[Symbol.asyncIterator]();
  }

  get isUsedUp(): boolean {
    return this.#at >= this.#entries.length;
  }

  /** Gets the next page that has an entry, if all of this one are taken. */
  async fill(): Promise<void> {
    while (this.isUsedUp) {
      const step = await this.#pages.next();
      if (step.done === true) break;
      this.#skipped += step.value.skipped;
      this.#entries = step.value.entries;
      this.#at = 0;
    }
    this.#readKey();
  }

  isBefore(other: Head): boolean {
    if (this.#key === undefined || other.#key === undefined) return this.#key !== undefined;
    return Buffer.compare(this.#key, other.#key) < 0;
  }

  take(): UfsWalkEntry | undefined {
    const entry = this.#entries[this.#at];
    this.#at += 1;
    this.#readKey();
    return entry;
  }

  takeSkipped(): number {
    const skipped = this.#skipped;
    this.#skipped = 0;
    return skipped;
  }

  async end(): Promise<void> {
    await this.#pages.return?.();
  }

  #readKey(): void {
    const next = this.#entries[this.#at];
    this.#key = next?.entry.kind === 'folder' ? Buffer.concat([next.path, SLASH]) : next?.path;
  }
}

const SLASH = Buffer.from('/');
