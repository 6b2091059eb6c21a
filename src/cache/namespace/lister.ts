// Lists folders of the storage into the database: one listing of a folder at a time, however many wait for it; a page of
// the storage is a transaction.
import type { Ufs } from '../ufs/index.ts';
import { forgetBelow, nothingFound, type Found } from './apply.ts';
import { Fills } from './folder-fill.ts';
import { goneFolders } from './gone.ts';
import type { Said } from './record.ts';
import type { Tables } from './tables.ts';
import { TreeFill } from './tree-fill.ts';
import { write, type Writer } from './writer.ts';

export interface ListerDeps {
  readonly ufs: Ufs;
  readonly tables: Tables;
  /** An answer that is asked for now. */
  readonly saidNow: () => Said;
  /** Of a folder; throws UfsError 'not-found'. */
  readonly pathOf: (ino: number) => Buffer;
  readonly onFound: (found: Found) => void;
}

/** Names forgotten in one transaction. */
const FORGET_NAMES = 2_000;

export class Lister {
  readonly fills = new Fills();
  readonly #trees = new Set<TreeFill>();
  readonly #deps: ListerDeps;
  readonly #listing = new Map<number, Promise<void>>();
  readonly #gone: number[] = [];
  #forgetting: Promise<void> | undefined;

  constructor(deps: ListerDeps) {
    this.#deps = deps;
  }

  /** Resolves when the folder is complete. `anew`: by a listing that begins after this call. */
  async list(folder: number, anew: boolean, signal?: AbortSignal): Promise<void> {
    if (anew) await this.#listing.get(folder)?.catch(() => {}); // whoever waits for that one is told
    signal?.throwIfAborted();
    const going = this.#listing.get(folder);
    if (going !== undefined) {
      await going;
      return;
    }
    const listing = this.#list(folder, anew ? signal : undefined);
    this.#listing.set(folder, listing);
    try {
      await listing;
    } finally {
      if (this.#listing.get(folder) === listing) this.#listing.delete(folder);
    }
  }

  /** Up to so many pages of the folder; unless there are more, it is complete then. Somebody may list it at the same time. */
  async listSome(folder: number, pagesMax: number, signal: AbortSignal): Promise<void> {
    if (!this.#listing.has(folder)) await this.#list(folder, signal, pagesMax);
  }

  /** What is under way about the folder does not count as asked any more; without one, about all of them. */
  distrust(folder?: number): void {
    if (folder === undefined) {
      this.#listing.clear(); // their era is over
      return;
    }
    this.#listing.delete(folder);
    this.fills.distrust(folder);
    for (const tree of this.#trees) tree.distrust(folder);
  }

  /** The folder and all below it, by one walk. */
  async walk(folder: number, signal?: AbortSignal): Promise<void> {
    const tree = this.tree(folder, undefined, () => {});
    try {
      for await (const page of this.#deps.ufs.walk(this.#deps.pathOf(folder), signal)) {
        signal?.throwIfAborted();
        await tree.page(page.entries);
      }
      await tree.end();
    } catch (err) {
      tree.abandon();
      throw err;
    }
  }

  tree(folder: number, after: Buffer | undefined, onWhole: (folder: number) => void): TreeFill {
    const { tables, saidNow } = this.#deps;
    const onOver = (): void => {
      this.#trees.delete(tree);
    };
    const deps = { tables, said: saidNow(), fills: this.fills, onFound: this.#tell, onWhole, onOver };
    const tree = new TreeFill(deps, folder, after);
    this.#trees.add(tree);
    return tree;
  }

  /** A transaction, whose findings are told once it is committed. */
  async write<T>(work: (writer: Writer, found: Found) => T): Promise<T> {
    const found = nothingFound();
    const result = await write(this.#deps.tables, (writer) => work(writer, found));
    await this.#tell(found);
    return result;
  }

  async #list(folder: number, signal: AbortSignal | undefined, pagesMax = Infinity): Promise<void> {
    const { ufs, tables, saidNow, pathOf } = this.#deps;
    const fill = this.fills.open(tables, folder, saidNow());
    let pages = 0;
    try {
      for await (const page of ufs.list(pathOf(folder), signal)) {
        signal?.throwIfAborted();
        if (++pages > pagesMax) return;
        await this.write((writer, found) => {
          for (const entry of page.entries) fill.add(writer, found, entry);
        });
      }
      while (!(await this.write((writer, found) => fill.finish(writer, found))));
    } finally {
      this.fills.close(fill);
    }
  }

  /** Goes on with what an earlier process began to forget. */
  async begin(): Promise<void> {
    const found = nothingFound();
    found.gone.push(...goneFolders(this.#deps.tables));
    await this.#tell(found);
  }

  readonly #tell = async (found: Found): Promise<void> => {
    const { gone } = found;
    this.#deps.onFound(found);
    if (gone.length === 0) return;
    this.#gone.push(...gone);
    this.#forgetting ??= this.#forget();
    try {
      await this.#forgetting;
    } finally {
      this.#forgetting = undefined;
    }
  };

  async #forget(): Promise<void> {
    const { tables, onFound } = this.#deps;
    while (this.#gone.length > 0) {
      const found = nothingFound();
      await write(tables, (writer) => forgetBelow(tables, writer, found, this.#gone, FORGET_NAMES));
      onFound(found);
    }
  }
}
