// How many bytes readers got, counted on their way: what the block source says of itself is only what it fetched.
// What the kernel reads by passthrough, or has in its page cache, comes by no daemon and is not counted.
import type { BlockFile, BlockSource } from '../../cache/fill/index.ts';

export interface ReadCounts {
  readBytes: number;
}

/** The same source; counts what is read from the files it opens. */
export function countReads(source: BlockSource, counts: ReadCounts): BlockSource {
  return {
    open: (object) => new CountedFile(source.open(object), counts),
    find: (objectId) => {
      const file = source.find(objectId);
      return file && new CountedFile(file, counts);
    },
    close: () => source.close(),
  };
}

class CountedFile implements BlockFile {
  readonly object: BlockFile['object'];
  readonly #file: BlockFile;
  readonly #counts: ReadCounts;

  constructor(file: BlockFile, counts: ReadCounts) {
    this.object = file.object;
    this.#file = file;
    this.#counts = counts;
  }

  read(offset: number, into: Buffer): number | Promise<number> {
    this.#counts.readBytes += Math.max(0, Math.min(into.length, this.object.sizeBytes - offset));
    return this.#file.read(offset, into);
  }

  prefetch(offset: number, length: number): void {
    this.#file.prefetch(offset, length);
  }

  openWhole(): Promise<number | undefined> {
    return this.#file.openWhole();
  }

  close(): void {
    this.#file.close();
  }
}
