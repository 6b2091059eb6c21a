// A BlockSource without a cache: every read is a read of the under storage, counted by it. With an empty block store to
// go with it. For tests of what stands in front of a cache and must not care what it is.
import type { BlockStore } from '../../src/cache/blocks/index.ts';
import type { BlockFile, BlockSource } from '../../src/cache/fill/index.ts';
import type { ObjectRef, Ufs } from '../../src/cache/ufs/index.ts';

export class PlainBlocks implements BlockSource {
  /** Ranges that were announced. */
  readonly prefetched: { path: string; offset: number; length: number }[] = [];
  /** Bytes read so far. */
  readBytes = 0;
  openFiles = 0;
  readonly #ufs: Pick<Ufs, 'read'>;

  constructor(ufs: Pick<Ufs, 'read'>) {
    this.#ufs = ufs;
  }

  open(object: ObjectRef): BlockFile {
    this.openFiles += 1;
    return {
      object,
      read: (offset, into) => this.#read(object, offset, into),
      prefetch: (offset, length) => void this.prefetched.push({ path: object.path.toString('latin1'), offset, length }),
      openWhole: async () => undefined,
      close: () => void (this.openFiles -= 1),
    };
  }

  find(): undefined {
    return undefined;
  }

  async close(): Promise<void> {}

  async #read(object: ObjectRef, offset: number, into: Buffer): Promise<number> {
    const length = Math.min(into.length, Math.max(0, object.sizeBytes - offset));
    let at = 0;
    await this.#ufs.read(object.path, object.version, offset, length, (chunk) => void (at += chunk.copy(into, at)));
    this.readBytes += length;
    return length;
  }
}

/** A store that never keeps anything, and remembers what it was told to evict. */
export function emptyStore(): BlockStore & { readonly evicted: (readonly string[] | undefined)[] } {
  const evicted: (readonly string[] | undefined)[] = [];
  return {
    evicted,
    begin: async () => {},
    counted: async () => {},
    open: () => undefined,
    find: () => undefined,
    evict: async (objects) => evicted.push(objects),
    cachedBytes: () => 7,
    usage: () => ({
      tiers: [{ medium: 'MEM', path: '/cache', quotaBytes: 100, usedBytes: 40, failed: undefined }],
      segments: 0,
      evictedBytes: 0,
      damagedBlocks: 0,
    }),
    close: async () => {},
  };
}
