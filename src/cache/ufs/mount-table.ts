// Several under storages as one, each at a path of its own: what a dataset with mounts shows.
//
// The deepest mount point on the way to a path has it: at and below a mount point nothing shows of the storage it stands in.
// Folders on the way to a mount point are there even if no storage has them. The version of a file begins with a hash of its
// storage's identity, so another storage mounted at the same path never passes for the one before it.
import { UfsError } from './errors.ts';
import { mergeWalks } from './merge-walks.ts';
import { badConfig, changed, mountOf, ownVersion, shown, type Mount, type MountedUfs } from './mounted.ts';
import { joinPath, nameOf, pathText, splitPath } from './paths.ts';
import type { ByteSink, Ufs, UfsEntry, UfsPage, UfsWalkEntry, UfsWalkPage } from './ufs.ts';

const SLASH = Buffer.from('/');

export class MountTable implements Ufs {
  readonly identity: string;
  readonly walkIsOrdered: boolean;
  /** The deepest first. */
  readonly #mounts: readonly Mount[];

  /** Closes the storages at its end. Throws UfsError 'bad-config' for paths that are none, or two that are one. */
  constructor(mounts: readonly MountedUfs[]) {
    this.#mounts = mounts.map(mountOf).sort((one, other) => other.path.length - one.path.length);
    const paths = new Set(this.#mounts.map(({ path }) => path.toString()));
    if (mounts.length === 0) throw badConfig('nothing is mounted');
    if (paths.size < mounts.length) throw badConfig('two storages are mounted at one path');
    this.identity = identityOf(mounts);
    this.walkIsOrdered = mounts.every(({ ufs }) => ufs.walkIsOrdered);
  }

  async *list(folder: Buffer, signal?: AbortSignal): AsyncGenerator<UfsPage> {
    signal?.throwIfAborted();
    if (splitPath(folder) === undefined) throw notFound('list', folder);
    const made = this.#namesOnTheWay(folder);
    const mount = this.#mountOf(folder);
    if (mount === undefined && made.size === 0) throw notFound('list', folder);
    if (mount !== undefined) yield* this.#listMount(mount, folder, made, signal);
    if (made.size === 0) return;
    const entries = [...made.values()].map((name) => this.#standIn(joinPath(folder, name), signal));
    yield { entries: await Promise.all(entries), skipped: 0 };
  }

  async stat(path: Buffer, signal?: AbortSignal): Promise<UfsEntry | undefined> {
    signal?.throwIfAborted();
    if (splitPath(path) === undefined) return undefined;
    const mount = this.#mountOf(path);
    if (this.#isOnTheWay(path)) return this.#standIn(path, signal);
    const entry = await mount?.ufs.stat(below(path, mount.path), signal);
    return entry === undefined || mount === undefined ? undefined : shown(entry, mount);
  }

  async read(
    path: Buffer,
    version: string,
    offset: number,
    length: number,
    sink: ByteSink,
    signal?: AbortSignal,
  ): Promise<void> {
    const mount = this.#isOnTheWay(path) ? undefined : this.#mountOf(path);
    const own = mount === undefined ? undefined : ownVersion(version, mount);
    if (mount === undefined || own === undefined) throw changed(path, version);
    await mount.ufs.read(below(path, mount.path), own, offset, length, sink, signal);
  }

  walk(folder: Buffer, signal?: AbortSignal, after?: Buffer): AsyncIterable<UfsWalkPage> {
    const mount = splitPath(folder) === undefined ? undefined : this.#mountOf(folder);
    const nested = this.#mounts.filter(({ path }) => isBelow(path, folder));
    if (mount === undefined && nested.length === 0) throw notFound('walk', folder);
    const walks = nested.map((each) => this.#walkNested(each, below(each.path, folder), signal, after));
    if (mount !== undefined) walks.push(this.#walkMount(mount, folder, walks.length > 0, signal, after));
    return this.walkIsOrdered && walks.length > 1 ? mergeWalks(walks) : concatenate(walks);
  }

  async close(): Promise<void> {
    await Promise.all(this.#mounts.map(({ ufs }) => ufs.close()));
  }

  /** What the storage has in the folder; of a name that leads to a mount point only a folder, and that counts as made. */
  async *#listMount(
    mount: Mount,
    folder: Buffer,
    made: Map<string, Buffer>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<UfsPage> {
    const isMade = made.size > 0;
    try {
      for await (const page of mount.ufs.list(below(folder, mount.path), signal)) {
        const own =
          made.size === 0 ? page.entries : page.entries.filter(({ name }) => !made.has(name.toString('latin1')));
        yield { entries: own.map((entry) => shown(entry, mount)), skipped: page.skipped };
      }
    } catch (err) {
      const isOnlyMade = isMade && err instanceof UfsError && err.code === 'not-found';
      if (!isOnlyMade || mount.path.equals(folder)) throw err;
    }
  }

  async *#walkMount(
    mount: Mount,
    folder: Buffer,
    hasNested: boolean,
    signal: AbortSignal | undefined,
    after: Buffer | undefined,
  ): AsyncGenerator<UfsWalkPage> {
    const isHidden = ({ path, entry }: UfsWalkEntry): boolean => {
      const whole = joinPath(folder, path);
      return this.#mountOf(whole) !== mount || (entry.kind !== 'folder' && this.#isOnTheWay(whole));
    };
    try {
      for await (const page of mount.ufs.walk(below(folder, mount.path), signal, after)) {
        const own = hasNested ? page.entries.filter((each) => !isHidden(each)) : page.entries;
        yield { entries: own.map(({ path, entry }) => ({ path, entry: shown(entry, mount) })), skipped: page.skipped };
      }
    } catch (err) {
      // The folder may be there only because of what is mounted below it.
      if (!hasNested || mount.path.equals(folder) || !(err instanceof UfsError) || err.code !== 'not-found') throw err;
    }
  }

  /** All of a mount at a path below the folder that is walked; the mount point itself where nothing is in it. */
  async *#walkNested(
    mount: Mount,
    at: Buffer,
    signal: AbortSignal | undefined,
    after: Buffer | undefined,
  ): AsyncGenerator<UfsWalkPage> {
    const isWithin = after !== undefined && isBelow(after, at);
    if (this.walkIsOrdered && after !== undefined && !isWithin && Buffer.compare(after, Buffer.concat([at, SLASH])) > 0)
      return; // all passed
    const hasNested = this.#mounts.some(({ path }) => isBelow(path, mount.path));
    let isEmpty = !isWithin;
    const afterWithin = isWithin ? below(after, at) : undefined;
    for await (const page of this.#walkMount(mount, mount.path, hasNested, signal, afterWithin)) {
      isEmpty &&= page.entries.length === 0;
      const entries = page.entries.map(({ path, entry }) => ({ path: joinPath(at, path), entry }));
      yield { entries, skipped: page.skipped };
    }
    if (!isEmpty || hasNested) return;
    yield { entries: [{ path: at, entry: await this.#standIn(mount.path, signal) }], skipped: 0 };
  }

  /** The entry of a folder that is a mount point or leads to one: the storage's own if it has it, else a plain one. */
  async #standIn(path: Buffer, signal: AbortSignal | undefined): Promise<UfsEntry> {
    const name = nameOf(path);
    const mount = this.#mountOf(path);
    const plain: UfsEntry = { name, kind: 'folder', sizeBytes: 0, mtimeMs: 0, version: '' };
    try {
      const entry = await mount?.ufs.stat(below(path, mount.path), signal);
      return entry?.kind === 'folder' ? { ...entry, name } : plain;
    } catch (err) {
      signal?.throwIfAborted();
      if (err instanceof UfsError) return plain; // a storage that is away does not take the folder it stands in with it
      throw err;
    }
  }

  #mountOf(path: Buffer): Mount | undefined {
    return this.#mounts.find((mount) => mount.path.equals(path) || isBelow(path, mount.path));
  }

  #isOnTheWay(path: Buffer): boolean {
    return this.#mounts.some((mount) => mount.path.equals(path) || isBelow(mount.path, path));
  }

  /** The names in a folder that are mount points or lead to some. */
  #namesOnTheWay(folder: Buffer): Map<string, Buffer> {
    const names = new Map<string, Buffer>();
    for (const { path } of this.#mounts) {
      const name = isBelow(path, folder) ? splitPath(below(path, folder))?.[0] : undefined;
      if (name !== undefined) names.set(name.toString('latin1'), name);
    }
    return names;
  }
}

function identityOf(mounts: readonly MountedUfs[]): string {
  const [first] = mounts;
  if (mounts.length === 1 && first?.path === '/') return first.ufs.identity;
  return mounts
    .map(({ path, ufs }) => `${path}=${ufs.identity}`)
    .sort()
    .join(' ');
}

/** Strictly below. */
function isBelow(path: Buffer, folder: Buffer): boolean {
  if (folder.length === 0) return path.length > 0;
  return path[folder.length] === 0x2f && folder.compare(path, 0, folder.length) === 0;
}

/** The rest of a path that is the folder or below it. */
function below(path: Buffer, folder: Buffer): Buffer {
  return folder.length === 0 ? path : path.subarray(folder.length + 1);
}

async function* concatenate(walks: readonly AsyncIterable<UfsWalkPage>[]): AsyncGenerator<UfsWalkPage> {
  for (const walk of walks) yield* walk;
}

function notFound(verb: string, path: Buffer): UfsError {
  const text = pathText(path);
  return new UfsError(`Cannot ${verb} "${text}": there is no such folder`, { code: 'not-found', path: text });
}
