// Trying again, with an end: what every under storage is wrapped in, so that a short absence costs time and no error.
//
// Only transient errors are tried again (see errors.ts), after a growing pause or the one that the storage asked for. A read
// goes on where it was cut, a listing with what was not given yet: nobody downstream sees a byte or a name twice.
import { backoffDelayMs, sleep } from '../../base/index.ts';
import { isTransient, UfsError } from './errors.ts';
import type { ByteSink, Ufs, UfsEntry, UfsPage, UfsWalkPage } from './ufs.ts';

export interface RetryConfig {
  /** Of one call, from its first attempt to the start of its last; of a listing, of each of its pages. */
  readonly deadlineMs: number;
  /** The same once a call was given up and as long as none succeeds since: nobody waits the whole deadline again and again. */
  readonly awayDeadlineMs: number;
  readonly pause: { readonly baseMs: number; readonly maxMs: number };
  /** The longest pause that a storage may ask for. */
  readonly retryAfterMaxMs: number;
  /** In a row, without a byte that was new: a storage that keeps answering nonsense will go on so. */
  readonly badAnswersMax: number;
  /** Names of a listing that are remembered, so as not to repeat them; after more it cannot be begun anew. */
  readonly namesMax: number;
}

export interface RetryDeps {
  readonly config: RetryConfig;
  readonly nowMs: () => number;
  readonly sleep: (delayMs: number, signal?: AbortSignal) => Promise<void>;
  /** From 0 to 1: many that fail at once should not all come back at once. */
  readonly random: () => number;
}

export const DEFAULT_RETRY: RetryDeps = {
  config: {
    deadlineMs: 45_000,
    awayDeadlineMs: 5_000,
    pause: { baseMs: 100, maxMs: 5_000 },
    retryAfterMaxMs: 20_000,
    badAnswersMax: 4,
    namesMax: 100_000,
  },
  nowMs: () => performance.now(),
  sleep,
  random: Math.random,
};

/** What the attempt resolves with, as soon as one does. Throws the last attempt's error, or the signal's reason. */
export async function retrying<T>(deps: RetryDeps, attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const tries = new Tries(deps, signal);
  for (;;) {
    try {
      return await attempt();
    } catch (err) {
      await tries.pauseAfter(err);
    }
  }
}

export class RetryingUfs implements Ufs {
  readonly #inner: Ufs;
  readonly #deps: RetryDeps;
  /** A call was given up, and none has succeeded since. */
  #isAway = false;

  constructor(inner: Ufs, deps: RetryDeps = DEFAULT_RETRY) {
    this.#inner = inner;
    this.#deps = deps;
  }

  get identity(): string {
    return this.#inner.identity;
  }

  get walkIsOrdered(): boolean {
    return this.#inner.walkIsOrdered;
  }

  async stat(path: Buffer, signal?: AbortSignal): Promise<UfsEntry | undefined> {
    const tries = new Tries(this.#patience, signal);
    for (;;) {
      try {
        const entry = await this.#inner.stat(path, signal);
        this.#isAway = false;
        return entry;
      } catch (err) {
        await this.#pause(tries, err);
      }
    }
  }

  async read(
    path: Buffer,
    version: string,
    offset: number,
    length: number,
    sink: ByteSink,
    signal?: AbortSignal,
  ): Promise<void> {
    let given = 0;
    const count: ByteSink = (chunk) => {
      given += chunk.length;
      sink(chunk);
    };
    let tries: Tries | undefined; // made by need: nearly every read succeeds
    const startMs = this.#deps.nowMs();
    for (;;) {
      const before = given;
      try {
        await this.#inner.read(path, version, offset + given, length - given, count, signal);
        this.#isAway = false;
        return;
      } catch (err) {
        if (given > before) this.#isAway = false;
        tries ??= new Tries(this.#patience, signal, startMs);
        if (given > before) tries.progressed();
        if (given === length && isTransient(err) && err.code === 'unavailable') return; // cut after its last byte
        if (given === length) throw err;
        await this.#pause(tries, err);
      }
    }
  }

  list(folder: Buffer, signal?: AbortSignal): AsyncGenerator<UfsPage, void, undefined> {
    const notGiven = new NamesGiven(this.#deps.config.namesMax);
    return this.#pages(
      () => this.#inner.list(folder, signal),
      (page) => {
        const entries = notGiven.filter(page.entries, (entry) => entry.name);
        return { entries, skipped: page.skipped };
      },
      notGiven,
      signal,
    );
  }

  walk(folder: Buffer, signal?: AbortSignal, after?: Buffer): AsyncGenerator<UfsWalkPage, void, undefined> {
    const notGiven = this.walkIsOrdered ? new PathsPassed(after) : new NamesGiven(this.#deps.config.namesMax);
    return this.#pages(
      () => this.#inner.walk(folder, signal, notGiven instanceof PathsPassed ? notGiven.last : after),
      (page) => {
        const entries = notGiven.filter(page.entries, ({ path, entry }) =>
          entry.kind === 'folder' && this.walkIsOrdered ? Buffer.concat([path, SLASH]) : path,
        );
        return { entries, skipped: page.skipped };
      },
      notGiven,
      signal,
    );
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  get #patience(): RetryDeps {
    if (!this.#isAway) return this.#deps;
    const { config } = this.#deps;
    return { ...this.#deps, config: { ...config, deadlineMs: Math.min(config.deadlineMs, config.awayDeadlineMs) } };
  }

  async #pause(tries: Tries, err: unknown): Promise<void> {
    try {
      await tries.pauseAfter(err);
    } catch (last) {
      if (last instanceof UfsError && last.code === 'unavailable') this.#isAway = true;
      throw last;
    }
  }

  /** Begins anew after a failure, and leaves out what was given before; skipped names count once. */
  async *#pages<Page extends { readonly skipped: number; readonly entries: readonly unknown[] }>(
    open: () => AsyncIterable<Page>,
    filter: (page: Page) => Page,
    given: Given,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Page, void, undefined> {
    let tries: Tries | undefined;
    let skippedGiven = 0;
    for (;;) {
      const pages = open()[Symbol.asyncIterator]();
      let skippedSeen = 0;
      try {
        for (;;) {
          tries ??= new Tries(this.#patience, signal);
          let step;
          try {
            step = await pages.next();
          } catch (err) {
            if (!given.canBeginAnew) throw err;
            await this.#pause(tries, err);
            given.begin();
            break;
          }
          this.#isAway = false;
          if (step.done === true) return;
          const page = filter(step.value);
          skippedSeen += page.skipped;
          const skipped = Math.max(0, skippedSeen - skippedGiven);
          skippedGiven = Math.max(skippedGiven, skippedSeen);
          if (page.entries.length === 0 && skipped === 0) continue;
          tries = undefined; // the time that the consumer takes is not the storage's
          yield { ...page, skipped };
        }
      } finally {
        await pages.return?.();
      }
    }
  }
}

const SLASH = Buffer.from('/');

interface Given {
  readonly canBeginAnew: boolean;
  /** The same again, from the start. */
  begin(): void;
  filter<T>(items: readonly T[], name: (item: T) => Buffer): readonly T[];
}

/** In no order: every name is remembered. */
class NamesGiven implements Given {
  readonly #max: number;
  readonly #names = new Set<string>();
  #isAgain = false;
  #isTooMany = false;

  constructor(max: number) {
    this.#max = max;
  }

  get canBeginAnew(): boolean {
    return !this.#isTooMany;
  }

  begin(): void {
    this.#isAgain = true;
  }

  filter<T>(items: readonly T[], name: (item: T) => Buffer): readonly T[] {
    const left = this.#isAgain ? items.filter((item) => !this.#names.has(name(item).toString('latin1'))) : items;
    if (this.#names.size + left.length > this.#max) this.#isTooMany = true;
    if (!this.#isTooMany) for (const item of left) this.#names.add(name(item).toString('latin1'));
    else if (!this.#isAgain) this.#names.clear();
    return left;
  }
}

/** In the order of their bytes: the last one says it all. */
class PathsPassed implements Given {
  readonly canBeginAnew = true;
  #last: Buffer | undefined;
  #isAgain = false;

  constructor(after: Buffer | undefined) {
    this.#last = after;
  }

  get last(): Buffer | undefined {
    return this.#last;
  }

  begin(): void {
    this.#isAgain = true;
  }

  filter<T>(items: readonly T[], name: (item: T) => Buffer): readonly T[] {
    const passed = this.#last;
    const left =
      this.#isAgain && passed !== undefined ? items.filter((item) => Buffer.compare(name(item), passed) > 0) : items;
    const last = left.at(-1);
    if (last !== undefined) this.#last = name(last);
    return left;
  }
}

/** The attempts of one call. */
class Tries {
  readonly #deps: RetryDeps;
  readonly #signal: AbortSignal | undefined;
  readonly #startMs: number;
  #failures = 0;
  #inARow = 0;
  #badAnswers = 0;

  constructor(deps: RetryDeps, signal: AbortSignal | undefined, startMs = deps.nowMs()) {
    this.#deps = deps;
    this.#signal = signal;
    this.#startMs = startMs;
  }

  /** Something came: the storage works after all, and the next pause is a short one. */
  progressed(): void {
    this.#inARow = this.#badAnswers = 0;
  }

  /** Resolves when it is time for the next attempt; throws when there is to be none. */
  async pauseAfter(err: unknown): Promise<void> {
    this.#signal?.throwIfAborted();
    if (!isTransient(err)) throw err;
    this.#failures += 1;
    this.#inARow += 1;
    if (err.code === 'bad-answer') this.#badAnswers += 1;
    const { config, nowMs, random } = this.#deps;
    const leftMs = this.#startMs + config.deadlineMs - nowMs();
    if (leftMs <= 0 || this.#badAnswers >= config.badAnswersMax) throw this.#giveUp(err);
    await this.#deps.sleep(Math.min(this.#pauseMs(err, random()), leftMs), this.#signal);
  }

  #pauseMs(err: UfsError, random: number): number {
    const { config } = this.#deps;
    const pauseMs = backoffDelayMs(this.#inARow, config.pause) * (0.5 + random / 2);
    const askedMs = err.fault.code === 'unavailable' ? (err.fault.retryAfterMs ?? 0) : 0;
    return Math.max(pauseMs, Math.min(askedMs, config.retryAfterMaxMs));
  }

  #giveUp(err: UfsError): UfsError {
    if (this.#failures === 1) return err;
    const seconds = Math.round((this.#deps.nowMs() - this.#startMs) / 1000);
    return new UfsError(`${err.message} (tried ${this.#failures} times in ${seconds} s)`, err.fault, { cause: err });
  }
}
