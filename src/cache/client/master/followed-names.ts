// The names of a client: a namespace over the master, kept right by its feed of changes.
//
// What the feed tells is told on, so that the kernel forgets it too; what a reader found to be wrong is told to the master,
// who would go on saying it until its own policy makes it ask the storage.
import type { Change, Entry, Eventually, GiveEntry, Namespace, Totals } from '../../namespace/index.ts';
import type { NameChange } from '../../rpc/master/index.ts';
import { UfsError } from '../../ufs/index.ts';
import { distrustNames } from './distrust.ts';
import type { MasterUfs } from './master-ufs.ts';

type Listener = (changes: readonly Change[]) => void;

const SLASH = Buffer.from('/');

export class FollowedNames implements Namespace {
  readonly #names: Namespace;
  readonly #master: Pick<MasterUfs, 'distrust'>;
  /** As the master counted them. */
  storageTotals: Totals = { files: undefined, bytes: undefined };
  #listener: Listener = () => {};

  /** `names` stands on `master`. */
  constructor(names: Namespace, master: Pick<MasterUfs, 'distrust'>) {
    this.#names = names;
    this.#master = master;
  }

  /** For the feed: when it returns these names are not trusted any more, on disk too. */
  told(changes: readonly NameChange[] | 'resync'): void {
    this.#listener(distrustNames(this.#names, changes));
  }

  lookup(folder: number, name: Buffer): Eventually<Entry | undefined> {
    return this.#names.lookup(folder, name);
  }

  known(folder: number, name: Buffer): Entry | undefined {
    return this.#names.known(folder, name);
  }

  list(folder: number, cookie: number, give: GiveEntry): Eventually<void> {
    return this.#names.list(folder, cookie, give);
  }

  pathOf(ino: number): Buffer {
    return this.#names.pathOf(ino);
  }

  refresh(folder: number, deep: boolean, signal?: AbortSignal): Promise<void> {
    return this.#names.refresh(folder, deep, signal);
  }

  isListed(folder: number): boolean {
    return this.#names.isListed(folder);
  }

  /** A reader found it to be wrong. */
  invalidate(what: { readonly folder: number; readonly name: Buffer } | 'all'): void {
    this.#names.invalidate(what);
    if (what === 'all') return;
    const above = this.#pathOf(what.folder);
    if (above !== undefined) this.#master.distrust(joinPath(above, what.name));
  }

  totals(): Totals {
    return this.storageTotals;
  }

  onChange(listener: Listener): void {
    this.#listener = listener;
    this.#names.onChange(listener);
  }

  close(): Promise<void> {
    return this.#names.close();
  }

  /** Undefined when the folder is gone. */
  #pathOf(folder: number): Buffer | undefined {
    try {
      return this.#names.pathOf(folder);
    } catch (err) {
      if (err instanceof UfsError && err.code === 'not-found') return undefined;
      throw err;
    }
  }
}

function joinPath(folder: Buffer, name: Buffer): Buffer {
  return folder.length === 0 ? name : Buffer.concat([folder, SLASH, name]);
}
