// How inode numbers lead back to names: table `inodes`. Numbers given out one after another in one folder share a row, keyed
// by the first of them: seal u32, the folder's number u48, then each name behind a byte for its length. So a page of a
// listing costs a few rows, not one per name. Rows stay for a while when a name goes (gone.ts): a reader may still hold its number as a cookie.
import { INO_BYTES, inoKey, readIno } from './record.ts';
import { seal, SEAL_BYTES } from './seal.ts';

export interface Place {
  readonly folder: number;
  readonly name: Buffer;
}

const NAMES_FROM = SEAL_BYTES + INO_BYTES;
/** What LMDB keeps within a page of 4096 bytes without a page of its own, less the key. */
const ROW_BYTES_MAX = 1500;

/** Collects rows; `write` is given each when it is full. */
export class InodeRows {
  readonly #write: (key: Buffer, value: Buffer) => void;
  readonly #row = Buffer.allocUnsafe(ROW_BYTES_MAX);
  #folder = 0;
  #first = 0;
  #next = 0;
  #length = 0;

  constructor(write: (key: Buffer, value: Buffer) => void) {
    this.#write = write;
  }

  add(ino: number, folder: number, name: Buffer): void {
    const fits = this.#length + 1 + name.length <= ROW_BYTES_MAX;
    if (ino !== this.#next || folder !== this.#folder || !fits) {
      this.flush();
      this.#folder = folder;
      this.#first = ino;
      this.#length = NAMES_FROM;
    }
    this.#row[this.#length] = name.length;
    this.#row.set(name, this.#length + 1);
    this.#length += 1 + name.length;
    this.#next = ino + 1;
  }

  flush(): void {
    if (this.#first === 0) return;
    const value = Buffer.from(this.#row.subarray(0, this.#length));
    inoKey(this.#folder).copy(value, SEAL_BYTES);
    const key = inoKey(this.#first);
    this.#write(key, seal(key, value));
    this.#first = this.#next = 0;
  }
}

/** Every number of a row and its place. */
export function* namesIn(rowKey: Buffer, value: Buffer): Iterable<Place & { readonly ino: number }> {
  const folder = readIno(value.subarray(SEAL_BYTES));
  let ino = readIno(rowKey);
  for (let at = NAMES_FROM; at < value.length; ino++) {
    const to = at + 1 + (value[at] as number);
    yield { ino, folder, name: Buffer.from(value.subarray(at + 1, to)) };
    at = to;
  }
}

/** The place of `ino` in the row that begins at or before it; undefined when that row ends before it. */
export function placeIn(rowKey: Buffer, value: Buffer, length: number, ino: number): Place | undefined {
  let at = NAMES_FROM;
  for (let before = ino - readIno(rowKey); before > 0 && at < length; before--) at += 1 + (value[at] as number);
  if (at >= length) return undefined;
  const name = Buffer.from(value.subarray(at + 1, at + 1 + (value[at] as number)));
  return { folder: readIno(value.subarray(SEAL_BYTES)), name };
}
