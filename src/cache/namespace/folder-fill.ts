// One folder being listed: takes its entries as they come, in any order, and when all have come, finds what is gone.
//
// Until then nothing is removed, so a listing that breaks off loses nothing. What was confirmed by somebody else since the
// listing began stays too: the listing may be older than that. Where a file and a folder share a name the folder wins,
// whichever comes first, also when only one of them comes as it was.
import type { UfsEntry } from '../ufs/index.ts';
import { addName, removeName, updateName, type Found } from './apply.ts';
import { InoSet } from './ino-set.ts';
import { NEVER, type Said } from './record.ts';
import type { News, Tables } from './tables.ts';
import type { Writer } from './writer.ts';

/** Files that wait for the end of the listing because a folder of their name may still come. */
const WAITING_MAX = 10_000;
const SWEEP_NAMES = 2_000;

/** The fills that are going on: what one finds, the others on the same folder must not take for gone. */
export class Fills {
  readonly #open = new Map<number, FolderFill[]>();

  /** `said`: when the answers that will come were asked for. */
  open(tables: Tables, folder: number, said: Said): FolderFill {
    const fill = new FolderFill(this, tables, folder, said);
    this.#open.set(folder, [...(this.#open.get(folder) ?? []), fill]);
    return fill;
  }

  /** Finished or given up. */
  close(fill: FolderFill): void {
    const rest = this.#open.get(fill.folder)?.filter((other) => other !== fill) ?? [];
    if (rest.length > 0) this.#open.set(fill.folder, rest);
    else this.#open.delete(fill.folder);
  }

  /** What is being listed of the folder may be older than what was just heard: it makes nothing complete. */
  distrust(folder: number): void {
    for (const fill of this.#open.get(folder) ?? []) fill.distrust();
  }

  /** The storage has just said that this is there. */
  confirm(folder: number, ino: number): void {
    const fills = this.#open.get(folder);
    if (fills !== undefined) for (const fill of fills) fill.confirm(ino);
  }
}

export class FolderFill {
  readonly folder: number;
  readonly #fills: Fills;
  readonly #tables: Tables;
  #said: Said;
  #isDistrusted = false;
  readonly #seen = new InoSet();
  readonly #waiting: UfsEntry[] = [];
  /** No name of it was known: none can be gone. */
  readonly #wasEmpty: boolean;
  /** What is not known of it was not there before. */
  readonly #news: News;
  #sweptTo: Buffer | undefined;

  constructor(fills: Fills, tables: Tables, folder: number, said: Said) {
    this.folder = folder;
    this.#fills = fills;
    this.#tables = tables;
    this.#said = said;
    this.#news = tables.newsOf(folder);
    this.#wasEmpty = !tables.wasListed(folder) && !tables.hasNames(folder);
  }

  confirm(ino: number): void {
    this.#seen.add(ino);
  }

  distrust(): void {
    this.#isDistrusted = true;
    this.#said = NEVER;
  }

  /** Returns the number of the entry. */
  add(writer: Writer, found: Found, seen: UfsEntry): number {
    let known = this.#wasEmpty ? undefined : writer.known(this.folder, seen.name);
    if (known === undefined) {
      const ino = addName(writer, found, this.folder, seen, this.#said, this.#news);
      if (ino !== undefined) {
        this.#fills.confirm(this.folder, ino);
        return ino;
      }
      known = writer.known(this.folder, seen.name);
      if (known === undefined) throw new Error('A name is there and is not');
    }
    if (this.#isDistrusted && this.#seen.has(known.ino)) return known.ino; // what was said since counts for more
    if (known.kind === 'folder' && seen.kind !== 'folder') {
      if (this.#seen.has(known.ino)) return known.ino;
      if (this.#waiting.length < WAITING_MAX) {
        this.#waiting.push(seen);
        return known.ino;
      }
    }
    const ino = updateName(writer, found, this.folder, known, seen, this.#said, false);
    this.#fills.confirm(this.folder, ino);
    return ino;
  }

  /** A folder that is there, with attributes nobody told. Undefined when it is not known and only the storage numbers. */
  addFolder(writer: Writer, found: Found, name: Buffer, storageNumbers: boolean): number | undefined {
    const known = writer.known(this.folder, name);
    if (known?.kind === 'folder') {
      this.#fills.confirm(this.folder, known.ino);
      return known.ino;
    }
    if (storageNumbers) return undefined;
    return this.add(writer, found, { name, kind: 'folder', sizeBytes: 0, mtimeMs: 0, version: '' });
  }

  /** After the last entry: does a part of what is left to do; true when that was all and the folder is complete. */
  finish(writer: Writer, found: Found): boolean {
    for (const seen of this.#waiting.splice(0)) {
      const known = writer.known(this.folder, seen.name);
      if (known !== undefined && this.#seen.has(known.ino)) continue;
      const ino =
        known === undefined
          ? addName(writer, found, this.folder, seen, this.#said, this.#news)
          : updateName(writer, found, this.folder, known, seen, this.#said, false);
      if (ino !== undefined) this.#fills.confirm(this.folder, ino);
    }
    if (!this.#wasEmpty && !this.#sweep(writer, found)) return false;
    this.#fills.close(this);
    if (this.#isDistrusted && this.#tables.wasListed(this.folder)) return true;
    const { checkedAtMs: atMs, era } = this.#said;
    writer.setFolder(this.folder, { state: 'listed', atMs, era });
    return true;
  }

  #sweep(writer: Writer, found: Found): boolean {
    const doomed = [];
    let looked = 0;
    let last: Buffer | undefined;
    for (const { name, known } of this.#tables.namesOf(this.folder, this.#sweptTo)) {
      last = name;
      if (!this.#seen.has(known.ino)) doomed.push({ name, known });
      if (++looked >= SWEEP_NAMES) break;
    }
    for (const { name, known } of doomed) removeName(writer, found, this.folder, name, known);
    this.#sweptTo = last;
    return looked < SWEEP_NAMES;
  }
}
