// How many files and bytes the storage holds: counted by a walk in the background, kept up to date by what is found changed.
//
// The walk knows no names: its memory is a page. Where the storage walks in order, a walk that was interrupted goes on from
// where it was last written down. Only one process counts: the one that serves. It gives way to readers who wait for the
// storage, for GIVE_WAY_MAX_MS a page at most.
//
// What is kept up to date: files that are found new, changed or gone in a folder whose names are all known, in a folder that
// has itself come since the count (and so on below it), and files that were known. Not found before the next count: what
// comes or goes in a folder nobody has listed, what was in a folder that went without ever having been listed, and whether
// the count itself had passed what changed while it went on.
import { backoffDelayMs, type Logger } from '../../base/index.ts';
import type { Ufs } from '../ufs/index.ts';
import type { Totals } from './namespace.ts';
import type { Tables } from './tables.ts';
import { write } from './writer.ts';

export interface TotalsDeps {
  readonly ufs: Ufs;
  readonly tables: Tables;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

interface Counted {
  /** Of the last complete walk, with what changed since. */
  readonly files?: number;
  readonly bytes?: number;
  readonly countedAtMs?: number;
  /** A walk that is going on. */
  readonly walk?: { readonly after: string; readonly files: number; readonly bytes: number };
}

const KEEP_EVERY_PAGES = 50;
const KEEP_CHANGES_EVERY_MS = 1_000;
const READERS_WITHIN_MS = 200;
const LOOK_AGAIN_MS = 100;
const GIVE_WAY_MAX_MS = 1_000;
const BACKOFF = { baseMs: 1_000, maxMs: 300_000 };

export class TotalsCounter {
  readonly #deps: TotalsDeps;
  readonly #recountMs: number | undefined;
  readonly #stop = new AbortController();
  #counted: Counted;
  #keepTimer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #readerAtMs = -Infinity;

  /** `recountMs`: how old a count may get; undefined for any age. */
  constructor(deps: TotalsDeps, recountMs: number | undefined) {
    this.#deps = deps;
    this.#recountMs = recountMs;
    this.#counted = this.#read();
  }

  get totals(): Totals {
    return { files: this.#counted.files, bytes: this.#counted.bytes };
  }

  begin(): void {
    this.#counted = this.#read();
    this.#deps.tables.counts = this.#counted.countedAtMs ?? 0;
    this.#running = this.#run();
  }

  /** The storage is asked for a reader. */
  giveWay(): void {
    this.#readerAtMs = performance.now();
  }

  /** What was found changed. */
  add(files: number, bytes: number): void {
    const { files: had, bytes: hadBytes } = this.#counted;
    if (had === undefined || hadBytes === undefined || (files === 0 && bytes === 0)) return;
    this.#counted = { ...this.#counted, files: Math.max(0, had + files), bytes: Math.max(0, hadBytes + bytes) };
    this.#keepTimer ??= setTimeout(() => {
      this.#keepTimer = undefined;
      void this.#keep();
    }, KEEP_CHANGES_EVERY_MS).unref();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    if (this.#keepTimer === undefined) return;
    clearTimeout(this.#keepTimer);
    await this.#keep();
  }

  #read(): Counted {
    return (this.#deps.tables.readMeta('totals') as Counted | undefined) ?? {};
  }

  async #keep(): Promise<void> {
    try {
      await write(this.#deps.tables, (writer) => writer.setMeta('totals', this.#counted));
    } catch (err) {
      this.#deps.logger.warn('totals not written down', { cause: err });
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; ;) {
      try {
        await sleepUnreferenced(Math.max(this.#dueInMs(), backoffDelayMs(failures, BACKOFF)), signal);
        if (this.#dueInMs() > 0) continue;
        await this.#count(signal);
        failures = 0;
      } catch (err) {
        if (signal.aborted) return;
        failures += 1;
        this.#deps.logger.warn('cannot count the storage', { failures, cause: err });
      }
    }
  }

  #dueInMs(): number {
    const { countedAtMs, walk } = this.#counted;
    if (countedAtMs === undefined || walk !== undefined) return 0;
    if (this.#recountMs === undefined) return Infinity;
    return Math.max(0, countedAtMs + this.#recountMs - this.#deps.nowMs());
  }

  async #count(signal: AbortSignal): Promise<void> {
    const { ufs, nowMs } = this.#deps;
    const begun = ufs.walkIsOrdered ? this.#counted.walk : undefined;
    let { files, bytes } = begun ?? { files: 0, bytes: 0 };
    let last: Buffer | undefined = begun === undefined ? undefined : Buffer.from(begun.after, 'base64');
    let pages = 0;
    for await (const page of ufs.walk(Buffer.alloc(0), signal, last)) {
      signal.throwIfAborted();
      for (const { path, entry } of page.entries) {
        if (ufs.walkIsOrdered) {
          const place = entry.kind === 'folder' ? Buffer.concat([path, Buffer.from('/')]) : path;
          if (last !== undefined && Buffer.compare(place, last) <= 0) continue; // it began at the beginning again
          last = place;
        }
        if (entry.kind !== 'file') continue;
        files += 1;
        bytes += entry.sizeBytes;
      }
      pages += 1;
      await this.#untilNoReader(signal);
      if (!ufs.walkIsOrdered || last === undefined || pages % KEEP_EVERY_PAGES !== 0) continue;
      this.#counted = { ...this.#counted, walk: { after: last.toString('base64'), files, bytes } };
      await this.#keep();
    }
    signal.throwIfAborted();
    this.#counted = { files, bytes, countedAtMs: nowMs() };
    this.#deps.tables.counts = this.#counted.countedAtMs ?? 0;
    await this.#keep();
  }

  async #untilNoReader(signal: AbortSignal): Promise<void> {
    for (let waitedMs = 0; waitedMs < GIVE_WAY_MAX_MS; waitedMs += LOOK_AGAIN_MS) {
      if (performance.now() - this.#readerAtMs > READERS_WITHIN_MS) return;
      await sleepUnreferenced(LOOK_AGAIN_MS, signal);
    }
  }
}

const TIMEOUT_MAX_MS = 2 ** 31 - 1;

/** Does not keep the process alive. */
async function sleepUnreferenced(delayMs: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (delayMs <= 0) return;
  const woken = Promise.withResolvers<undefined>();
  const wake = (): void => woken.resolve(undefined);
  const timer = setTimeout(wake, Math.min(delayMs, TIMEOUT_MAX_MS)).unref();
  signal.addEventListener('abort', wake, { once: true });
  await woken.promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', wake);
  signal.throwIfAborted();
}
