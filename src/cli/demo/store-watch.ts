// What goes on between our daemons and the store behind them: asked just before each is killed, since it takes its counts
// with it. What it fetched between the question and the kill is not counted.
import { createLogger } from '../../base/index.ts';
import { openRpcClient, type RpcClient } from '../../cache/rpc/index.ts';
import { decodeCacheSummary } from '../dataset/cache-summary.ts';

export interface StoreTold {
  readonly fetchedBytes: number;
  /** Daemons that were asking the store for something just before they were killed. */
  readonly killsInFlight: number;
}

const ASK_MS = 300;

export class StoreWatch {
  readonly #client: RpcClient;
  readonly #fetchedBytes = new Map<number, number>();
  #killsInFlight = 0;

  constructor(socket: string) {
    this.#client = openRpcClient({ address: socket }, { log: createLogger({ level: 'error' }) });
  }

  get told(): StoreTold {
    const fetchedBytes = [...this.#fetchedBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    return { fetchedBytes, killsInFlight: this.#killsInFlight };
  }

  /** Whoever does not answer at once is left alone: figures are not worth waiting for. */
  async look(isLast: boolean): Promise<void> {
    try {
      const { fetch } = decodeCacheSummary(await this.#client.json({ path: '/v1/summary', deadlineMs: ASK_MS }));
      if (fetch === undefined) return;
      this.#fetchedBytes.set(fetch.pid, fetch.fetchedBytes);
      if (isLast && fetch.inFlightBytes > 0) this.#killsInFlight++;
    } catch {
      // began to serve a moment ago, and does not listen yet
    }
  }
}
