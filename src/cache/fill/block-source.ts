// Where a reader gets an object's bytes from, whoever keeps them: the cache of this machine, or workers elsewhere.

export type { ObjectRef } from '../ufs/index.ts';
import type { ObjectRef } from '../ufs/index.ts';

export interface BlockFile {
  readonly object: ObjectRef;
  /**
   * Fills `into` from `offset`, short only at the end of the file: at once where the bytes are at hand, else by a promise.
   * Throws UfsError: 'changed' when the version asked for is gone and not cached.
   */
  read(offset: number, into: Buffer): number | Promise<number>;
  /** These bytes will be wanted soon. Bounded: what does not fit is left out. */
  prefetch(offset: number, length: number): void;
  /** A descriptor of a complete, checked local copy, the caller's own; undefined where there is none (yet). */
  openWhole(): Promise<number | undefined>;
  close(): void;
}

export interface BlockSource {
  open(object: ObjectRef): BlockFile;
  /** An object known by its id alone, if it is in the local cache: an older version of what the namespace names now. */
  find(objectId: string): BlockFile | undefined;
  /** Bytes are on their way here: whoever serves should look after them rather than wait for the next request. */
  readonly isFetching?: boolean;
  close(): Promise<void>;
}
