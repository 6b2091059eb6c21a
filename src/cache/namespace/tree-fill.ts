// A walk of a tree, in order, as complete folders: since everything below a folder stands together in the stream, a folder
// is complete once the stream has gone past it.
import { UfsError, type UfsWalkEntry } from '../ufs/index.ts';
import { nothingFound, type Found } from './apply.ts';
import type { Fills, FolderFill } from './folder-fill.ts';
import type { Said } from './record.ts';
import type { Tables } from './tables.ts';
import { write, type Writer } from './writer.ts';

const SLASH = 0x2f;
/** Folders distrusted while a walk goes on, before all of its rest is. */
const DISTRUSTED_MAX = 10_000;
const EMPTY = Buffer.alloc(0);

export interface TreeFillDeps {
  readonly tables: Tables;
  readonly fills: Fills;
  /** When the walk began. */
  readonly said: Said;
  /** Told after every transaction. */
  readonly onFound: (found: Found) => Promise<void>;
  /** A folder has become complete. */
  readonly onWhole: (folder: number) => void;
  /** After end() or abandon(). */
  readonly onOver: () => void;
}

interface Level {
  /** Relative path with "/" at its end; empty for the folder that is walked. */
  readonly prefix: Buffer;
  /** Undefined where the folder cannot be numbered: passed over. */
  readonly fill: FolderFill | undefined;
}

export class TreeFill {
  readonly #deps: TreeFillDeps;
  readonly #isWhole: boolean;
  readonly #levels: Level[];
  #position: Buffer;
  #storageNumbers = false;
  readonly #distrusted = { isAll: false, folders: new Set<number>() };

  /** Walks begin after `after`; without it the folder itself will be complete too. */
  constructor(deps: TreeFillDeps, folder: number, after: Buffer | undefined) {
    this.#deps = deps;
    this.#isWhole = after === undefined;
    this.#position = after ?? EMPTY;
    this.#levels = [{ prefix: EMPTY, fill: deps.fills.open(deps.tables, folder, deps.said) }];
  }

  /** The last path that came: what is not greater will not come any more. */
  get position(): Buffer {
    return this.#position;
  }

  /** What the stream tells of the folder may be older than what was just heard. */
  distrust(folder: number): void {
    const { folders } = this.#distrusted;
    folders.add(folder);
    if (folders.size <= DISTRUSTED_MAX) return;
    this.#distrusted.isAll = true;
    folders.clear();
  }

  /** The stream is within this folder (relative path with "/"). */
  isWithin(prefix: Buffer): boolean {
    return this.#levels.some((level) => level.fill !== undefined && level.prefix.equals(prefix));
  }

  async page(entries: readonly UfsWalkEntry[]): Promise<void> {
    const done: FolderFill[] = [];
    const whole: FolderFill[] = [];
    await this.#write((writer, found) => {
      for (const entry of entries) this.#place(writer, found, entry, done);
      // Most folders are new and done by this.
      for (const fill of done.splice(0)) {
        (fill.finish(writer, found) ? whole : done).push(fill);
      }
    });
    for (const fill of whole) this.#deps.onWhole(fill.folder);
    await this.#finish(done);
  }

  /** The stream has ended: what is open is complete. */
  async end(): Promise<void> {
    const done: FolderFill[] = [];
    while (this.#levels.length > 1) this.#leave(done);
    const top = this.#levels.pop()?.fill;
    if (top !== undefined) {
      if (this.#isWhole) done.push(top);
      else this.#deps.fills.close(top);
    }
    await this.#finish(done);
    this.#deps.onOver();
  }

  /** The stream broke off. */
  abandon(): void {
    for (const { fill } of this.#levels.splice(0)) if (fill !== undefined) this.#deps.fills.close(fill);
    this.#deps.onOver();
  }

  async #finish(done: readonly FolderFill[]): Promise<void> {
    for (const fill of done) {
      while (!(await this.#write((writer, found) => fill.finish(writer, found))));
      this.#deps.onWhole(fill.folder);
    }
  }

  async #write<T>(work: (writer: Writer, found: Found) => T): Promise<T> {
    const found = nothingFound();
    const result = await write(this.#deps.tables, (writer) => work(writer, found));
    await this.#deps.onFound(found);
    return result;
  }

  #place(writer: Writer, found: Found, { path, entry }: UfsWalkEntry, done: FolderFill[]): void {
    const isFolder = entry.kind === 'folder';
    const place = isFolder ? Buffer.concat([path, Buffer.of(SLASH)]) : path;
    if (Buffer.compare(place, this.#position) <= 0) {
      // A storage that ignored where to begin. Within the stream it would mean that folders are not complete when passed.
      if (this.#levels.length === 1) return;
      const text = path.toString('latin1');
      throw new UfsError(`Cannot walk on after "${text}": the storage named it out of order`, {
        code: 'bad-answer',
        path: text,
        why: 'a walk out of order',
      });
    }
    this.#position = place;
    if (entry.ino !== undefined) this.#storageNumbers = true;
    while (!startsWith(place, this.#top.prefix)) this.#leave(done);
    for (let from = this.#top.prefix.length; ;) {
      const slash = place.indexOf(SLASH, from);
      if (slash === -1) break;
      this.#enter(writer, found, place.subarray(0, slash + 1), place.subarray(from, slash));
      from = slash + 1;
    }
    if (!isFolder) this.#top.fill?.add(writer, found, entry);
  }

  #enter(writer: Writer, found: Found, prefix: Buffer, name: Buffer): void {
    const ino = this.#top.fill?.addFolder(writer, found, name, this.#storageNumbers);
    this.#levels.push({ prefix, fill: ino === undefined ? undefined : this.#open(ino) });
  }

  #open(folder: number): FolderFill {
    const { fills, tables, said } = this.#deps;
    const fill = fills.open(tables, folder, said);
    if (this.#distrusted.isAll || this.#distrusted.folders.has(folder)) fill.distrust();
    return fill;
  }

  #leave(done: FolderFill[]): void {
    const level = this.#levels.pop();
    if (level?.fill !== undefined) done.push(level.fill);
  }

  get #top(): Level {
    const top = this.#levels.at(-1);
    if (top === undefined) throw new Error('The walk has ended');
    return top;
  }
}

function startsWith(path: Buffer, prefix: Buffer): boolean {
  return path.length >= prefix.length && path.compare(prefix, 0, prefix.length, 0, prefix.length) === 0;
}
