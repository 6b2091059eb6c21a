// An under storage in memory that only reads, chunk by chunk, and whose every read can be held, stepped, cut short or failed
// by the test. The content of a file is computed from its version, so that large files cost nothing.
import { setImmediate as turn } from 'node:timers/promises';
import {
  UfsError,
  type ByteSink,
  type Ufs,
  type UfsEntry,
  type UfsPage,
  type UfsWalkPage,
} from '../../src/cache/ufs/index.ts';

export class ChunkRead {
  readonly path: string;
  readonly version: string;
  readonly offset: number;
  readonly length: number;
  readonly signal: AbortSignal | undefined;
  sentBytes = 0;
  isDone = false;
  readonly #send: (offset: number, length: number) => void;
  readonly #settled = Promise.withResolvers<undefined>();

  constructor(
    call: { path: string; version: string; offset: number; length: number; signal: AbortSignal | undefined },
    send: (offset: number, length: number) => void,
  ) {
    this.path = call.path;
    this.version = call.version;
    this.offset = call.offset;
    this.length = call.length;
    this.signal = call.signal;
    this.#send = send;
    this.signal?.addEventListener('abort', () => this.fail(this.signal?.reason));
  }

  get done(): Promise<undefined> {
    return this.#settled.promise;
  }

  /** Sends the next bytes, and ends the read when all were sent. */
  send(bytes = this.length - this.sentBytes): void {
    if (this.isDone) return;
    const length = Math.min(bytes, this.length - this.sentBytes);
    this.sentBytes += length;
    this.#send(this.offset + this.sentBytes - length, length);
    if (this.sentBytes === this.length) this.end();
  }

  /** Ends the read as if everything had been sent. */
  end(): void {
    this.isDone = true;
    this.#settled.resolve(undefined);
  }

  fail(err: unknown): void {
    this.isDone = true;
    this.#settled.reject(err);
  }
}

export interface ChunkUfsOptions {
  /** Default 64 KiB. */
  chunkBytes?: number;
  /** Reads wait until the test sends their bytes. Default false: chunks come turn by turn. */
  isHeld?: boolean;
  /** Called with each read before its bytes, and before each chunk; may fail it. */
  before?: (read: ChunkRead) => void;
}

export class ChunkUfs implements Ufs {
  readonly identity = 'chunks://';
  readonly walkIsOrdered = true;
  /** All so far, but those that failed at once. */
  readonly reads: ChunkRead[] = [];
  readonly options: ChunkUfsOptions;
  readonly #files = new Map<string, { sizeBytes: number; version: string }>();

  constructor(options: ChunkUfsOptions = {}) {
    this.options = options;
  }

  put(path: string, sizeBytes: number, version: string): void {
    this.#files.set(path, { sizeBytes, version });
  }

  get running(): ChunkRead[] {
    return this.reads.filter((read) => !read.isDone);
  }

  async read(
    path: Buffer,
    version: string,
    offset: number,
    length: number,
    sink: ByteSink,
    signal?: AbortSignal,
  ): Promise<void> {
    const key = path.toString();
    const scratch = Buffer.alloc(Math.min(length, this.options.chunkBytes ?? 64 * 1024));
    const read = new ChunkRead({ path: key, version, offset, length, signal }, (from, bytes) => {
      for (let at = 0; at < bytes; at += scratch.length) {
        const chunk = scratch.subarray(0, Math.min(scratch.length, bytes - at));
        fillContent(version, from + at, chunk);
        sink(chunk);
        chunk.fill(0xee); // The chunk is the storage's own again.
      }
    });
    const file = this.#files.get(key);
    if (file?.version === version) this.reads.push(read);
    if (file === undefined) throw new UfsError(`Cannot find "${key}"`, { code: 'not-found', path: key });
    if (file.version !== version) {
      throw new UfsError(`Cannot read "${key}": it has changed`, { code: 'changed', path: key, version });
    }
    if (offset + length > file.sizeBytes) throw new Error(`Beyond the end: ${offset} + ${length}`);
    if (this.options.isHeld !== true) void this.#sendAll(read, scratch.length);
    await read.done;
  }

  async #sendAll(read: ChunkRead, chunkBytes: number): Promise<void> {
    while (!read.isDone) {
      await turn();
      try {
        this.options.before?.(read);
        read.send(chunkBytes);
      } catch (err) {
        read.fail(err);
      }
    }
  }

  async stat(): Promise<UfsEntry | undefined> {
    return undefined;
  }

  async *list(): AsyncIterable<UfsPage> {}

  async *walk(): AsyncIterable<UfsWalkPage> {}

  async close(): Promise<void> {}
}

/** What is at `offset` of that version of any file. */
export function fillContent(version: string, offset: number, into: Buffer): void {
  let seed = 0;
  for (let i = 0; i < version.length; i++) seed = (seed * 31 + version.charCodeAt(i)) | 0;
  for (let i = 0; i < into.length; i++) {
    const at = offset + i;
    into[i] = (Math.imul(at ^ seed, 0x9e3779b1) >>> 24) ^ (at >>> 20);
  }
}

export function unavailable(path: string): UfsError {
  return new UfsError(`Cannot read "${path}": reset`, { code: 'unavailable', path, why: 'reset' });
}
