// One file, or the folders a web server shows by directory indexes, as an under storage.
//
// Indexes print rounded sizes and times without seconds, so size, time and version of every file come from a HEAD request of
// its own, some at a time. A server prints an index whole, so a folder's names are held in memory while it is listed; a walk
// holds the folders it has yet to enter. Folders have no time. What an index does not show (nginx: names with a dot in front)
// is found by its name, but not listed.
import type { ByteSink, Ufs, UfsEntry, UfsPage, UfsWalkEntry, UfsWalkPage } from '../ufs.ts';
import { isName, isPath, joinPath, nameOf, pathText, splitPath } from '../paths.ts';
import { UfsError } from '../errors.ts';
import type { Answer, HttpClient } from './client.ts';
import { badAnswer, changed, denied, isMissing, notFound, refused } from './errors.ts';
import { fileFacts } from './facts.ts';
import { IndexLinks, type IndexLink } from './index-links.ts';
import { decodeName, encodeName } from './percent.ts';
import { readRange } from './read-range.ts';

const PAGE_ENTRIES = 256;
const HEADS_AT_A_TIME = 16;
const HEAD_DEADLINE_MS = 30_000;
const INDEX_DEADLINE_MS = 120_000;
const INDEX_BYTES_MAX = 64 * 1024 * 1024;
const PATH_BYTES_MAX = 4095;
const ROOT = Buffer.alloc(0);

/** What the mount's URL turned out to be: a folder, its path ending with a slash, or one file. */
type Place = { kind: 'folder'; url: URL } | { kind: 'file'; url: URL; name: Buffer };

export class HttpUfs implements Ufs {
  readonly identity: string;
  readonly walkIsOrdered = false;
  readonly #url: URL;
  readonly #client: HttpClient;
  #place: Place | undefined;

  /** Takes the client and closes it at the end. */
  constructor(config: { url: URL }, deps: { client: HttpClient }) {
    this.identity = config.url.href;
    this.#url = config.url;
    this.#client = deps.client;
  }

  async *list(folder: Buffer, signal?: AbortSignal): AsyncGenerator<UfsPage> {
    signal?.throwIfAborted();
    const place = await this.#placeOf(signal);
    if (!isPath(folder) || (place.kind === 'file' && folder.length > 0)) throw notFound('list', pathText(folder));
    if (place.kind === 'file') {
      const entry = await this.#head(place.url, place.name, pathText(place.name), signal);
      yield { entries: entry === undefined ? [] : [entry], skipped: 0 };
      return;
    }
    const links = await this.#index(folder, folderUrl(place.url, folder), signal);
    for (let from = 0; from < links.length; from += PAGE_ENTRIES) {
      yield await this.#page(folder, links.slice(from, from + PAGE_ENTRIES), signal);
    }
  }

  async stat(path: Buffer, signal?: AbortSignal): Promise<UfsEntry | undefined> {
    signal?.throwIfAborted();
    if (!isPath(path)) return undefined;
    const place = await this.#placeOf(signal);
    if (place.kind === 'file') {
      if (path.length === 0) return folderEntry(ROOT);
      return path.equals(place.name) ? this.#head(place.url, place.name, pathText(path), signal) : undefined;
    }
    if (path.length === 0) return folderEntry(ROOT);
    return this.#head(fileUrl(place.url, path), nameOf(path), pathText(path), signal);
  }

  async read(
    path: Buffer,
    version: string,
    offset: number,
    length: number,
    sink: ByteSink,
    signal?: AbortSignal,
  ): Promise<void> {
    signal?.throwIfAborted();
    if (length === 0) return;
    const place = await this.#placeOf(signal);
    const text = pathText(path);
    const isThere = place.kind === 'file' ? path.equals(place.name) : isPath(path) && path.length > 0;
    if (!isThere) throw changed(text, version);
    const url = place.kind === 'file' ? place.url : fileUrl(place.url, path);
    await readRange(this.#client, { url, path: text, version, offset, length, signal }, sink);
  }

  async *walk(folder: Buffer, signal?: AbortSignal): AsyncGenerator<UfsWalkPage> {
    const left: UfsWalkEntry[] = [{ path: ROOT, entry: folderEntry(ROOT) }];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const { path } = next;
      let isEmpty = true;
      for await (const page of this.#listOrGone(joinPath(folder, path), path.length > 0, signal)) {
        isEmpty &&= page.entries.length === 0;
        const found = page.entries.map((entry) => ({ path: joinPath(path, entry.name), entry }));
        const folders = found.filter((each) => each.entry.kind === 'folder');
        const within = folders.filter((each) => each.path.length <= PATH_BYTES_MAX); // a link to itself goes on for ever
        left.push(...within);
        const entries = found.filter((each) => each.entry.kind !== 'folder');
        yield { entries, skipped: page.skipped + folders.length - within.length };
      }
      if (isEmpty && path.length > 0) yield { entries: [next], skipped: 0 };
    }
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  /** A folder that vanished since it was seen has nothing in it. */
  async *#listOrGone(folder: Buffer, wasSeen: boolean, signal?: AbortSignal): AsyncGenerator<UfsPage> {
    try {
      yield* this.list(folder, signal);
    } catch (err) {
      if (!wasSeen || !(err instanceof UfsError && err.code === 'not-found')) throw err;
    }
  }

  /** Asked once, on first use: opening a mount does not wait for the server. */
  async #placeOf(signal: AbortSignal | undefined): Promise<Place> {
    this.#place ??= await this.#findPlace(signal);
    return this.#place;
  }

  async #findPlace(signal: AbortSignal | undefined): Promise<Place> {
    const url = this.#url;
    if (url.pathname.endsWith('/')) return { kind: 'folder', url };
    const name = decodeName(url.pathname.slice(url.pathname.lastIndexOf('/') + 1));
    if (!isName(name)) throw denied('open', '/', 'the name in its URL is none that a file system can show');
    const entry = await this.#head(url, name, pathText(name), signal);
    if (entry === undefined) throw notFound('open', pathText(name));
    if (entry.kind === 'file') return { kind: 'file', url, name };
    return { kind: 'folder', url: new URL(`${url.origin}${url.pathname}/`) };
  }

  async #page(folder: Buffer, links: readonly IndexLink[], signal: AbortSignal | undefined): Promise<UfsPage> {
    const place = await this.#placeOf(signal);
    const found: (UfsEntry | undefined | 'skipped')[] = [];
    const left = links.entries();
    const failed = new AbortController(); // the first failure stops the others: nobody waits for them
    const both = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
    const headNext = async (): Promise<void> => {
      for (const [at, link] of left) found[at] = await this.#entryOf(place.url, folder, link, both);
    };
    try {
      await Promise.all(Array.from({ length: HEADS_AT_A_TIME }, headNext));
    } catch (err) {
      failed.abort();
      throw err;
    }
    const entries = found.filter((each) => each !== undefined && each !== 'skipped');
    return { entries, skipped: found.filter((each) => each === 'skipped').length };
  }

  /** Skipped is what cannot be shown, and what the server lists but does not give. */
  async #entryOf(
    base: URL,
    folder: Buffer,
    { name, isFolder }: IndexLink,
    signal: AbortSignal | undefined,
  ): Promise<UfsEntry | undefined | 'skipped'> {
    if (!isName(name)) return 'skipped';
    if (isFolder) return folderEntry(name);
    const path = joinPath(folder, name);
    try {
      return await this.#head(fileUrl(base, path), name, pathText(path), signal);
    } catch (err) {
      if (err instanceof UfsError && err.code === 'denied') return 'skipped';
      throw err;
    }
  }

  async #head(url: URL, name: Buffer, path: string, signal: AbortSignal | undefined): Promise<UfsEntry | undefined> {
    const ask = { url, path, deadlineMs: HEAD_DEADLINE_MS, signal } as const;
    const read = (answer: Answer): UfsEntry | undefined => entryOfAnswer(answer, name, path);
    const entry = await this.#client.exchange({ ...ask, method: 'HEAD' }, (answer) =>
      // Apache tells no length of an empty file when it is asked by HEAD.
      answer.status === 200 && answer.headers['content-length'] === undefined ? 'no-length' : read(answer),
    );
    if (entry !== 'no-length') return entry;
    return this.#client.exchange({ ...ask, method: 'GET', range: 'bytes=0-0' }, read);
  }

  #index(folder: Buffer, url: URL, signal: AbortSignal | undefined): Promise<IndexLink[]> {
    const path = pathText(folder);
    const ask = { method: 'GET', url, path, deadlineMs: INDEX_DEADLINE_MS, signal } as const;
    return this.#client.exchange(ask, async (answer) => {
      const isHtml = /^(text\/html|application\/xhtml)/i.test(answer.headers['content-type'] ?? '');
      if (isMissing(answer.status)) throw notFound('list', path);
      if (answer.status !== 200) throw refused('list', path, answer);
      if (!isHtml) throw notFound('list', path); // a file, at a server that does not mind the slash
      const found: IndexLink[] = [];
      const links = new IndexLinks(url, (link) => found.push(link));
      const text = new TextDecoder();
      let sizeBytes = 0;
      await answer.body((chunk) => {
        sizeBytes += chunk.length;
        if (sizeBytes > INDEX_BYTES_MAX) throw badAnswer('list', path, `its index exceeds ${INDEX_BYTES_MAX} bytes`);
        links.write(text.decode(chunk, { stream: true }));
      });
      links.end();
      return found;
    });
  }
}

function entryOfAnswer(answer: Answer, name: Buffer, path: string): UfsEntry | undefined {
  if (answer.isFolder) return folderEntry(name);
  if (isMissing(answer.status)) return undefined;
  if (answer.status !== 200 && answer.status !== 206) throw refused('look at', path, answer);
  const facts = fileFacts(answer.headers);
  if (facts !== undefined) return { name, kind: 'file', ...facts };
  throw denied('look at', path, 'the server tells neither ETag nor Last-Modified, or no length');
}

function folderEntry(name: Buffer): UfsEntry {
  return { name, kind: 'folder', sizeBytes: 0, mtimeMs: 0, version: '' };
}

function fileUrl(base: URL, path: Buffer): URL {
  const names = splitPath(path) ?? [];
  return new URL(`${base.origin}${base.pathname}${names.map(encodeName).join('/')}`);
}

function folderUrl(base: URL, path: Buffer): URL {
  return path.length === 0 ? base : new URL(`${fileUrl(base, path).href}/`);
}
