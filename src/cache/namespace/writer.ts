// What may be done within one transaction. Inode numbers are taken from the database itself, so that a number and the name
// it was given to are committed together: no number is given out twice, whatever dies when.
import { InodeRows } from './inode-row.ts';
import { objectWords, type ObjectWords } from '../ufs/index.ts';
import { encodeFolder, type FolderRow } from './folder-row.ts';
import { clearGone, noteEmptied, noteGoneFolder, noteGoneInode } from './gone.ts';
import { encodeKnown, inoKey, nameKey, type Known } from './record.ts';
import { seal } from './seal.ts';
import { cannotUse, NamespaceError } from './errors.ts';
import type { MetaKey, Tables } from './tables.ts';

const FIRST_FREE_INO = 2;
/** Numbers cleared away with every transaction in which some went, besides twice as many as those. */
const CLEAR_MIN = 64;

/** Runs `work` in a transaction; resolves with its result when that is committed. Throws what it throws, or 'cannot-use'. */
export async function write<T>(tables: Tables, work: (writer: Writer) => T): Promise<T> {
  const result = await commit(tables, work);
  if ('err' in result) throw result.err;
  return result.value;
}

/** The same at once; `work` must not throw. */
export function writeSync(tables: Tables, work: (writer: Writer) => void): void {
  try {
    tables.transactionSync(() => {
      const writer = new Writer(tables);
      work(writer);
      writer.finish();
    });
  } catch (err) {
    throw cannotUse(tables.folder, err);
  }
}

async function commit<T>(tables: Tables, work: (writer: Writer) => T): Promise<{ value: T } | { err: Error }> {
  try {
    return await tables.transaction(() => {
      const writer = new Writer(tables);
      try {
        return { value: work(writer) };
      } catch (err) {
        if (!(err instanceof NamespaceError)) throw err;
        return { err }; // what was written before is right by itself
      } finally {
        writer.finish();
      }
    });
  } catch (err) {
    throw await failureOf(tables.folder, err);
  }
}

/** LMDB's MDB_PANIC: this process's hold of the database is dead, the database is not. */
const PANIC = -30_795;

/** A database that only this process cannot use any more is no error to tell: the process ends, and its successor goes on. */
async function failureOf(folder: string, err: unknown): Promise<Error> {
  const { commitError } = err as { commitError?: Promise<unknown> };
  const why: unknown = await commitError?.catch((reason: unknown) => reason);
  if ((why as { code?: unknown } | undefined)?.code === PANIC)
    return new Error(`Cannot go on with the namespace in "${folder}" in this process`, { cause: why });
  return cannotUse(folder, why ?? err);
}

/** What lmdb's types leave out: false when the key is there. */
interface PutNew {
  putSync(key: Buffer, value: Buffer, options: { noOverwrite: true }): boolean;
}

export class Writer {
  readonly #tables: Tables;
  readonly #rows: InodeRows;
  #nextIno: number | undefined;
  #inosTaken = 0;
  readonly #nowMs: number;
  #gone = 0;
  #prefixFolder = 0;
  #prefix: Buffer | undefined;

  constructor(tables: Tables) {
    this.#tables = tables;
    this.#nowMs = tables.nowMs();
    this.#rows = new InodeRows((key, value) => {
      tables.inodes.putSync(key, value);
    });
  }

  known(folder: number, name: Buffer): Known | undefined {
    return this.#tables.known(folder, name);
  }

  /** The number that `add` will take if it is given none. */
  nextIno(): number {
    return (this.#nextIno ??= (this.#tables.readMeta('next-ino') as number | undefined) ?? FIRST_FREE_INO);
  }

  /** Numbers below are not given out any more. */
  skipTo(ino: number): void {
    if (this.nextIno() < ino) this.setMeta('next-ino', (this.#nextIno = ino));
  }

  /** A new name: its number is `nextIno()`, or one the storage keeps. False, and nothing done, when the name is there. */
  add(folder: number, name: Buffer, known: Known): boolean {
    const key = nameKey(folder, name);
    const names = this.#tables.names as unknown as PutNew;
    if (!names.putSync(key, encodeKnown(key, known), { noOverwrite: true })) return false;
    this.#number(folder, name, known.ino);
    return true;
  }

  /** Replaces what is known of a name; under another number if `known` has another. */
  replace(folder: number, name: Buffer, known: Known, hasNewIno: boolean): void {
    const key = nameKey(folder, name);
    this.#tables.names.putSync(key, encodeKnown(key, known));
    if (hasNewIno) this.#number(folder, name, known.ino);
  }

  remove(folder: number, name: Buffer): void {
    this.#tables.names.removeSync(nameKey(folder, name));
  }

  setFolder(folder: number, row: FolderRow): void {
    const key = inoKey(folder);
    this.#tables.folders.putSync(key, seal(key, encodeFolder(row)));
  }

  /** It was not there when the storage was counted. */
  setFolderNew(folder: number): void {
    this.setFolder(folder, { state: 'new', count: this.#tables.counts });
  }

  /** The number's name goes. */
  noteGone(ino: number, isFolder: boolean): void {
    noteGoneInode(this.#tables, ino, this.#nowMs);
    this.#gone += 1;
    if (!isFolder) return;
    this.#tables.folders.removeSync(inoKey(ino));
    noteGoneFolder(this.#tables, ino);
  }

  /** No name below a folder that went is written down any more. */
  emptied(folder: number): void {
    noteEmptied(this.#tables, folder);
  }

  /** Undefined when nobody knows where the folder is. */
  objectWords(folder: number, name: Buffer, version: string, sizeBytes: number): ObjectWords | undefined {
    if (folder !== this.#prefixFolder) {
      this.#rows.flush(); // the folder may be new
      this.#prefix = this.#tables.prefixOf(folder);
      this.#prefixFolder = folder;
    }
    const prefix = this.#prefix;
    return prefix === undefined ? undefined : objectWords(prefix, name, version, sizeBytes);
  }

  setMeta(name: MetaKey, content: unknown): void {
    const key = Buffer.from(name);
    this.#tables.meta.putSync(key, seal(key, Buffer.from(`\0\0\0\0${JSON.stringify(content)}`)));
  }

  finish(): void {
    this.#rows.flush();
    if (this.#gone > 0) clearGone(this.#tables, this.#nowMs, 2 * this.#gone + CLEAR_MIN);
    if (this.#inosTaken > 0) this.setMeta('next-ino', this.#nextIno);
  }

  #number(folder: number, name: Buffer, ino: number): void {
    if (ino === this.#nextIno) {
      this.#nextIno += 1;
      this.#inosTaken += 1;
    }
    this.#rows.add(ino, folder, name);
  }
}
