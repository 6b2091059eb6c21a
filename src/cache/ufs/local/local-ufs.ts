// A folder of this machine as an under storage.
//
// The root is one descriptor, held from the beginning; every path is resolved below it and no link is ever followed: a link
// is an entry with its text. Devices, pipes and sockets are left out. Names and attributes are asked for synchronously (a
// system call of microseconds each), file bytes are read by Node's threads, with a deadline.
import { read as readAsync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DeadlineError, withDeadline } from '../../../base/index.ts';
import { E, file } from '../../../libc/index.ts';
import { UfsError } from '../errors.ts';
import { isPath, nameOf, pathText } from '../paths.ts';
import type { ByteSink, Ufs, UfsEntry, UfsPage, UfsWalkPage } from '../ufs.ts';
import { entryOfOpen } from './attributes.ts';
import { changed, failed, isNothing, notFound } from './errors.ts';
import { readBatch } from './folder.ts';
import { openBelow } from './open-below.ts';
import { walkBelow } from './walk.ts';

const CHUNK_BYTES = 1024 * 1024;
const READ_DEADLINE_MS = 30_000;

export class LocalUfs implements Ufs {
  readonly identity: string;
  readonly walkIsOrdered = false;
  readonly #rootFd: number;

  /** Takes the descriptor of the root and closes it at the end. */
  constructor(config: { identity: string; rootFd: number }) {
    this.identity = config.identity;
    this.#rootFd = config.rootFd;
  }

  async *list(folder: Buffer, signal?: AbortSignal): AsyncGenerator<UfsPage> {
    signal?.throwIfAborted();
    const fd = this.#openFolder('list', folder);
    try {
      for (;;) {
        const batch = readBatch(fd);
        if (typeof batch === 'number') throw failed('list', folder, batch);
        if (batch === undefined) return;
        yield batch;
        await nextTurn();
        signal?.throwIfAborted();
      }
    } finally {
      file.close(fd);
    }
  }

  async stat(path: Buffer, signal?: AbortSignal): Promise<UfsEntry | undefined> {
    signal?.throwIfAborted();
    if (!isPath(path)) return undefined;
    const fd = openBelow(this.#rootFd, path, file.O_PATH | file.O_NOFOLLOW);
    const entry = fd < 0 ? -fd : entryOfOpen(fd, nameOf(path));
    if (fd >= 0) file.close(fd);
    if (typeof entry !== 'number') return entry;
    if (isNothing(entry)) return undefined;
    throw failed('look at', path, entry);
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
    if (!isPath(path)) throw changed(path, version);
    const fd = openBelow(this.#rootFd, path, file.O_NOFOLLOW | file.O_NONBLOCK); // never wait on what is a pipe by now
    if (fd < 0) throw isNothing(-fd) ? changed(path, version) : failed('read', path, -fd);
    let pending: Promise<unknown> = Promise.resolve();
    try {
      const entry = versionedEntry(fd, path, version);
      if (offset + length > entry.sizeBytes) throw beyondEnd(path, offset, length, entry.sizeBytes);
      const into = Buffer.allocUnsafe(Math.min(length, CHUNK_BYTES));
      for (let done = 0; done < length;) {
        const reading = readOnce(fd, into, Math.min(into.length, length - done), offset + done);
        pending = reading;
        const count = await readInTime(reading, path);
        signal?.throwIfAborted();
        versionedEntry(fd, path, version); // before a byte is given away
        if (count < 0) throw failed('read', path, -count);
        if (count === 0) throw changed(path, version); // shorter than it says, so it is being changed
        sink(into.subarray(0, count));
        done += count;
      }
    } finally {
      // A read that is given up still uses the descriptor, and its number would be another file's.
      void pending.finally(() => file.close(fd));
    }
  }

  async *walk(folder: Buffer, signal?: AbortSignal): AsyncGenerator<UfsWalkPage> {
    signal?.throwIfAborted();
    yield* walkBelow(this.#openFolder('walk', folder), signal);
  }

  async close(): Promise<void> {
    file.close(this.#rootFd);
  }

  #openFolder(verb: string, folder: Buffer): number {
    if (!isPath(folder)) throw notFound(verb, folder);
    const fd = openBelow(this.#rootFd, folder, file.O_DIRECTORY | file.O_NOFOLLOW);
    if (fd >= 0) return fd;
    throw isNothing(-fd) ? notFound(verb, folder) : failed(verb, folder, -fd);
  }
}

/** The open file's entry, if it still is the version asked for. */
function versionedEntry(fd: number, path: Buffer, version: string): UfsEntry {
  const entry = entryOfOpen(fd, nameOf(path));
  if (typeof entry === 'number') throw failed('read', path, entry);
  if (entry?.kind !== 'file' || entry.version !== version) throw changed(path, version);
  return entry;
}

function readOnce(fd: number, into: Buffer, length: number, offset: number): Promise<number> {
  return new Promise((resolve) => {
    readAsync(fd, into, 0, length, offset, (err, count) => resolve(err === null ? count : (err.errno ?? -E.EIO)));
  });
}

async function readInTime(reading: Promise<number>, path: Buffer): Promise<number> {
  try {
    return await withDeadline(reading, READ_DEADLINE_MS, 'the disk');
  } catch (err) {
    if (!(err instanceof DeadlineError)) throw err;
    const why = `the disk did not answer for ${READ_DEADLINE_MS} ms`;
    const text = pathText(path);
    throw new UfsError(`Cannot read "${text}": ${why}`, { code: 'unavailable', path: text, why }, { cause: err });
  }
}

function beyondEnd(path: Buffer, offset: number, length: number, sizeBytes: number): UfsError {
  const text = pathText(path);
  const why = `${length} bytes from ${offset} are asked for, it has ${sizeBytes}`;
  return new UfsError(`Cannot read "${text}": ${why}`, { code: 'bad-answer', path: text, why });
}
