// The namespace: names, attributes and versions of a dataset, known lazily, kept on disk, with inode numbers that stay.
//
// Whatever is known is answered at once; what is not is asked of the under storage once, however many ask.

import type { ObjectWords } from '../ufs/index.ts';

export const ROOT_INO = 1;

export interface Entry {
  /** Stable for the path for as long as the namespace is kept. 1 is the root. */
  readonly ino: number;
  readonly kind: 'file' | 'folder' | 'link';
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly version: string;
  readonly posix: { readonly mode: number; readonly uid: number; readonly gid: number } | undefined;
  readonly target: Buffer | undefined;
  /** Of a file: the words of its object's id (objectRef() of its path, version and size), if they are at hand. */
  readonly objectWords?: ObjectWords | undefined;
}

export type Eventually<T> = T | Promise<T>;

/** Takes one entry; false when it did not fit, and is asked for again by the cookie before it. */
export type GiveEntry = (name: Buffer, entry: Entry, cookie: number) => boolean;

export interface Change {
  readonly folder: number;
  readonly name: Buffer;
  /** Of what was there before. */
  readonly ino: number;
  readonly what: 'added' | 'removed' | 'changed';
}

export interface Totals {
  /** Undefined while they are being counted. */
  readonly files: number | undefined;
  readonly bytes: number | undefined;
}

export interface Namespace {
  /** Undefined: no such name. Throws UfsError when it is not known and cannot be asked for. */
  lookup(folder: number, name: Buffer): Eventually<Entry | undefined>;
  /** As it is known, whatever its age; undefined when it is not. Never asks the storage. */
  known(folder: number, name: Buffer): Entry | undefined;
  /** Entries after `cookie` (0: from the start), ordered by name, until there are no more or `give` refuses. */
  list(folder: number, cookie: number, give: GiveEntry): Eventually<void>;
  /** Of a folder or file that is known. Throws UfsError 'not-found'. */
  pathOf(ino: number): Buffer;
  /** Asks the storage anew, for all below (`deep`) or the folder itself; resolves when it is known. */
  refresh(folder: number, deep: boolean, signal?: AbortSignal): Promise<void>;
  /** True while the folder's listing is complete and fresh: what a reader remembers of it is right. Never asks. */
  isListed(folder: number): boolean;
  /**
   * The name and its folder's listing ('all': every one) are not to be trusted any more, whatever the policy: the next use
   * asks the storage, and falls back to what is known only while that cannot be reached. Answers that are under way do not
   * count as asked: a call made after this one asks anew. Survives SIGKILL when it returns; asks nothing itself.
   */
  invalidate(what: { readonly folder: number; readonly name: Buffer } | 'all'): void;
  totals(): Totals;
  /** Called for whatever was found changed; at most one listener. */
  onChange(listener: (changes: readonly Change[]) => void): void;
  close(): Promise<void>;
}
