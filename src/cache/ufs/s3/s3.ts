// A bucket, or what is below a prefix of it, as an under storage.
//
// A folder is whatever keys have in front of a "/"; an object "a/" makes an empty one. The root is always there while the
// bucket is. Keys that no file system can show are left out and counted: keys.ts says which, folder-wins.ts says why "a"
// gives way to "a/…". A version is an ETag, and no byte is given that the storage did not serve for that very ETag.
import { UfsError } from '../errors.ts';
import { retrying, type RetryDeps } from '../retry.ts';
import type { ByteSink, Ufs, UfsEntry, UfsPage, UfsWalkEntry, UfsWalkPage } from '../ufs.ts';
import { badAnswer, changed, notFound, type Purpose } from './answers.ts';
import { whereFolderWins, type SortedPage } from './folder-wins.ts';
import { escapePath, escapeValue, isPath, isShown, KEY_BYTES_MAX, toBytes } from './keys.ts';
import type { S3Limits } from './limits.ts';
import { ListDecoder, mtimeMsOf, versionOf, type ListAnswer } from './list-answer.ts';
import type { Transport } from './transport.ts';

export interface S3Place {
  readonly identity: string;
  /** "/" or "/BUCKET/". */
  readonly basePath: string;
  /** Of every key: empty, or ending in "/". */
  readonly prefix: string;
}

export interface S3UfsDeps {
  readonly transport: Transport;
  readonly limits: S3Limits;
  readonly retry: RetryDeps;
}

/** What is listed below a prefix: a key, or (ending in "/") a folder. */
interface Item {
  readonly key: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly etag: string;
}

const NO_BYTES = Buffer.alloc(0);

export class S3Ufs implements Ufs {
  readonly identity: string;
  readonly walkIsOrdered = true;
  readonly #basePath: string;
  /** One character per byte. */
  readonly #prefix: string;
  readonly #deps: S3UfsDeps;

  constructor(place: S3Place, deps: S3UfsDeps) {
    this.identity = place.identity;
    this.#basePath = place.basePath;
    this.#prefix = toBytes(place.prefix);
    this.#deps = deps;
  }

  async *list(folder: Buffer, signal?: AbortSignal): AsyncGenerator<UfsPage, void, undefined> {
    const purpose: Purpose = { verb: 'list', path: folder };
    const prefix = this.#folderPrefix(folder);
    if (prefix === undefined) throw notFound(purpose);
    let isThere = folder.length === 0;
    const sorted = this.#sortedPages(prefix, '/', purpose, signal, (page) => (isThere ||= page));
    for await (const { items, skipped } of sorted) {
      if (items.length > 0 || skipped > 0) yield { entries: items.map((item) => entryOf(item)), skipped };
    }
    if (!isThere) throw notFound(purpose);
  }

  async *walk(folder: Buffer, signal?: AbortSignal, after?: Buffer): AsyncGenerator<UfsWalkPage, void, undefined> {
    const purpose: Purpose = { verb: 'list', path: folder };
    const prefix = this.#folderPrefix(folder);
    if (prefix === undefined) return;
    const start = after === undefined ? '' : prefix + after.toString('latin1');
    for await (const { items, skipped } of this.#sortedPages(prefix, '', purpose, signal, () => {}, start)) {
      if (items.length > 0 || skipped > 0) yield { entries: items.map(walkEntryOf), skipped };
    }
  }

  async stat(path: Buffer, signal?: AbortSignal): Promise<UfsEntry | undefined> {
    const purpose: Purpose = { verb: 'look up', path };
    const prefix = this.#folderPrefix(path);
    signal?.throwIfAborted();
    if (prefix === undefined) return undefined;
    if (path.length === 0) {
      await this.#page(prefix, '', undefined, 1, purpose, signal); // whether the bucket is there
      return folderEntry(NO_BYTES);
    }
    const name = path.subarray(path.lastIndexOf(0x2f) + 1);
    // Both at once: a file and a folder of one name cannot be told apart by either.
    const [file, folder] = await Promise.allSettled([
      this.#head(path, name, purpose, signal),
      this.#hasFolder(prefix, purpose, signal),
    ]);
    signal?.throwIfAborted();
    if (folder.status === 'fulfilled' && folder.value) return folderEntry(name);
    if (file.status === 'fulfilled' && file.value !== undefined) {
      // Who may read objects but not list them has no folders; any other failure may hide one.
      if (folder.status === 'rejected' && !isDenied(folder.reason)) throw folder.reason;
      return file.value;
    }
    if (folder.status === 'rejected') throw folder.reason; // says more than the answer to a HEAD, which has no text
    if (file.status === 'rejected') throw file.reason;
    return undefined;
  }

  read(
    path: Buffer,
    version: string,
    offset: number,
    length: number,
    sink: ByteSink,
    signal?: AbortSignal,
  ): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    if (length === 0) return Promise.resolve();
    const purpose = { verb: 'read', path, version } as const;
    const key = this.#keyOf(path);
    if (key === undefined || !ETAG.test(version)) return Promise.reject(changed(purpose));
    return this.#get(key, offset, length, sink, purpose, signal);
  }

  close(): Promise<void> {
    this.#deps.transport.close();
    return Promise.resolve();
  }

  async #get(
    key: string,
    offset: number,
    length: number,
    sink: ByteSink,
    purpose: Required<Purpose>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const range = `${offset}-${offset + length - 1}`;
    let left = length;
    const taker = {
      begin: (status: number, headers: NodeJS.Dict<string | string[]>): void => {
        if (status !== 206) throw badAnswer(purpose, `status ${status} to a request for a range`);
        const etag = headers['etag'];
        if (typeof etag !== 'string') throw badAnswer(purpose, 'there is no ETag');
        if (versionOf(etag) !== purpose.version) throw changed(purpose); // did not look at If-Match
        const given = String(headers['content-range']);
        if (!given.startsWith(`bytes ${range}/`))
          throw badAnswer(purpose, `"${given}" to a request for bytes ${range}`);
      },
      chunk: (chunk: Buffer): void => {
        if (chunk.length > left) throw badAnswer(purpose, `more than the ${length} bytes of the range`);
        left -= chunk.length;
        sink(chunk);
      },
    };
    const headers = { range: `bytes=${range}`, 'if-match': `"${purpose.version}"` };
    const path = this.#basePath + escapePath(key);
    await this.#deps.transport.send(
      { method: 'GET', path, query: '', headers, purpose, bodyBytes: length },
      taker,
      signal,
    );
    if (left > 0) throw badAnswer(purpose, `${left} of ${length} bytes are missing`);
  }

  /** Undefined when there is no such object. */
  async #head(path: Buffer, name: Buffer, purpose: Purpose, signal?: AbortSignal): Promise<UfsEntry | undefined> {
    const key = this.#keyOf(path);
    if (key === undefined) return undefined;
    let entry: UfsEntry | undefined;
    const taker = {
      begin: (_status: number, headers: NodeJS.Dict<string | string[]>): void => {
        const etag = headers['etag'];
        const size = headers['content-length'];
        if (typeof etag !== 'string' || etag === '') throw badAnswer(purpose, 'there is no ETag');
        if (typeof size !== 'string' || !/^\d+$/.test(size)) throw badAnswer(purpose, 'there is no length');
        const mtimeMs = mtimeMsOf(Date.parse(String(headers['last-modified'])));
        entry = { name, kind: 'file', sizeBytes: Number(size), mtimeMs, version: versionOf(etag) };
      },
      chunk: (): void => {},
    };
    const call = { method: 'HEAD', path: this.#basePath + escapePath(key), query: '', purpose, bodyBytes: 0 } as const;
    try {
      await this.#deps.transport.send(call, taker, signal);
    } catch (err) {
      if (err instanceof UfsError && err.code === 'not-found') return undefined;
      throw err;
    }
    return entry;
  }

  async #hasFolder(prefix: string, purpose: Purpose, signal?: AbortSignal): Promise<boolean> {
    const { keys } = await this.#page(prefix, '', undefined, 1, purpose, signal);
    return keys.length > 0;
  }

  /** Everything below, in the order of its bytes, without what cannot be shown. `sees` is told whether there was anything. */
  #sortedPages(
    prefix: string,
    delimiter: '' | '/',
    purpose: Purpose,
    signal: AbortSignal | undefined,
    sees: (isThere: boolean) => void,
    start = '',
  ): AsyncGenerator<SortedPage<Item>, void, undefined> {
    const hasFolder = (key: string): Promise<boolean> =>
      retrying(this.#deps.retry, () => this.#hasFolder(`${prefix}${key}/`, purpose, signal), signal);
    return whereFolderWins(this.#shownPages(prefix, delimiter, purpose, signal, sees, start), hasFolder);
  }

  async *#shownPages(
    prefix: string,
    delimiter: '' | '/',
    purpose: Purpose,
    signal: AbortSignal | undefined,
    sees: (isThere: boolean) => void,
    start: string,
  ): AsyncGenerator<SortedPage<Item>, void, undefined> {
    let before = '';
    for await (const { keys, prefixes } of this.#pages(prefix, delimiter, purpose, signal, start)) {
      sees(keys.length + prefixes.length > 0);
      const items: Item[] = [];
      let skipped = 0;
      for (const item of inOrder(keys, prefixes)) {
        if (item.key <= before) throw badAnswer(purpose, 'the listing is not in the order of its keys');
        before = item.key;
        if (item.key <= start) continue; // from a storage that does not know start-after
        if (!item.key.startsWith(prefix)) throw badAnswer(purpose, 'the listing has keys from elsewhere');
        const key = item.key.slice(prefix.length);
        const isFolder = key.endsWith('/');
        if (isShown(isFolder ? key.slice(0, -1) : key)) items.push({ ...item, key });
        else if (key !== '' || item.sizeBytes > 0) skipped += 1; // the folder's own object is no entry of it
      }
      yield { items, skipped };
    }
  }

  /** Page by page, and the next one on its way while one is looked at. */
  async *#pages(
    prefix: string,
    delimiter: '' | '/',
    purpose: Purpose,
    signal: AbortSignal | undefined,
    start: string,
  ): AsyncGenerator<ListAnswer, void, undefined> {
    const left = new AbortController();
    const both = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]);
    const fetchPage = (token: string | undefined): Promise<ListAnswer> => {
      const page = retrying(
        this.#deps.retry,
        () => this.#page(prefix, delimiter, token, undefined, purpose, both, start),
        both,
      );
      page.catch(() => {}); // told to whoever awaits it, if anybody still does
      return page;
    };
    try {
      let next: Promise<ListAnswer> | undefined = fetchPage(undefined);
      let token: string | undefined;
      while (next !== undefined) {
        const page: ListAnswer = await next;
        if (page.next !== undefined && page.next === token) throw badAnswer(purpose, 'the listing goes on in a circle');
        token = page.next;
        next = token === undefined ? undefined : fetchPage(token);
        yield page;
      }
    } finally {
      left.abort();
    }
  }

  async #page(
    prefix: string,
    delimiter: '' | '/',
    token: string | undefined,
    max: number | undefined,
    purpose: Purpose,
    signal: AbortSignal | undefined,
    start = '',
  ): Promise<ListAnswer> {
    const query = [
      ...(token === undefined ? [] : [`continuation-token=${escapeValue(toBytes(token))}`]),
      ...(delimiter === '' ? [] : ['delimiter=%2F']),
      'encoding-type=url&list-type=2',
      ...(max === undefined ? [] : [`max-keys=${max}`]),
      `prefix=${escapeValue(prefix)}`,
      ...(start === '' || token !== undefined ? [] : [`start-after=${escapeValue(start)}`]),
    ].join('&');
    const { listBytesMax } = this.#deps.limits;
    const decoder = new ListDecoder();
    const text = new TextDecoder();
    let bytes = 0;
    const taker = {
      begin: (): void => {},
      chunk: (chunk: Buffer): void => {
        bytes += chunk.length;
        if (bytes > listBytesMax) throw badAnswer(purpose, `more than ${listBytesMax} bytes for one page`);
        sane(purpose, () => decoder.write(text.decode(chunk, { stream: true })));
      },
    };
    const call = { method: 'GET', path: this.#basePath, query, purpose, bodyBytes: listBytesMax } as const;
    await this.#deps.transport.send(call, taker, signal);
    return sane(purpose, () => decoder.end());
  }

  /** Of what is in the folder; undefined when there can be no such. */
  #folderPrefix(folder: Buffer): string | undefined {
    if (folder.length === 0) return this.#prefix;
    const key = this.#keyOf(folder);
    return key === undefined ? undefined : `${key}/`;
  }

  #keyOf(path: Buffer): string | undefined {
    if (!isPath(path) || this.#prefix.length + path.length > KEY_BYTES_MAX) return undefined;
    return this.#prefix + path.toString('latin1');
  }
}

/** What may stand between the quotes of an ETag. */
const ETAG = /^[\x20\x21\x23-\x7e]+$/;

function isDenied(err: unknown): boolean {
  return err instanceof UfsError && err.code === 'denied';
}

function sane<T>(purpose: Purpose, decode: () => T): T {
  try {
    return decode();
  } catch (err) {
    throw badAnswer(purpose, (err as Error).message);
  }
}

function* inOrder(keys: ListAnswer['keys'], prefixes: readonly string[]): Generator<Item, void, undefined> {
  let each = 0;
  for (const key of keys) {
    for (let prefix = prefixes[each]; prefix !== undefined && prefix < key.key; prefix = prefixes[each]) {
      yield folderItem(prefix);
      each += 1;
    }
    yield key;
  }
  for (const prefix of prefixes.slice(each)) yield folderItem(prefix);
}

function folderItem(key: string): Item {
  return { key, sizeBytes: 0, mtimeMs: 0, etag: '' };
}

function walkEntryOf(item: Item): UfsWalkEntry {
  const isFolder = item.key.endsWith('/');
  const path = Buffer.from(isFolder ? item.key.slice(0, -1) : item.key, 'latin1');
  const name = path.subarray(path.lastIndexOf(0x2f) + 1);
  return { path, entry: isFolder ? folderEntry(name) : fileEntry(name, item) };
}

function entryOf(item: Item): UfsEntry {
  if (item.key.endsWith('/')) return folderEntry(Buffer.from(item.key.slice(0, -1), 'latin1'));
  return fileEntry(Buffer.from(item.key, 'latin1'), item);
}

function fileEntry(name: Buffer, { sizeBytes, mtimeMs, etag }: Item): UfsEntry {
  return { name, kind: 'file', sizeBytes, mtimeMs, version: etag };
}

function folderEntry(name: Buffer): UfsEntry {
  return { name, kind: 'folder', sizeBytes: 0, mtimeMs: 0, version: '' };
}
