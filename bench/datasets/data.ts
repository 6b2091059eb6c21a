// The data set of the bench, in the object store and as a plain folder: the same files under the same names.
//
//   big                 one large file
//   streams/N/big       four, read at the same time
//   small/NNNN/NNNN     many small ones, a thousand in a folder
//   warm/NNNN/NNNN      some more, read before a measurement by a client that has just started
import { createCipheriv, createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Store, Upload } from './store.ts';

export interface DataSize {
  bigMiB: number;
  streamMiB: number;
  smallFiles: number;
}

export const STREAMS = 4;
export const SMALL_BYTES = 16 * 1024;
const MIB = 1024 * 1024;
const PER_FOLDER = 1000;
const WARM_FILES = 200;

export interface DataFile {
  path: string;
  sizeBytes: number;
}

export class Data {
  readonly size: DataSize;
  /** Of its keys: another size is another data set. */
  readonly prefix: string;

  constructor(size: DataSize) {
    this.size = size;
    this.prefix = `data-${createHash('sha256').update(JSON.stringify(size)).digest('hex').slice(0, 8)}`;
  }

  get big(): DataFile {
    return { path: 'big', sizeBytes: this.size.bigMiB * MIB };
  }

  get streams(): DataFile[] {
    const sizeBytes = this.size.streamMiB * MIB;
    return Array.from({ length: STREAMS }, (_, index) => ({ path: `streams/${index}/big`, sizeBytes }));
  }

  get small(): DataFile[] {
    return manySmall('small', this.size.smallFiles);
  }

  /** What the store does not have yet goes there. */
  async ensureStored(store: Store): Promise<void> {
    const done = `${this.prefix}.done`;
    if (await store.has(done)) return;
    const uploads = this.#files().map((file): Upload => {
      const content = new Content(file.path);
      return { key: `${this.prefix}/${file.path}`, sizeBytes: file.sizeBytes, chunk: () => content.next() };
    });
    await store.upload(uploads);
    await store.upload([{ key: done, sizeBytes: 0, chunk: () => Buffer.alloc(0) }]);
  }

  /** The same files as plain ones; what is there from an earlier run stays. */
  ensureFiles(folder: string): void {
    const done = join(folder, '.done');
    if (existsSync(done)) return;
    for (const { path, sizeBytes } of this.#files()) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      const fd = openSync(join(folder, path), 'w');
      const content = new Content(path);
      for (let left = sizeBytes; left > 0;) left -= writeSync(fd, content.next(), 0, Math.min(left, MIB));
      if (sizeBytes > MIB) fsyncSync(fd);
      closeSync(fd);
    }
    writeFileSync(done, '');
  }

  #files(): DataFile[] {
    return [this.big, ...this.streams, ...this.small, ...manySmall('warm', WARM_FILES)];
  }
}

/** Bytes that do not compress; each MiB begins with a mark of its own, so that a piece in the wrong place is told. */
class Content {
  /** The same in every run. */
  static readonly #noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(MIB));
  readonly #path: string;
  #index = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** A buffer of its own: the last one may still be on its way. */
  next(): Buffer {
    const bytes = Buffer.from(Content.#noise);
    bytes.write(`${this.#path} ${this.#index++}\n`);
    return bytes;
  }
}

function manySmall(folder: string, files: number): DataFile[] {
  return Array.from({ length: files }, (_, index) => ({
    path: `${folder}/${number(Math.floor(index / PER_FOLDER))}/${number(index % PER_FOLDER)}`,
    sizeBytes: SMALL_BYTES,
  }));
}

function number(value: number): string {
  return String(value).padStart(4, '0');
}
