// A bucket may have a key "a" and keys "a/…". A file system can show one of them: the folder, and "a" is counted as skipped.
//
// Keys come sorted by their bytes, so between "a" and "a/…" there may be any number of others ("a-1", "a.txt"). A file whose
// folder may still come is held back together with what follows it, for at most a page more; after that the storage is asked.
export interface Sorted {
  /** One character per byte; a folder's ends in "/". */
  readonly key: string;
}

export interface SortedPage<T> {
  readonly items: readonly T[];
  readonly skipped: number;
}

/** The same items in the same order without the files that are folders too. */
export async function* whereFolderWins<T extends Sorted>(
  pages: AsyncIterable<SortedPage<T>>,
  hasFolder: (key: string) => Promise<boolean>,
): AsyncGenerator<SortedPage<T>, void, undefined> {
  const held = new Held<T>();
  for await (const page of pages) {
    const before = held.openCount;
    for (const item of page.items) held.push(item);
    // Still open after a whole page: worth a request.
    const late = Math.min(before, held.openCount);
    for (let each = 0; each < late; each += 1) held.settleFirst(await hasFolder(held.firstOpen));
    yield held.take(page.skipped);
  }
  held.settleAll();
  yield held.take(0);
}

class Held<T extends Sorted> {
  #items: (T | undefined)[] = [];
  /** Places of files whose folder may still come: each one's key begins with the key before. */
  #open: number[] = [];
  #dropped = 0;

  get openCount(): number {
    return this.#open.length;
  }

  get firstOpen(): string {
    return this.#keyAt(this.#open[0] ?? -1);
  }

  push(item: T): void {
    for (let last = this.#open.at(-1); last !== undefined; last = this.#open.at(-1)) {
      const folder = `${this.#keyAt(last)}/`;
      if (item.key < folder) break;
      if (item.key.startsWith(folder)) this.#drop(last);
      this.#open.pop();
    }
    if (!item.key.endsWith('/')) this.#open.push(this.#items.length);
    this.#items.push(item);
  }

  settleFirst(isFolder: boolean): void {
    const first = this.#open.shift();
    if (isFolder && first !== undefined) this.#drop(first);
  }

  settleAll(): void {
    this.#open = [];
  }

  /** What is certain. */
  take(skipped: number): SortedPage<T> {
    const end = this.#open[0] ?? this.#items.length;
    const items = this.#items.slice(0, end).filter((item) => item !== undefined);
    this.#items = this.#items.slice(end);
    this.#open = this.#open.map((at) => at - end);
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { items, skipped: skipped + dropped };
  }

  #keyAt(at: number): string {
    return this.#items[at]?.key ?? '';
  }

  #drop(at: number): void {
    this.#items[at] = undefined;
    this.#dropped += 1;
  }
}
