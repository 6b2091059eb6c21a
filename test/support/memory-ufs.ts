// An under storage in memory that behaves as an object store does: keys in the order of their bytes, folders only implied
// by keys (or made, as an empty key ending in "/"), a file and a folder of the same name side by side, pages, requests that
// are counted, and a hook that may delay or fail any of them. For tests that need a storage they can change and break.
import {
  UfsError,
  type ByteSink,
  type Ufs,
  type UfsEntry,
  type UfsPage,
  type UfsWalkPage,
} from '../../src/cache/ufs/index.ts';

export interface MemoryUfsCall {
  readonly op: 'list' | 'stat' | 'read' | 'walk';
  readonly path: string;
  /** Of list and walk: from 0. */
  readonly page: number;
}

export interface MemoryUfsOptions {
  identity?: string;
  /** Default 1000. */
  pageEntries?: number;
  /** Runs before every request; what it throws, the request throws. */
  before?: (call: MemoryUfsCall) => void | Promise<void>;
}

interface MemoryFile {
  readonly content: Buffer | undefined;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly version: string;
}

const SLASH = '/';
/** The character after "/": `prefix + AFTER_SLASH` follows every key below "prefix/". */
const AFTER_SLASH = '0';

/** Paths are given as text here, one character per byte (latin1). */
export class MemoryUfs implements Ufs {
  readonly identity: string;
  readonly walkIsOrdered = true;
  /** Requests so far, by kind; a page is a request. */
  readonly requests = { list: 0, stat: 0, read: 0, walk: 0 };
  before: MemoryUfsOptions['before'];
  readonly #pageEntries: number;
  readonly #files = new Map<string, MemoryFile>();
  #keys: string[] | undefined = [];
  #versions = 0;

  constructor(options: MemoryUfsOptions = {}) {
    this.identity = options.identity ?? 'memory://';
    this.#pageEntries = options.pageEntries ?? 1000;
    this.before = options.before;
  }

  /** Makes or replaces a file; every call is a new version unless one is named. */
  put(path: string, file: Buffer | number, more: { mtimeMs?: number; version?: string } = {}): void {
    this.#versions += 1;
    this.#set(path, {
      content: typeof file === 'number' ? undefined : file,
      sizeBytes: typeof file === 'number' ? file : file.length,
      mtimeMs: more.mtimeMs ?? 1_000 * this.#versions,
      version: more.version ?? `v${this.#versions}`,
    });
  }

  /** An empty folder that is there by itself. */
  makeFolder(path: string): void {
    this.#set(path + SLASH, { content: undefined, sizeBytes: 0, mtimeMs: 0, version: '' });
  }

  /** Removes the file, or the folder made by itself. */
  remove(path: string): void {
    if (this.#files.delete(path) || this.#files.delete(path + SLASH)) this.#keys = undefined;
  }

  /** Every key, in order; made folders end in "/". */
  keys(): readonly string[] {
    this.#keys ??= [...this.#files.keys()].sort(byCharacters);
    return this.#keys;
  }

  /** Every file, without what was made by makeFolder(). */
  files(): { path: string; sizeBytes: number; version: string }[] {
    return this.keys()
      .filter((key) => !key.endsWith(SLASH))
      .map((path) => ({ path, sizeBytes: this.#entry(path, 0).sizeBytes, version: this.#entry(path, 0).version }));
  }

  async *list(folder: Buffer, signal?: AbortSignal): AsyncIterable<UfsPage> {
    const prefix = folder.length === 0 ? '' : folder.toString('latin1') + SLASH;
    let after = prefix;
    for (let page = 0; ; page++) {
      await this.#request({ op: 'list', path: folder.toString('latin1'), page }, signal);
      const keys = this.keys();
      let at = firstAtLeast(keys, after);
      if (page === 0 && prefix !== '' && keys[at]?.startsWith(prefix) !== true) throw notFound(folder);
      const entries: UfsEntry[] = [];
      while (entries.length < this.#pageEntries) {
        const key = keys[at];
        if (key?.startsWith(prefix) !== true) {
          yield { entries, skipped: 0 };
          return;
        }
        const slash = key.indexOf(SLASH, prefix.length);
        if (key === prefix) {
          after = `${key}\0`; // the folder itself
          at += 1;
        } else if (slash === -1) {
          entries.push(this.#entry(key, prefix.length));
          after = `${key}\0`;
          at += 1;
        } else {
          if (slash > prefix.length) entries.push(folderEntry(key.slice(prefix.length, slash)));
          after = slash > prefix.length ? key.slice(0, slash) + AFTER_SLASH : `${key}\0`;
          at = firstAtLeast(keys, after);
        }
      }
      yield { entries, skipped: 0 };
    }
  }

  async stat(path: Buffer, signal?: AbortSignal): Promise<UfsEntry | undefined> {
    const key = path.toString('latin1');
    await this.#request({ op: 'stat', path: key, page: 0 }, signal);
    if (key === '') return folderEntry('');
    const below = this.keys()[firstAtLeast(this.keys(), key + SLASH)];
    if (below?.startsWith(key + SLASH) === true) return folderEntry(key.slice(key.lastIndexOf(SLASH) + 1));
    return this.#files.has(key) ? this.#entry(key, key.lastIndexOf(SLASH) + 1) : undefined;
  }

  async read(
    path: Buffer,
    version: string,
    offset: number,
    length: number,
    sink: ByteSink,
    signal?: AbortSignal,
  ): Promise<void> {
    const key = path.toString('latin1');
    await this.#request({ op: 'read', path: key, page: 0 }, signal);
    const file = this.#files.get(key);
    if (file === undefined) throw notFound(path);
    if (file.version !== version) {
      throw new UfsError(`Cannot read "${key}": it has changed`, { code: 'changed', path: key, version });
    }
    sink((file.content ?? Buffer.alloc(file.sizeBytes)).subarray(offset, offset + length));
  }

  async *walk(folder: Buffer, signal?: AbortSignal, afterPath?: Buffer): AsyncIterable<UfsWalkPage> {
    const prefix = folder.length === 0 ? '' : folder.toString('latin1') + SLASH;
    let after = prefix + (afterPath === undefined ? '' : `${afterPath.toString('latin1')}\0`);
    for (let page = 0; ; page++) {
      await this.#request({ op: 'walk', path: folder.toString('latin1'), page }, signal);
      const keys = this.keys();
      const entries: { path: Buffer; entry: UfsEntry }[] = [];
      for (let at = firstAtLeast(keys, after); entries.length < this.#pageEntries; at++) {
        const key = keys[at];
        if (key?.startsWith(prefix) !== true) {
          yield { entries, skipped: 0 };
          return;
        }
        after = `${key}\0`;
        if (key === prefix) continue;
        const path = key.endsWith(SLASH) ? key.slice(0, -1) : key;
        const nameFrom = path.lastIndexOf(SLASH) + 1;
        entries.push({
          path: Buffer.from(path.slice(prefix.length), 'latin1'),
          entry: path === key ? this.#entry(key, nameFrom) : folderEntry(path.slice(nameFrom)),
        });
      }
      yield { entries, skipped: 0 };
    }
  }

  async close(): Promise<void> {}

  #set(key: string, file: MemoryFile): void {
    if (!this.#files.has(key)) this.#keys = undefined;
    this.#files.set(key, file);
  }

  #entry(key: string, nameFrom: number): UfsEntry {
    const file = this.#files.get(key);
    if (file === undefined) throw new Error(`No key ${key}`);
    const { sizeBytes, mtimeMs, version } = file;
    return { name: Buffer.from(key.slice(nameFrom), 'latin1'), kind: 'file', sizeBytes, mtimeMs, version };
  }

  async #request(call: MemoryUfsCall, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    this.requests[call.op] += 1;
    await this.before?.(call);
    signal?.throwIfAborted();
  }
}

function folderEntry(name: string): UfsEntry {
  return { name: Buffer.from(name, 'latin1'), kind: 'folder', sizeBytes: 0, mtimeMs: 0, version: '' };
}

function notFound(path: Buffer): UfsError {
  const text = path.toString('latin1');
  return new UfsError(`Cannot find "${text}"`, { code: 'not-found', path: text });
}

function byCharacters(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function firstAtLeast(keys: readonly string[], wanted: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
