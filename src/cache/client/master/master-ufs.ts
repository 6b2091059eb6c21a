// The master as an under storage: a client daemon keeps a namespace over it as an embedded one does over the real storage,
// and its inode numbers are the master's. Data is not the master's business.
//
// The master answers from what it knows. A path of which a reader found that to be wrong is distrusted: the master asks the
// storage for it before it is believed again.
import { decodeBytes, encodeBytes, RpcError } from '../../rpc/index.ts';
import { decodeEntries, type WireEntry } from '../../rpc/master/index.ts';
import {
  UfsError,
  type ByteSink,
  type Ufs,
  type UfsEntry,
  type UfsPage,
  type UfsWalkEntry,
  type UfsWalkPage,
} from '../../ufs/index.ts';
import type { MasterLink } from './master-link.ts';

/** Less than the master gives any answer. */
const REFRESH_MS = 110_000;
/** Paths that are asked anew at a time. What is more is left to the next reader that finds it wrong. */
const REFRESHES_MAX = 64;

export interface MasterUfsConfig {
  /** Of the dataset, wherever its master runs. */
  readonly identity: string;
}

export interface MasterUfsDeps {
  readonly link: MasterLink;
  /** Whether whoever asks for this one path knows enough of it to go on without an answer. Default: no. */
  readonly isKnown?: (path: Buffer) => boolean;
  /** Reads an object past the master. Default: that cannot be done. */
  readonly read?: Ufs['read'];
}

export class MasterUfs implements Ufs {
  readonly identity: string;
  readonly walkIsOrdered = false;
  readonly #link: MasterLink;
  readonly #isKnown: (path: Buffer) => boolean;
  readonly #read: Ufs['read'];
  /** Path → the storage is being asked for it. */
  readonly #refreshing = new Map<string, { readonly path: Buffer; readonly done: Promise<void> }>();

  constructor(config: MasterUfsConfig, deps: MasterUfsDeps) {
    this.identity = config.identity;
    this.#link = deps.link;
    this.#isKnown = deps.isKnown ?? (() => false);
    this.#read = deps.read ?? cannotRead;
  }

  /** What the master says of this path is wrong by now: no answer is taken before it has asked the storage. */
  distrust(path: Buffer): void {
    const key = path.toString('latin1');
    if (this.#refreshing.has(key) || this.#refreshing.size >= REFRESHES_MAX) return;
    const done = this.refresh(path, false)
      .catch(() => {}) // The question that follows is told of it.
      .finally(() => this.#refreshing.delete(key));
    this.#refreshing.set(key, { path: Buffer.from(path), done });
  }

  async *list(folder: Buffer, signal?: AbortSignal): AsyncGenerator<UfsPage, void> {
    await this.#refreshed((path) => parentOf(path).equals(folder));
    let last: Buffer | undefined;
    const callOn = () => ({
      path: '/v1/list',
      body: { path: encodeBytes(folder), ...(last === undefined ? {} : { after: encodeBytes(last) }) },
    });
    const question = { path: folder, canDoWithout: false, signal };
    for await (const line of this.#link.lines(callOn, question)) {
      const entries = this.#decode(line, folder);
      yield { entries: entries.map(present), skipped: 0 };
      last = entries.at(-1)?.name ?? last;
    }
  }

  async stat(path: Buffer, signal?: AbortSignal): Promise<UfsEntry | undefined> {
    await this.#refreshed((it) => it.equals(path));
    const call = { path: '/v1/lookup', body: { path: encodeBytes(path) } };
    const answer = await this.#link.json(call, { path, canDoWithout: this.#isKnown(path), signal });
    const { entry } = answer as { entry?: unknown };
    if (entry === null) return undefined;
    const [found] = this.#decode(entry, path);
    if (found === undefined) throw badAnswer(path, 'it tells of no entry');
    return present(found);
  }

  /** The storage is asked anew by the master: for a file, or a folder and (`deep`) all below it. Throws UfsError. */
  async refresh(path: Buffer, deep: boolean, signal?: AbortSignal): Promise<void> {
    const call = { path: '/v1/refresh', body: { path: encodeBytes(path), deep }, deadlineMs: REFRESH_MS };
    await this.#link.json(call, { path, canDoWithout: this.#isKnown(path), signal });
  }

  async read(
    path: Buffer,
    version: string,
    offset: number,
    length: number,
    sink: ByteSink,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#read(path, version, offset, length, sink, signal);
  }

  /** Folders are named too, each before what is in it: their numbers are the master's. */
  async *walk(folder: Buffer, signal?: AbortSignal): AsyncGenerator<UfsWalkPage, void> {
    const folders: Buffer[] = [Buffer.alloc(0)];
    for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
      const inFolder = at;
      for await (const page of this.list(joinPath(folder, inFolder), signal)) {
        const entries = page.entries.map((entry): UfsWalkEntry => ({ path: joinPath(inFolder, entry.name), entry }));
        yield { entries, skipped: page.skipped };
        for (const { path, entry } of entries) if (entry.kind === 'folder') folders.push(path);
      }
    }
  }

  async close(): Promise<void> {
    this.#link.close();
  }

  async #refreshed(which: (path: Buffer) => boolean): Promise<void> {
    for (const { path, done } of [...this.#refreshing.values()]) if (which(path)) await done;
  }

  #decode(value: unknown, path: Buffer): WireEntry[] {
    try {
      return decodeEntries(decodeBytes(value), this.#link.address);
    } catch (err) {
      if (err instanceof RpcError) throw badAnswer(path, err.message, err);
      throw err;
    }
  }
}

function present({ name, kind, sizeBytes, mtimeMs, version, ino, posix, target }: WireEntry): UfsEntry {
  const plain = { name, kind, sizeBytes, mtimeMs, version, ino };
  if (posix === undefined && target === undefined) return plain;
  return { ...plain, ...(posix === undefined ? {} : { posix }), ...(target === undefined ? {} : { target }) };
}

function joinPath(folder: Buffer, name: Buffer): Buffer {
  if (folder.length === 0) return name;
  return name.length === 0 ? folder : Buffer.concat([folder, SLASH, name]);
}

function parentOf(path: Buffer): Buffer {
  return path.subarray(0, Math.max(0, path.lastIndexOf('/')));
}

const SLASH = Buffer.from('/');

function badAnswer(path: Buffer, why: string, cause?: unknown): UfsError {
  const text = path.toString();
  const message = `Cannot use what the master says of "${text}": ${why}`;
  return new UfsError(message, { code: 'bad-answer', path: text, why }, { cause });
}

async function cannotRead(path: Buffer): Promise<never> {
  const text = path.toString();
  const what = 'the master has no data';
  throw new UfsError(`Cannot read "${text}": ${what}`, { code: 'bad-config', what });
}
