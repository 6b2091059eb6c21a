// Asking the master, patiently: while it is away a call waits and asks again; at its deadline it fails as 'unavailable'.
//
// Every question may be asked twice. Whoever waits does so for one and the same probe, so that all go on at once when the
// master is back, and a master that is away is not stormed. A question that the caller can answer itself from what it
// knows waits for a short while in all, not a short while each: `canDoWithout`.
import { sleep, type Logger } from '../../../base/index.ts';
import { RpcError, type RpcCall, type RpcClient } from '../../rpc/index.ts';
import { UfsError } from '../../ufs/index.ts';

export interface MasterLinkConfig {
  /** How long a call waits for a master that is away. Default 20 s. */
  readonly patienceMs?: number;
  /** For how long after the master went away a call waits that can do without it. Default 1 s. */
  readonly shortPatienceMs?: number;
  /** How long the master may take to answer one question. Default 30 s. */
  readonly answerMs?: number;
  /** Default 200 ms. */
  readonly probeMs?: number;
}

export interface MasterLinkDeps {
  readonly rpc: RpcClient;
  readonly log: Logger;
  /** A monotonic clock. Default: the process's. */
  readonly nowMs?: () => number;
}

export interface MasterHealth {
  readonly address: string;
  /** Undefined while it answers. */
  readonly awayMs: number | undefined;
  /** Why it is taken for away, if it is. */
  readonly why: string | undefined;
}

export interface Question {
  /** What it is about, for messages. */
  readonly path: Buffer;
  readonly canDoWithout: boolean;
  readonly signal?: AbortSignal | undefined;
}

export class MasterLink {
  readonly #rpc: RpcClient;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #patienceMs: number;
  readonly #shortPatienceMs: number;
  readonly #answerMs: number;
  readonly #probeMs: number;
  readonly #stop = new AbortController();
  #away: { readonly sinceMs: number; readonly why: string } | undefined;
  /** Resolves when the master answers again, or the link is closed. */
  #back: Promise<void> | undefined;

  constructor(config: MasterLinkConfig, deps: MasterLinkDeps) {
    this.#rpc = deps.rpc;
    this.#log = deps.log;
    this.#nowMs = deps.nowMs ?? (() => performance.now());
    this.#patienceMs = config.patienceMs ?? 20_000;
    this.#shortPatienceMs = config.shortPatienceMs ?? 1000;
    this.#answerMs = config.answerMs ?? 30_000;
    this.#probeMs = config.probeMs ?? 200;
  }

  get address(): string {
    return this.#rpc.address;
  }

  health(): MasterHealth {
    const away = this.#away;
    return { address: this.address, awayMs: away && this.#nowMs() - away.sinceMs, why: away?.why };
  }

  /** Throws UfsError, or the reason of the signal. */
  async json(call: RpcCall, question: Question): Promise<unknown> {
    return await this.#patiently(question, () => this.#rpc.json(this.#complete(call, question)));
  }

  /** The values of an answer that comes in lines. `callOn` makes the call that goes on after all that was taken. */
  async *lines(callOn: () => RpcCall, question: Question): AsyncGenerator<unknown, void> {
    for (;;) {
      const { first, rest } = await this.#patiently(question, async () => {
        const lines = this.#rpc.lines(this.#complete(callOn(), question))[Symbol.asyncIterator]();
        return { first: await lines.next(), rest: lines };
      });
      try {
        for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
        return;
      } catch (err) {
        const why = reasonToWait(err);
        if (why === undefined) throw translate(err, question.path, this.address);
        this.#lost(why);
      } finally {
        await rest.return?.();
      }
    }
  }

  close(): void {
    this.#stop.abort();
    this.#rpc.close();
  }

  #complete(call: RpcCall, { signal }: Question): RpcCall {
    const all = { deadlineMs: this.#answerMs, silenceMs: this.#answerMs, ...call };
    return signal === undefined ? all : { ...all, signal };
  }

  async #patiently<T>(question: Question, ask: () => Promise<T>): Promise<T> {
    const startMs = this.#nowMs();
    for (;;) {
      if (this.#away !== undefined) await this.#waitUntilBack(question, startMs);
      try {
        const answer = await ask();
        this.#found();
        return answer;
      } catch (err) {
        question.signal?.throwIfAborted();
        const why = reasonToWait(err);
        if (why === undefined) throw translate(err, question.path, this.address);
        this.#lost(why);
        // It may answer others and not this.
        if (this.#nowMs() - startMs >= this.#patienceMs) throw unavailable(question.path, why);
      }
    }
  }

  async #waitUntilBack({ path, canDoWithout, signal }: Question, startMs: number): Promise<void> {
    const { sinceMs, why } = this.#away ?? { sinceMs: 0, why: '' };
    const untilMs = canDoWithout ? sinceMs + this.#shortPatienceMs : startMs + this.#patienceMs;
    const leftMs = untilMs - this.#nowMs();
    const ended = AbortSignal.any([...(signal === undefined ? [] : [signal]), this.#stop.signal]);
    if (leftMs > 0 && !ended.aborted) {
      const enough = new AbortController();
      const waited = sleep(leftMs, AbortSignal.any([ended, enough.signal])).catch(() => {}); // Looked at below.
      await Promise.race([this.#back, waited]);
      enough.abort();
    }
    signal?.throwIfAborted();
    if (this.#away === undefined && !this.#stop.signal.aborted) return;
    throw unavailable(path, `the master at ${this.address} is away: ${why}`);
  }

  #lost(why: string): void {
    if (this.#away !== undefined) return;
    this.#away = { sinceMs: this.#nowMs(), why };
    this.#log.warn('master is away', { address: this.address, why });
    this.#back = this.#probe();
  }

  #found(): void {
    if (this.#away === undefined) return;
    this.#log.info('master is back', { address: this.address, awayMs: Math.round(this.#nowMs() - this.#away.sinceMs) });
    this.#away = undefined;
  }

  async #probe(): Promise<void> {
    while (!this.#stop.signal.aborted && this.#away !== undefined) {
      try {
        await this.#rpc.json({
          path: '/v1/summary',
          deadlineMs: Math.max(2000, this.#probeMs),
          signal: this.#stop.signal,
        });
        this.#found();
      } catch (err) {
        if (reasonToWait(err) === undefined)
          this.#found(); // It answers; what is wrong is told to whoever asks.
        else await sleep(this.#probeMs, this.#stop.signal).catch(() => {}); // Closed: the loop ends.
      }
    }
  }
}

/** Undefined when asking again does not help. */
function reasonToWait(err: unknown): string | undefined {
  if (!(err instanceof RpcError)) return undefined;
  return err.code === 'unreachable' || err.code === 'timeout' || err.code === 'busy' ? err.message : undefined;
}

function translate(err: unknown, path: Buffer, address: string): unknown {
  if (!(err instanceof RpcError)) return err;
  const text = path.toString();
  if (err.code === 'unauthorized') {
    const message = `Cannot ask the master at ${address}: it does not take our token`;
    return new UfsError(message, { code: 'denied', path: text, why: err.message }, { cause: err });
  }
  const message = `Cannot use what the master at ${address} says of "${text}": ${err.message}`;
  return new UfsError(message, { code: 'bad-answer', path: text, why: err.message }, { cause: err });
}

function unavailable(path: Buffer, why: string): UfsError {
  const text = path.toString();
  return new UfsError(`Cannot ask for "${text}": ${why}`, { code: 'unavailable', path: text, why });
}
