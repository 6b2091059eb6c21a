// A folder read as telldir and seekdir see it: entries with the positions behind them, in requests of a chosen size.
import { closeSync, constants, openSync } from 'node:fs';
import { errno, errnoName, file } from '../../src/libc/index.ts';

export interface StreamedEntry {
  name: string;
  ino: bigint;
  /** Where the entry after this one is found. */
  next: bigint;
}

export class FolderStream implements Disposable {
  readonly #fd: number;
  readonly #records: Buffer;

  constructor(path: string, bufferBytes: number) {
    this.#fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    this.#records = Buffer.alloc(bufferBytes);
  }

  /** The entries of one request; empty at the end. */
  take(): StreamedEntry[] {
    const count = file.getdents(this.#fd, this.#records, this.#records.length);
    if (count < 0) throw new Error(`Cannot read a folder: ${errnoName(errno())}`);
    const entries: StreamedEntry[] = [];
    for (let at = 0; at < count; at += this.#records.readUInt16LE(at + 16)) {
      const name = this.#records.toString('latin1', at + 19, this.#records.indexOf(0, at + 19));
      entries.push({ name, ino: this.#records.readBigUInt64LE(at), next: this.#records.readBigInt64LE(at + 8) });
    }
    return entries;
  }

  takeAll(): StreamedEntry[] {
    const all: StreamedEntry[] = [];
    for (let entries = this.take(); entries.length > 0; entries = this.take()) all.push(...entries);
    return all;
  }

  seek(position: bigint): void {
    if (BigInt(file.lseek(this.#fd, position, 0)) < 0n)
      throw new Error(`Cannot seek in a folder: ${errnoName(errno())}`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
