// The database: five tables in LMDB, with sealed values (seal.ts).
//
//   names    folder number and name → what is known of it (record.ts)
//   inodes   first of some inode numbers → where they are (inode-row.ts)
//   folders  folder number → what is known of it as a whole (folder-row.ts)
//   gone     what is still to be cleared away (gone.ts)
//   meta     a few rows of JSON: what this is, the next inode number, the era, totals
//
// Writing is done in transactions that LMDB's own thread commits; a promise of `write` resolves once the transaction is
// visible to every process and survives SIGKILL. Reaching the disk follows behind (LMDB "overlapping sync"): after a power
// loss the database is as it was after some earlier transaction, whole. Any number of processes may read, and one writes.
import { open, type Database, type RootDatabase } from 'lmdb';
import { damaged } from './errors.ts';
import { decodeFolder, type FolderRow } from './folder-row.ts';
import { placeIn, type Place } from './inode-row.ts';
import { ROOT_INO } from './namespace.ts';
import { decodeKnown, INO_BYTES, inoKey, nameKey, type Known } from './record.ts';
import { isSealed, SEAL_BYTES } from './seal.ts';

export type Table = Database<Buffer, Buffer>;
/**
 * What it means when a name comes to be known in a folder: nothing, as it may have been there all the time; that the totals
 * have not got it yet; or that besides it was not there before, which is told to the listener.
 */
export type News = 'none' | 'counts' | 'told';
export type MetaKey = 'about' | 'next-ino' | 'totals' | 'era';

const BINARY = { encoding: 'binary', keyEncoding: 'binary' } as const;
/** Values are taken from LMDB's own buffer, without a copy: they are decoded before the next one is read. */
const IN_PLACE = {
  keyEncoding: 'binary',
  encoder: { encode: (value: Buffer): Buffer => value, decode: (value: Buffer): Buffer => value },
} as const;
/** Addresses set aside at once: while a map grows, the old and the new one both count as memory. It still grows beyond. */
const MAP_BYTES = 2 ** 34;
const PREFIXES_MAX = 4_096;
export const DEPTH_MAX = 4_096;
const SLASH = Buffer.from('/');
/** Behind every name of a folder: a name has at most 255 bytes. */
const AFTER_NAMES = Buffer.alloc(256, 0xff);

export class Tables {
  readonly folder: string;
  readonly nowMs: () => number;
  readonly names: Table;
  readonly inodes: Table;
  readonly folders: Table;
  readonly gone: Table;
  readonly meta: Table;
  /** Names the last complete count of the storage; set by whoever counts. */
  counts = 0;
  readonly #prefixes = new Map<number, Buffer>();
  readonly #root: RootDatabase<Buffer, Buffer>;

  /** Opens what is in the folder, or makes it. */
  constructor(folder: string, nowMs: () => number) {
    this.folder = folder;
    this.nowMs = nowMs;
    this.#root = open<Buffer, Buffer>({
      path: folder,
      noSubdir: false,
      ...BINARY,
      maxDbs: 8,
      mapSize: MAP_BYTES,
      separateFlushed: true,
    });
    const table = (name: string): Table => this.#root.openDB<Buffer, Buffer>({ name, ...BINARY });
    this.names = this.#root.openDB<Buffer, Buffer>({ name: 'names', ...IN_PLACE });
    this.inodes = table('inodes');
    this.folders = table('folders');
    this.gone = table('gone');
    this.meta = table('meta');
  }

  known(folder: number, name: Buffer): Known | undefined {
    const key = nameKey(folder, name);
    const value = this.names.getBinaryFast(key);
    return value === undefined ? undefined : this.#decode(key, value);
  }

  /** Names of a folder in order, after `after`; return from the loop early to stop. */
  *namesOf(folder: number, after?: Buffer): Iterable<{ readonly name: Buffer; readonly known: Known }> {
    const range = {
      start: after === undefined ? inoKey(folder) : nameKey(folder, after),
      end: nameKey(folder, AFTER_NAMES),
      exclusiveStart: after !== undefined,
      snapshot: false,
    };
    for (const { key, value } of this.names.getRange(range)) {
      yield { name: key.subarray(INO_BYTES), known: this.#decode(key, value) };
    }
  }

  hasNames(folder: number): boolean {
    const range = { start: inoKey(folder), end: nameKey(folder, AFTER_NAMES), limit: 1 };
    for (const _ of this.names.getKeys(range)) return true;
    return false;
  }

  /** Where an inode number was given out; it may not be there any more. */
  place(ino: number): Place | undefined {
    const row = this.row(ino);
    return row === undefined ? undefined : placeIn(row.key, row.value, row.value.length, ino);
  }

  /** The row in which the place of an inode number is, if it is anywhere. */
  row(ino: number): { readonly key: Buffer; readonly value: Buffer } | undefined {
    for (const { key, value } of this.inodes.getRange({ start: inoKey(ino), reverse: true, limit: 1 })) {
      this.#check('inodes', key, value);
      return { key, value };
    }
    return undefined;
  }

  /**
   * Path of a folder with "/" at its end, empty for the root; undefined when its place is not known. A number never gets
   * another place, so what was found is kept.
   */
  prefixOf(folder: number): Buffer | undefined {
    const kept = this.#prefixes.get(folder);
    if (kept !== undefined) return kept;
    const parts: Buffer[] = [];
    for (let at = folder; at !== ROOT_INO;) {
      const place = this.place(at);
      if (place === undefined || parts.push(SLASH, place.name) > 2 * DEPTH_MAX) return undefined;
      at = place.folder;
    }
    const prefix = Buffer.concat(parts.reverse());
    if (this.#prefixes.size >= PREFIXES_MAX) this.#prefixes.clear();
    this.#prefixes.set(folder, prefix);
    return prefix;
  }

  folderRow(folder: number): FolderRow | undefined {
    const key = inoKey(folder);
    const value = this.folders.getBinary(key);
    if (value === undefined) return undefined;
    this.#check('folders', key, value);
    return decodeFolder(value);
  }

  /** The folder's names were all known once. */
  wasListed(folder: number): boolean {
    return this.folderRow(folder)?.state === 'listed';
  }

  newsOf(folder: number): News {
    const row = this.folderRow(folder);
    if (row?.state === 'new') return row.count === this.counts ? 'counts' : 'none';
    return row === undefined ? 'none' : 'told';
  }

  get goneCount(): number {
    return (this.gone.getStats() as { entryCount: number }).entryCount;
  }

  readMeta(name: MetaKey): unknown {
    const key = Buffer.from(name);
    const value = this.meta.getBinary(key);
    if (value === undefined) return undefined;
    this.#check('meta', key, value);
    return JSON.parse(value.toString('utf8', SEAL_BYTES));
  }

  /** Runs `work` in a transaction; resolves with its result when that is committed. `work` must not throw. */
  async transaction<T>(work: () => T): Promise<T> {
    const result = await this.#root.transaction(work);
    this.names.resetReadTxn(); // so that what was committed is seen at once
    return result;
  }

  /** The same at once. */
  transactionSync(work: () => void): void {
    this.#root.transactionSync(work);
    this.names.resetReadTxn();
  }

  /** Keeps the pages of the present state from being used again until the returned function is called. */
  pin(): () => void {
    const transaction = this.#root.useReadTransaction();
    this.meta.get(Buffer.from('about'), { transaction });
    return () => transaction.done();
  }

  /** What is read next is what was committed last, also by a process that is gone. */
  renew(): void {
    this.names.resetReadTxn();
  }

  /** Frees what readers that were killed still hold. */
  clearStaleReaders(): void {
    this.#root.readerCheck();
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  #decode(key: Buffer, value: Buffer): Known {
    this.#check('names', key, value);
    return decodeKnown(value, value.length);
  }

  #check(table: string, key: Buffer, value: Buffer): void {
    if (!isSealed(key, value, value.length)) {
      throw damaged(this.folder, `a record of table ${table} is not what was written`);
    }
  }
}
