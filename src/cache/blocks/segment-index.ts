// What is on disk, as far as this process knows: one small entry per segment, by object and index.
import type { TierPath } from './tier-path.ts';

export interface Entry {
  readonly object: string;
  readonly index: number;
  readonly path: TierPath;
  readonly isSmall: boolean;
  /** Of the disk. */
  usedBytes: number;
  /** Of the object; undefined until somebody looked into the sidecar. */
  cachedBytes: number | undefined;
  lastUsedMs: number;
  /** When that was last written to disk. */
  touchedMs: number;
}

export class SegmentIndex {
  /** Most objects have one segment: no map for those. */
  readonly #objects = new Map<string, Entry | Map<number, Entry>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(object: string, index: number): Entry | undefined {
    const found = this.#objects.get(object);
    if (found instanceof Map) return found.get(index);
    return found?.index === index ? found : undefined;
  }

  /** Only where there is none of that object and index. */
  add(entry: Entry): void {
    const found = this.#objects.get(entry.object);
    if (found === undefined) this.#objects.set(entry.object, entry);
    else if (found instanceof Map) found.set(entry.index, entry);
    else this.#objects.set(entry.object, new Map([found, entry].map((it) => [it.index, it])));
    entry.path.usedBytes += entry.usedBytes;
    this.#size++;
  }

  remove(entry: Entry): void {
    const found = this.#objects.get(entry.object);
    if (found === entry) this.#objects.delete(entry.object);
    else if (!(found instanceof Map) || found.get(entry.index) !== entry) return;
    else if (found.delete(entry.index) && found.size === 0) this.#objects.delete(entry.object);
    entry.path.usedBytes -= entry.usedBytes;
    this.#size--;
  }

  resize(entry: Entry, usedBytes: number): void {
    entry.path.usedBytes += usedBytes - entry.usedBytes;
    entry.usedBytes = usedBytes;
  }

  /** The segments of an object, as they are now. */
  of(object: string): Entry[] {
    const found = this.#objects.get(object);
    if (found === undefined) return [];
    return found instanceof Map ? [...found.values()] : [found];
  }

  *all(): IterableIterator<Entry> {
    for (const found of this.#objects.values()) {
      if (found instanceof Map) yield* found.values();
      else yield found;
    }
  }
}
