// A load job as the command sees it: asked for, followed to its end over deaths of whoever runs it, called off.
//
// The job is on disk with its runner, and a successor goes on with it under the same id; where a job is not known any more
// it is asked for again, which loads nothing twice.
import { sleep } from '../../base/index.ts';
import { RpcError, type RpcClient } from '../../cache/rpc/index.ts';
import {
  decodeLoadStatus,
  encodeLoadSpec,
  type LoadProgress,
  type LoadSpec,
  type LoadStatus,
} from '../../cache/rpc/master/index.ts';

const POLL_MS = 200;
const ASK_MS = 5_000;
/** As long as a mount waits for a daemon before it gives up. */
const AWAY_MS = 60_000;
const ASKED_AGAIN_MAX = 5;

export class LoadFollower {
  readonly #client: RpcClient;
  readonly #spec: LoadSpec;
  #id = '';
  #asked = 0;

  constructor(client: RpcClient, spec: LoadSpec) {
    this.#client = client;
    this.#spec = spec;
  }

  /** Resolves when the job is on disk. */
  async start(signal: AbortSignal): Promise<LoadStatus> {
    this.#asked++;
    const status = await this.#patiently(
      { path: '/v1/load', body: encodeLoadSpec(this.#spec), deadlineMs: ASK_MS },
      signal,
    );
    this.#id = status.id;
    return status;
  }

  /** Resolves when the job has ended, however it did. */
  async end(show: (progress: LoadProgress) => void, signal: AbortSignal): Promise<LoadStatus> {
    for (;;) {
      const status = await this.#look(signal);
      show(status.progress);
      if (status.progress.state !== 'waiting' && status.progress.state !== 'running') return status;
      await sleep(POLL_MS, signal);
    }
  }

  async cancel(): Promise<void> {
    const signal = AbortSignal.timeout(ASK_MS);
    await this.#patiently({ path: '/v1/load/cancel', body: { id: this.#id }, deadlineMs: ASK_MS }, signal);
  }

  async #look(signal: AbortSignal): Promise<LoadStatus> {
    try {
      return await this.#patiently({ path: '/v1/load', query: { id: this.#id }, deadlineMs: ASK_MS }, signal);
    } catch (err) {
      const isForgotten = err instanceof RpcError && err.code === 'bad-request' && this.#asked < ASKED_AGAIN_MAX;
      if (!isForgotten) throw err;
      return await this.start(signal);
    }
  }

  /** Asks again while nobody is there: a daemon that died has a successor soon. */
  async #patiently(call: Parameters<RpcClient['json']>[0], signal: AbortSignal): Promise<LoadStatus> {
    const endMs = performance.now() + AWAY_MS;
    for (;;) {
      try {
        return decodeLoadStatus(await this.#client.json({ ...call, signal }));
      } catch (err) {
        const isAway = err instanceof RpcError && ['unreachable', 'timeout', 'busy'].includes(err.code);
        if (!isAway || signal.aborted || performance.now() > endMs) throw err;
        await sleep(POLL_MS, signal);
      }
    }
  }
}
