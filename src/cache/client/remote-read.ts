// Reading a range of an object from whoever has it: its worker, the next ones in rendezvous order, then the under storage
// itself where we were given credentials. Round after round until the deadline.
//
// Bytes are handed on in order, each once, as they are found right; whoever is asked next goes on where the last one
// stopped, which is the same byte because a version's bytes never change.
import { backoffDelayMs, sleep, type Logger } from '../../base/index.ts';
import { DATA_BYTES_MAX, DATA_ROUTE, dataQuery, framedBytes, FrameReader, RpcError } from '../rpc/index.ts';
import { isTransient, UfsError, type ByteSink, type ObjectRef, type Ufs } from '../ufs/index.ts';
import { PLACEMENT_BYTES } from './rendezvous.ts';
import type { RemoteWorker, Workers } from './workers.ts';

export interface RemoteReadConfig {
  /** For a range, whoever is asked. */
  readonly deadlineMs: number;
  /** How long a worker may say nothing. */
  readonly silenceMs: number;
}

export interface RemoteReadDeps {
  readonly workers: Workers;
  /** The under storage with credentials of our own. */
  readonly ufs: Pick<Ufs, 'read'> | undefined;
  readonly log: Logger;
  readonly stats: RemoteReadStats;
}

export class RemoteReadStats {
  workerBytes = 0;
  ufsBytes = 0;
  workerFailures = 0;
  /** Of those, answers whose bytes were not right. */
  wrongAnswers = 0;
}

const WORKERS_ASKED_MAX = 3;
const BACKOFF = { baseMs: 50, maxMs: 1000 };

export class RemoteRead {
  readonly #config: RemoteReadConfig;
  readonly #deps: RemoteReadDeps;

  constructor(config: RemoteReadConfig, deps: RemoteReadDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  /** Throws UfsError ('changed' and 'not-found' at once, others when nobody could help), or the reason of the signal. */
  async read(object: ObjectRef, offset: number, length: number, sink: ByteSink, signal: AbortSignal): Promise<void> {
    const end = performance.now() + this.#config.deadlineMs;
    let at = offset;
    const take: ByteSink = (chunk) => {
      at += chunk.length;
      sink(chunk);
    };
    let failures = 0;
    let last: unknown;
    while (at < offset + length) {
      signal.throwIfAborted();
      const before = at;
      // One worker's share, and no more than it sends at once.
      const shareEnd = (Math.floor(at / PLACEMENT_BYTES) + 1) * PLACEMENT_BYTES;
      const until = Math.min(offset + length, shareEnd, at + DATA_BYTES_MAX);
      last = await this.#round(object, () => at, until, take, signal, end);
      if (at > before) failures = 0;
      if (at >= until) continue;
      if (last instanceof UfsError && !isTransient(last)) throw finalError(object, last);
      failures += 1;
      const waitMs = backoffDelayMs(failures, BACKOFF);
      if (performance.now() + waitMs >= end) throw finalError(object, last);
      await sleep(waitMs, signal);
    }
  }

  /** Asks everybody once for what is missing up to `until`. Returns why it is not all there, if so. */
  async #round(
    object: ObjectRef,
    at: () => number,
    until: number,
    take: ByteSink,
    signal: AbortSignal,
    end: number,
  ): Promise<unknown> {
    const { workers, ufs } = this.#deps;
    const piece = Math.floor(at() / PLACEMENT_BYTES);
    let candidates = workers.candidates(object.id, piece, WORKERS_ASKED_MAX);
    if (candidates.length === 0 && ufs === undefined) {
      candidates = workers.lastResorts(object.id, piece, WORKERS_ASKED_MAX);
    }
    let last: unknown;
    for (const worker of candidates) {
      const leftMs = end - performance.now();
      if (leftMs <= 0) return last;
      last = await this.#ask(worker, object, at(), until, take, signal, leftMs);
      if (last === undefined) return undefined;
    }
    return ufs === undefined ? last : await this.#askStorage(ufs, object, at(), until, take, signal, end);
  }

  /** Undefined when everything is there; otherwise why not. Throws what is final. */
  async #ask(
    worker: RemoteWorker,
    object: ObjectRef,
    offset: number,
    until: number,
    take: ByteSink,
    signal: AbortSignal,
    leftMs: number,
  ): Promise<unknown> {
    const { workers, stats } = this.#deps;
    const range = { object, offset, length: until - offset };
    const frames = new FrameReader(worker.address, range, (chunk) => {
      stats.workerBytes += chunk.length;
      take(chunk);
    });
    const call = {
      path: DATA_ROUTE,
      query: dataQuery(range),
      signal,
      deadlineMs: leftMs,
      silenceMs: Math.min(leftMs, this.#config.silenceMs),
    };
    workers.asked(worker);
    try {
      await worker.client.bytes(call, framedBytes(range.length), (chunk) => frames.push(chunk));
      workers.succeeded(worker);
      return undefined;
    } catch (err) {
      if (signal.aborted) {
        workers.gaveUp(worker);
        throw err;
      }
      if (err instanceof UfsError) {
        workers.succeeded(worker); // It works; what is behind it does not.
        if (isFinal(err)) throw err;
        return err;
      }
      if (err instanceof RpcError && err.code === 'bad-request') throw err; // Ours to mend, whoever is asked.
      if (err instanceof RpcError && err.code === 'busy') {
        workers.gaveUp(worker);
        return err;
      }
      stats.workerFailures += 1;
      if (err instanceof RpcError && err.code === 'bad-answer') stats.wrongAnswers += 1;
      workers.failed(worker, err);
      return err;
    }
  }

  async #askStorage(
    ufs: Pick<Ufs, 'read'>,
    object: ObjectRef,
    offset: number,
    until: number,
    take: ByteSink,
    signal: AbortSignal,
    end: number,
  ): Promise<unknown> {
    const leftMs = Math.ceil(end - performance.now());
    if (leftMs <= 0) return undefined;
    const stop = AbortSignal.any([signal, AbortSignal.timeout(leftMs)]);
    const counted: ByteSink = (chunk) => {
      this.#deps.stats.ufsBytes += chunk.length;
      take(chunk);
    };
    try {
      await ufs.read(object.path, object.version, offset, until - offset, counted, stop);
      return undefined;
    } catch (err) {
      signal.throwIfAborted();
      if (err instanceof UfsError && !isTransient(err)) throw err;
      return err;
    }
  }
}

/** Nobody else can know better: that version of the file is no more. */
export function isFinal(err: unknown): boolean {
  return err instanceof UfsError && (err.code === 'changed' || err.code === 'not-found');
}

function finalError(object: ObjectRef, cause: unknown): UfsError {
  if (cause instanceof UfsError) return cause;
  const path = object.path.toString();
  const why = cause instanceof Error ? cause.message : 'there is no worker and no way to the storage itself';
  return new UfsError(`Cannot read "${path}": ${why}`, { code: 'unavailable', path, why }, { cause });
}
