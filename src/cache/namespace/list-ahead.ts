// Lists a folder for somebody who looks up one name after another in it without listing it, as programs do that have their
// paths from elsewhere: a listing costs a request for a thousand names, a lookup one or two for each.
//
// Bounded: a folder of more than PAGES_MAX pages is not listed to its end, and is left alone for a while, as is one that
// cannot be listed.
import type { Logger } from '../../base/index.ts';

export interface ListAheadDeps {
  /** Up to so many pages of it. */
  readonly list: (folder: number, pagesMax: number, signal: AbortSignal) => Promise<void>;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

/** Lookups of one folder that begin a listing, if no more than WITHIN_MS lie between one and the next. */
const LOOKUPS = 3;
const WITHIN_MS = 10_000;
const AGAIN_AFTER_MS = 60_000;
const PAGES_MAX = 10;
const AT_ONCE = 2;
const FOLDERS_MAX = 256;

interface Interest {
  lookups: number;
  atMs: number;
  /** Not before. */
  listAtMs: number;
}

export class ListAhead {
  readonly #deps: ListAheadDeps;
  /** Most recently looked at last. */
  readonly #interests = new Map<number, Interest>();
  readonly #listing = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(deps: ListAheadDeps) {
    this.#deps = deps;
  }

  /** The storage is asked for a name in the folder. */
  onLookup(folder: number): void {
    const nowMs = this.#deps.nowMs();
    const before = this.#interests.get(folder);
    const follows = before !== undefined && Math.abs(nowMs - before.atMs) < WITHIN_MS;
    const lookups = follows ? before.lookups + 1 : 1;
    const interest: Interest = { lookups, atMs: nowMs, listAtMs: before?.listAtMs ?? 0 };
    this.#interests.delete(folder);
    this.#interests.set(folder, interest);
    for (const oldest of this.#interests.keys()) {
      if (this.#interests.size <= FOLDERS_MAX) break;
      this.#interests.delete(oldest);
    }
    if (lookups < LOOKUPS || nowMs < interest.listAtMs || this.#listing.size >= AT_ONCE) return;
    interest.listAtMs = nowMs + AGAIN_AFTER_MS;
    const listing = this.#list(folder).finally(() => this.#listing.delete(listing));
    this.#listing.add(listing);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#listing);
  }

  async #list(folder: number): Promise<void> {
    try {
      await this.#deps.list(folder, PAGES_MAX, this.#closing.signal);
    } catch (err) {
      this.#deps.logger.debug('listing ahead ended', { folder, cause: err });
    }
  }
}
