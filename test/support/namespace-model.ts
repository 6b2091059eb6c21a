// What a namespace must answer over a MemoryUfs, and what its inode numbers must keep to: a path keeps its number as long as
// the same kind of thing was there all the time, and no number is ever given to another path.
import assert from 'node:assert/strict';
import type { Entry, Namespace } from '../../src/cache/namespace/index.ts';
import { ROOT_INO } from '../../src/cache/namespace/index.ts';
import { UfsError } from '../../src/cache/ufs/index.ts';
import type { MemoryUfs } from './memory-ufs.ts';

interface Given {
  readonly ino: number;
  readonly kind: string;
  wasAway: boolean;
}

export class NamespaceModel {
  readonly #ufs: MemoryUfs;
  readonly given = new Map<string, Given>();
  readonly #pathOfIno = new Map<number, string>();

  constructor(ufs: MemoryUfs) {
    this.#ufs = ufs;
  }

  /** After the storage was changed. */
  async changed(): Promise<void> {
    for (const [path, given] of this.given) {
      const now = await this.#ufs.stat(Buffer.from(path, 'latin1'));
      if (now?.kind !== given.kind) given.wasAway = true;
    }
  }

  /** An answer about a path. */
  note(path: string, entry: Entry): void {
    const before = this.given.get(path);
    if (before !== undefined && !before.wasAway) assert.equal(entry.ino, before.ino, `the number of ${path} changed`);
    const owner = this.#pathOfIno.get(entry.ino);
    assert.ok(owner === undefined || owner === path, `${entry.ino} was of ${owner ?? ''}, now of ${path}`);
    this.given.set(path, { ino: entry.ino, kind: entry.kind, wasAway: false });
    this.#pathOfIno.set(entry.ino, path);
  }

  /** Looks the path up, name by name, and compares with the storage. */
  async lookup(namespace: Namespace, path: string): Promise<Entry | undefined> {
    let folder = ROOT_INO;
    let entry: Entry | undefined;
    let at = '';
    for (const name of path.split('/')) {
      at = at === '' ? name : `${at}/${name}`;
      entry = await namespace.lookup(folder, Buffer.from(name, 'latin1'));
      const there = await this.#ufs.stat(Buffer.from(at, 'latin1'));
      assert.deepEqual(facts(entry), facts(there), at);
      if (entry === undefined) return undefined;
      this.note(at, entry);
      assert.equal(namespace.pathOf(entry.ino).toString('latin1'), at);
      if (entry.kind !== 'folder') break;
      folder = entry.ino;
    }
    return at === path ? entry : undefined;
  }

  /** Lists a folder `few` entries at a time, and compares with the storage. */
  async list(namespace: Namespace, path: string, few: number): Promise<void> {
    const above = path === '' ? { ino: ROOT_INO, kind: 'folder' } : this.given.get(path);
    if (above?.kind !== 'folder') return; // the kernel lists nothing else
    const folder = above.ino;
    const wanted = await listing(this.#ufs, path);
    let got: { name: string; entry: Entry }[];
    try {
      got = await listAll(namespace, folder, few);
    } catch (err) {
      if (!(err instanceof UfsError)) throw err;
      const given = this.given.get(path);
      assert.ok(wanted === undefined || given?.wasAway === true, `${path} is there`);
      return;
    }
    // A number that another thing has taken over since is no business of ours.
    if (wanted === undefined) return;
    assert.deepEqual(
      got.map(({ name, entry }) => `${name} ${facts(entry)}`),
      wanted,
    );
    for (const { name, entry } of got) this.note(path === '' ? name : `${path}/${name}`, entry);
  }
}

export async function listAll(ns: Namespace, folder: number, few: number): Promise<{ name: string; entry: Entry }[]> {
  const all: { name: string; entry: Entry }[] = [];
  for (let cookie = 0, got = few; got === few;) {
    got = 0;
    await ns.list(folder, cookie, (name, entry, next) => {
      if (got === few) return false;
      got += 1;
      cookie = next;
      all.push({ name: name.toString('latin1'), entry });
      return true;
    });
  }
  return all;
}

async function listing(ufs: MemoryUfs, path: string): Promise<string[] | undefined> {
  const names = new Map<string, string>();
  try {
    for await (const page of ufs.list(Buffer.from(path, 'latin1'))) {
      for (const entry of page.entries) {
        const name = entry.name.toString('latin1');
        if (!names.has(name) || entry.kind === 'folder') names.set(name, `${name} ${facts(entry)}`);
      }
    }
  } catch (err) {
    if (err instanceof UfsError && err.code === 'not-found') return undefined;
    throw err;
  }
  return [...names].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
}

function facts(entry: Pick<Entry, 'kind' | 'sizeBytes' | 'version'> | undefined): string {
  return entry === undefined ? 'nothing' : `${entry.kind} ${entry.sizeBytes} ${entry.version}`;
}
