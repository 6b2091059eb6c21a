// Warming the cache: every file below some paths, so many at once, each tried again while that may help.
//
// Knows neither workers nor wires: whoever runs it says how one object comes into the cache. Loading what is cached is
// no work, so a job that was cut off is simply run again. A file that cannot be loaded is counted and told, and does not
// end the job.
import { backoffDelayMs, sleep } from '../../base/index.ts';
import type { Entry, Eventually } from '../namespace/index.ts';
import { NO_PROGRESS, type LoadFailure, type LoadProgress, type LoadSpec } from '../rpc/master/index.ts';
import { isTransient, objectRef, UfsError, type ObjectRef } from '../ufs/index.ts';
import { filesBelow, type Attempt, type FoundFile, type Names } from './names.ts';
import { distrust, findEntry, findFolder } from './resolve.ts';

export interface LoadJobConfig {
  /** Objects that are fetched at once. Default 8. */
  readonly inFlightMax?: number;
  /** Tries of one object. Default 5. */
  readonly triesMax?: number;
}

export interface LoadJobDeps {
  readonly namespace: Names;
  /** Resolves when all of the object is cached, on so many workers where there are workers. Throws UfsError. */
  readonly prefetchWhole: (object: ObjectRef, replicas: number, signal: AbortSignal) => Promise<void>;
  /** Only so that progress tells what was there before: when in doubt, false. */
  readonly isCached: (object: ObjectRef) => Eventually<boolean>;
  /** A monotonic clock. */
  readonly nowMs: () => number;
  /** Default: the real one. */
  readonly sleep?: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

const FAILURES_TOLD = 20;
const BACKOFF = { baseMs: 200, maxMs: 5000 };
/** An object may take this long, and a second more for each of these. */
const OBJECT_MS = 60_000;
const SLOWEST_BYTES_PER_SECOND = 1024 * 1024;

export class LoadJob {
  readonly #spec: LoadSpec;
  readonly #inFlightMax: number;
  readonly #triesMax: number;
  readonly #deps: LoadJobDeps;
  readonly #failures: LoadFailure[] = [];
  #progress = NO_PROGRESS;
  #startedMs: number | undefined;

  constructor(spec: LoadSpec, config: LoadJobConfig, deps: LoadJobDeps) {
    this.#spec = spec;
    this.#inFlightMax = config.inFlightMax ?? 8;
    this.#triesMax = config.triesMax ?? 5;
    this.#deps = deps;
  }

  progress(): LoadProgress {
    const failures = [...this.#failures];
    if (this.#startedMs === undefined || this.#progress.state !== 'running') return { ...this.#progress, failures };
    return { ...this.#progress, failures, elapsedMs: this.#deps.nowMs() - this.#startedMs };
  }

  /** To be called once. Resolves when the job has ended, however it did: progress() tells. */
  async run(signal: AbortSignal): Promise<void> {
    this.#startedMs = this.#deps.nowMs();
    this.#note({ state: 'running' });
    try {
      const files = this.#files(signal);
      const lanes = Array.from({ length: this.#inFlightMax }, () => this.#loadFrom(files, signal));
      const ended = await Promise.allSettled(lanes);
      const failed = ended.find((it) => it.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      this.#end(signal.aborted ? 'cancelled' : 'done', undefined);
    } catch (err) {
      if (signal.aborted) this.#end('cancelled', undefined);
      else this.#end('failed', messageOf(err));
    }
  }

  async #loadFrom(files: AsyncIterator<FoundFile>, signal: AbortSignal): Promise<void> {
    for (;;) {
      const next = await files.next(); // Lanes take turns: the walk goes on only as fast as files are loaded.
      if (next.done === true || signal.aborted) return;
      if (this.#spec.metadataOnly !== true) await this.#load(next.value, signal);
    }
  }

  async *#files(signal: AbortSignal): AsyncGenerator<FoundFile, void> {
    const { namespace } = this.#deps;
    const attempt: Attempt = (work) => this.#attempt(work, signal);
    for (const path of this.#spec.paths) {
      signal.throwIfAborted();
      if (this.#spec.refresh) await attempt(() => refreshPath(namespace, path, true, signal));
      const entry = await attempt(async () => findEntry(namespace, path));
      if (entry === undefined) this.#failed(path, 'there is no such file or folder');
      else if (entry.kind === 'file') yield this.#found({ path, entry });
      else if (entry.kind === 'folder') {
        for await (const file of filesBelow(namespace, entry.ino, path, attempt)) yield this.#found(file);
      }
    }
    this.#note({ walked: true });
  }

  async #load({ path, entry }: FoundFile, signal: AbortSignal): Promise<void> {
    let current = entry;
    for (let tries = 1; ; tries++) {
      const object = objectRef(path, current.version, current.sizeBytes);
      try {
        const had = await this.#deps.isCached(object);
        if (!had) await this.#prefetch(object, signal);
        this.#loaded(current.sizeBytes, had);
        return;
      } catch (err) {
        if (signal.aborted) return;
        const isChanged = err instanceof UfsError && err.code === 'changed';
        if (tries >= this.#triesMax || !(isChanged || isTransient(err) || isTimeout(err))) {
          this.#failed(path, messageOf(err));
          return;
        }
        await this.#wait(tries, signal);
        const now = isChanged ? await this.#attempt(() => this.#askAnew(path), signal) : current;
        if (now === undefined) {
          this.#failed(path, 'it was removed meanwhile');
          return;
        }
        current = now;
      }
    }
  }

  /** Once more while that may help. */
  async #attempt<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await work();
      } catch (err) {
        if (tries >= this.#triesMax || !isTransient(err)) throw err;
        await this.#wait(tries, signal);
      }
    }
  }

  #wait(failures: number, signal: AbortSignal): Promise<void> {
    return (this.#deps.sleep ?? sleep)(backoffDelayMs(failures, BACKOFF), signal);
  }

  #prefetch(object: ObjectRef, signal: AbortSignal): Promise<void> {
    const limitMs = OBJECT_MS + (object.sizeBytes / SLOWEST_BYTES_PER_SECOND) * 1000;
    const stop = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(limitMs))]);
    return this.#deps.prefetchWhole(object, this.#spec.replicas, stop);
  }

  async #askAnew(path: Buffer): Promise<Entry | undefined> {
    await distrust(this.#deps.namespace, path);
    const entry = await findEntry(this.#deps.namespace, path);
    return entry?.kind === 'file' ? entry : undefined;
  }

  #found(file: FoundFile): FoundFile {
    const { foundFiles, foundBytes } = this.#progress;
    this.#note({ foundFiles: foundFiles + 1, foundBytes: foundBytes + file.entry.sizeBytes });
    return file;
  }

  #loaded(sizeBytes: number, had: boolean): void {
    const { loadedFiles, loadedBytes, hadBytes } = this.#progress;
    this.#note({
      loadedFiles: loadedFiles + 1,
      loadedBytes: loadedBytes + sizeBytes,
      hadBytes: hadBytes + (had ? sizeBytes : 0),
    });
  }

  #failed(path: Buffer, why: string): void {
    this.#note({ failedFiles: this.#progress.failedFiles + 1 });
    if (this.#failures.length < FAILURES_TOLD) this.#failures.push({ path, why });
  }

  #end(state: 'done' | 'failed' | 'cancelled', why: string | undefined): void {
    this.#note({ state, why, elapsedMs: this.#deps.nowMs() - (this.#startedMs ?? 0) });
  }

  #note(news: Partial<LoadProgress>): void {
    this.#progress = { ...this.#progress, ...news };
  }
}

/** Asks the storage anew for a file, or for a folder and (`deep`) all below it. */
export async function refreshPath(names: Names, path: Buffer, deep: boolean, signal: AbortSignal): Promise<void> {
  await distrust(names, path);
  const folder = await findFolder(names, path);
  if (folder !== undefined) await names.refresh(folder, deep, signal);
}

function isTimeout(err: unknown): boolean {
  return err instanceof Error && err.name === 'TimeoutError';
}

function messageOf(err: unknown): string {
  return err instanceof Error ? err.message : String(err);
}
