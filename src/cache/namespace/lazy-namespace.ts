// The namespace over a database and an under storage: answers from the database what is known and fresh, and asks the
// storage for the rest. State that matters is in the database only; what is in memory is questions under way.
//
// A reader of a folder goes on after the name that its cookie was given with, in the order of bytes, whether that name is
// still there or not: names that stayed are given once each, names that came or went meanwhile are given or not. A cookie
// that was never given out ends the folder. Only a reader at the start makes a listing; one that goes on takes what there is.
import assert from 'node:assert/strict';
import type { Logger } from '../../base/index.ts';
import { isTransient, UfsError, type Ufs, type UfsEntry } from '../ufs/index.ts';
import { AbsentNames } from './absent.ts';
import { addName, removeName, updateName, type Found } from './apply.ts';
import { isFresh, recountMs, type RefreshPolicy } from './freshness.ts';
import { ListAhead } from './list-ahead.ts';
import { Lister } from './lister.ts';
import {
  ROOT_INO,
  type Change,
  type Entry,
  type Eventually,
  type GiveEntry,
  type Namespace,
  type Totals,
} from './namespace.ts';
import { ReadAhead } from './read-ahead.ts';
import { NEVER, type Known, type Said } from './record.ts';
import { DEPTH_MAX, type Tables } from './tables.ts';
import { TotalsCounter } from './totals.ts';
import { writeSync } from './writer.ts';

export interface LazyNamespaceDeps {
  readonly tables: Tables;
  readonly ufs: Ufs;
  readonly refresh: RefreshPolicy;
  readonly countsTotals: boolean;
  readonly numbersFrom: number;
  readonly logger: Logger;
  readonly nowMs: () => number;
  /** Before the first write, and after the last one. */
  readonly onBegin: () => void;
  readonly onEnd: () => void;
}

/** How long a question may take whose last answer is known: then that is told, and the question goes on by itself. */
const PATIENCE_MS = 3_000;
/** The same once it did not answer in time. */
const PATIENCE_STALE_MS = 200;
/** Questions that are tried while the storage does not answer and all that ask have been told what is known. */
const ASKING_MAX_WHILE_STALE = 4;
const LATE = Symbol('late');
const EMPTY = Buffer.alloc(0);
const SLASH = Buffer.from('/');

export class LazyNamespace implements Namespace {
  readonly #deps: LazyNamespaceDeps;
  readonly #lister: Lister;
  readonly #readAhead: ReadAhead;
  readonly #listAhead: ListAhead;
  readonly #totals: TotalsCounter;
  readonly #absent = new AbsentNames();
  readonly #closing = new AbortController();
  readonly #asking = new Map<string, Promise<Entry | undefined>>();
  /** Ends when everything is distrusted; not told by the clock, which may be set back. */
  #era: number;
  /** How often something was distrusted: an answer that was asked for before counts for nothing. */
  #distrusts = 0;
  #listener: (changes: readonly Change[]) => void = () => {};
  #hasBegun = false;
  #clearing: Promise<void> | undefined;
  #isStale = false;

  constructor(deps: LazyNamespaceDeps) {
    const { tables, ufs, nowMs, logger } = deps;
    this.#deps = deps;
    const pathOf = (ino: number): Buffer => this.pathOf(ino);
    this.#lister = new Lister({
      ufs,
      tables,
      saidNow: () => this.#saidNow(),
      pathOf,
      onFound: (found) => this.#tell(found),
    });
    this.#readAhead = new ReadAhead({
      ufs,
      logger,
      nowMs,
      pathOf,
      place: (ino) => tables.place(ino),
      fill: (folder, after, onWhole) => this.#lister.tree(folder, after, onWhole),
    });
    this.#listAhead = new ListAhead({
      list: (folder, pagesMax, signal) => this.#lister.listSome(folder, pagesMax, signal),
      nowMs,
      logger,
    });
    this.#era = this.#readEra();
    this.#totals = new TotalsCounter({ ufs, tables, logger, nowMs }, recountMs(deps.refresh));
  }

  /** From now on this process is the one that writes, and counts. */
  begin(): void {
    if (this.#hasBegun) return;
    this.#deps.onBegin();
    this.#hasBegun = true;
    this.#deps.tables.renew();
    this.#era = this.#readEra(); // the process before may have written it since
    this.#deps.tables.clearStaleReaders();
    const { numbersFrom } = this.#deps;
    if (numbersFrom > 0) writeSync(this.#deps.tables, (writer) => writer.skipTo(numbersFrom));
    if (this.#deps.countsTotals) this.#totals.begin();
    this.#clearing = this.#lister.begin().catch((err: unknown) => {
      this.#deps.logger.warn('cannot clear away what went', { cause: err });
    });
  }

  lookup(folder: number, name: Buffer): Eventually<Entry | undefined> {
    const { tables, nowMs } = this.#deps;
    const known = tables.known(folder, name);
    if (known !== undefined) {
      if (this.#isFresh(known.checkedAtMs, known.era, nowMs()) || this.#isListedFresh(folder)) return known;
    } else {
      if (this.#isListedFresh(folder)) return undefined;
      const askedAtMs = this.#absent.askedAtMs(folder, name);
      if (askedAtMs !== undefined && this.#isFresh(askedAtMs, this.#era, nowMs())) return undefined;
    }
    return this.#ask(folder, name, known);
  }

  known(folder: number, name: Buffer): Entry | undefined {
    return this.#deps.tables.known(folder, name);
  }

  list(folder: number, cookie: number, give: GiveEntry): Eventually<void> {
    const row = this.#deps.tables.folderRow(folder);
    if (row?.state === 'listed') {
      const wasReadAhead = cookie === 0 && this.#readAhead.take(folder);
      if (wasReadAhead) this.#totals.giveWay();
      if (cookie !== 0 || wasReadAhead || this.#isFresh(row.atMs, row.era, this.#deps.nowMs())) {
        this.#give(folder, cookie, give);
        return;
      }
    }
    return this.#listAndGive(folder, cookie, give, row?.state === 'listed');
  }

  pathOf(ino: number): Buffer {
    const { tables } = this.#deps;
    const parts: Buffer[] = [];
    for (let at = ino; at !== ROOT_INO;) {
      const place = tables.place(at);
      if (place === undefined || tables.known(place.folder, place.name)?.ino !== at) throw notFound(ino);
      if (parts.push(SLASH, place.name) > 2 * DEPTH_MAX) throw notFound(ino);
      at = place.folder;
    }
    return parts.length === 0 ? EMPTY : Buffer.concat(parts.reverse().slice(0, -1));
  }

  async refresh(folder: number, deep: boolean, signal?: AbortSignal): Promise<void> {
    this.#mustHaveBegun();
    this.#absent.clear();
    if (!deep) await this.#lister.list(folder, true, signal);
    else if (this.#deps.ufs.walkIsOrdered) await this.#lister.walk(folder, signal);
    else await this.#refreshBelow(folder, signal);
  }

  isListed(folder: number): boolean {
    return this.#isListedFresh(folder);
  }

  invalidate(what: { readonly folder: number; readonly name: Buffer } | 'all'): void {
    const { tables } = this.#deps;
    this.#mustHaveBegun();
    this.#distrusts++;
    this.#readAhead.close();
    if (what === 'all') {
      this.#absent.clear();
      this.#lister.distrust();
      this.#era += 1;
      writeSync(tables, (writer) => writer.setMeta('era', this.#era));
      return;
    }
    const { folder, name } = what;
    this.#absent.delete(folder, name);
    this.#lister.distrust(folder);
    writeSync(tables, (writer) => {
      const { checkedAtMs: atMs, era } = NEVER;
      if (tables.wasListed(folder)) writer.setFolder(folder, { state: 'listed', atMs, era });
      const known = writer.known(folder, name);
      if (known !== undefined) writer.replace(folder, name, { ...known, ...NEVER }, false);
    });
  }

  totals(): Totals {
    return this.#totals.totals;
  }

  onChange(listener: (changes: readonly Change[]) => void): void {
    this.#listener = listener;
  }

  async close(): Promise<void> {
    this.#readAhead.close();
    this.#closing.abort();
    await this.#listAhead.close();
    await this.#totals.close();
    await Promise.allSettled([...this.#asking.values(), this.#clearing]);
    await this.#deps.tables.close();
    if (this.#hasBegun) this.#deps.onEnd();
  }

  #readEra(): number {
    return (this.#deps.tables.readMeta('era') as number | undefined) ?? NEVER.era + 1;
  }

  #saidNow(): Said {
    return { checkedAtMs: this.#deps.nowMs(), era: this.#era };
  }

  #isFresh(atMs: number, era: number, nowMs: number): boolean {
    return era === this.#era && isFresh(this.#deps.refresh, atMs, nowMs);
  }

  #isListedFresh(folder: number): boolean {
    const row = this.#deps.tables.folderRow(folder);
    return row?.state === 'listed' && this.#isFresh(row.atMs, row.era, this.#deps.nowMs());
  }

  #give(folder: number, cookie: number, give: GiveEntry): void {
    const after = cookie === 0 ? undefined : this.#deps.tables.place(cookie);
    if (cookie !== 0 && after?.folder !== folder) return;
    for (const { name, known } of this.#deps.tables.namesOf(folder, after?.name)) {
      if (!give(name, known, known.ino)) return;
    }
  }

  async #listAndGive(folder: number, cookie: number, give: GiveEntry, wasListed: boolean): Promise<void> {
    this.#mustHaveBegun();
    this.#totals.giveWay();
    try {
      const listed = this.#makeListed(folder);
      if (!wasListed) await listed;
      else if ((await this.#patiently(listed)) === LATE) this.#unanswered('it takes too long');
    } catch (err) {
      if (err instanceof UfsError && err.code === 'not-found') await this.#askAgain(folder);
      if (!wasListed || !isTransient(err)) throw err;
      this.#unanswered(err);
    }
    this.#give(folder, cookie, give);
  }

  async #makeListed(folder: number): Promise<void> {
    if (!(await this.#readAhead.want(folder))) await this.#lister.list(folder, false);
    this.#answered();
  }

  #ask(folder: number, name: Buffer, known: Known | undefined): Eventually<Entry | undefined> {
    this.#mustHaveBegun();
    const key = `${this.#distrusts} ${folder}/${name.toString('latin1')}`;
    const isKnown = known !== undefined || this.#deps.tables.wasListed(folder);
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      if (isKnown && this.#isStale && this.#asking.size >= ASKING_MAX_WHILE_STALE) return known;
      this.#totals.giveWay();
      asking = this.#askStorage(folder, name, known).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
      // Where everything is asked for each time, a listing would answer nothing.
      if (this.#deps.refresh.policy !== 'always' && !this.#isStale) this.#listAhead.onLookup(folder);
    }
    return isKnown ? this.#orKnown(asking, known) : asking;
  }

  async #orKnown(asking: Promise<Entry | undefined>, known: Known | undefined): Promise<Entry | undefined> {
    const answer = await this.#patiently(asking);
    if (answer !== LATE) return answer;
    this.#unanswered('it takes too long');
    return known;
  }

  /** What the promise resolves with, or LATE; soon where the storage has not been answering anyway. */
  async #patiently<T>(promise: Promise<T>): Promise<T | typeof LATE> {
    promise.catch(() => {}); // told below, if it is not too late
    const { promise: late, resolve } = Promise.withResolvers<typeof LATE>();
    const timer = setTimeout(() => resolve(LATE), this.#isStale ? PATIENCE_STALE_MS : PATIENCE_MS);
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #askStorage(folder: number, name: Buffer, known: Known | undefined): Promise<Entry | undefined> {
    const { ufs, tables } = this.#deps;
    const distrusts = this.#distrusts;
    const asked = this.#saidNow();
    const path = folder === ROOT_INO ? name : Buffer.concat([this.pathOf(folder), SLASH, name]);
    let seen: UfsEntry | undefined;
    try {
      seen = await ufs.stat(path, this.#closing.signal);
      this.#answered();
    } catch (err) {
      const isKnown = known !== undefined || tables.wasListed(folder);
      if (!isKnown || !isTransient(err)) throw err;
      this.#unanswered(err);
      return known;
    }
    return await this.#store(folder, name, seen === undefined ? undefined : { ...seen, name }, asked, distrusts);
  }

  async #store(
    folder: number,
    name: Buffer,
    seen: UfsEntry | undefined,
    asked: Said,
    distrusts: number,
  ): Promise<Entry | undefined> {
    const { tables, refresh, nowMs } = this.#deps;
    if (seen === undefined) {
      if (distrusts === this.#distrusts) this.#absent.add(folder, name, asked.checkedAtMs);
      if (tables.known(folder, name) === undefined) return undefined;
    }
    return await this.#lister.write((writer, found) => {
      const known = writer.known(folder, name);
      const isOutdated = distrusts !== this.#distrusts;
      if (isOutdated && known !== undefined && this.#isFresh(known.checkedAtMs, known.era, nowMs())) return known;
      const said = isOutdated ? NEVER : asked;
      if (seen === undefined) {
        if (known !== undefined) removeName(writer, found, folder, name, known);
        return undefined;
      }
      const news = this.#absent.delete(folder, name) ? 'told' : tables.newsOf(folder);
      const ino =
        known === undefined
          ? addName(writer, found, folder, seen, said, news)
          : updateName(writer, found, folder, known, seen, said, refresh.policy !== 'always');
      if (ino !== undefined) this.#lister.fills.confirm(folder, ino);
      return writer.known(folder, name);
    });
  }

  /** A folder that the storage does not have is asked for by name, so that it goes. Errors are the caller's own again. */
  async #askAgain(folder: number): Promise<void> {
    const place = folder === ROOT_INO ? undefined : this.#deps.tables.place(folder);
    if (place === undefined) return;
    try {
      await this.#ask(place.folder, place.name, undefined);
    } catch (err) {
      if (!(err instanceof UfsError)) throw err;
    }
  }

  /** Listing by listing, down one branch after the other: what is to be done is where we are in each folder above. */
  async #refreshBelow(folder: number, signal: AbortSignal | undefined): Promise<void> {
    const { tables } = this.#deps;
    await this.#lister.list(folder, true, signal);
    const above: { folder: number; last: Buffer | undefined }[] = [{ folder, last: undefined }];
    for (let at = above.at(-1); at !== undefined; at = above.at(-1)) {
      let next: number | undefined;
      for (const { name, known } of tables.namesOf(at.folder, at.last)) {
        at.last = name;
        if (known.kind !== 'folder') continue;
        next = known.ino;
        break;
      }
      if (next === undefined) {
        above.pop();
        continue;
      }
      try {
        await this.#lister.list(next, true, signal);
        above.push({ folder: next, last: undefined });
      } catch (err) {
        if (!(err instanceof UfsError) || err.code !== 'not-found') throw err;
        await this.#askAgain(next); // gone since the folder above was listed
      }
    }
  }

  #tell(found: Found): void {
    this.#totals.add(found.files, found.bytes);
    if (found.changes.length > 0) this.#listener(found.changes);
  }

  #answered(): void {
    if (this.#isStale) this.#deps.logger.info('the storage answers again');
    this.#isStale = false;
  }

  #unanswered(cause: UfsError | string): void {
    if (!this.#isStale) this.#deps.logger.warn('the storage does not answer, telling what is known', { cause });
    this.#isStale = true;
  }

  #mustHaveBegun(): void {
    assert(this.#hasBegun, 'begin() comes before whatever asks the storage');
  }
}

function notFound(ino: number): UfsError {
  return new UfsError(`Cannot find inode ${ino}: it is not known any more`, {
    code: 'not-found',
    path: `inode ${ino}`,
  });
}
