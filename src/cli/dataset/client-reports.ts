// What a client and its master tell each other now and then: bytes that were read, and how large the dataset is. Nothing
// depends on it but figures that people look at, so whatever fails is left to the next time.
import { randomUUID } from 'node:crypto';
import type { Totals } from '../../cache/namespace/index.ts';
import type { ClientReport, RpcClient, TransferCounts } from '../../cache/rpc/index.ts';
import { decodeSummary } from '../../cache/rpc/master/index.ts';

export interface ClientReportsDeps {
  readonly rpc: RpcClient;
  /** Since this process began. */
  readonly counts: () => TransferCounts;
  readonly onTotals: (totals: Totals) => void;
}

const EVERY_MS = 5000;
const DEADLINE_MS = 4000;

export class ClientReports {
  readonly #deps: ClientReportsDeps;
  readonly #instance = randomUUID();
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #telling: Promise<void> | undefined;

  constructor(deps: ClientReportsDeps) {
    this.#deps = deps;
  }

  begin(): void {
    this.#tell();
    this.#timer = setInterval(() => this.#tell(), EVERY_MS);
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#telling;
  }

  #tell(): void {
    this.#telling ??= this.#exchange()
      .catch(() => {}) // The next one may.
      .finally(() => (this.#telling = undefined));
  }

  async #exchange(): Promise<void> {
    const { rpc, counts, onTotals } = this.#deps;
    const call = { deadlineMs: DEADLINE_MS, signal: this.#stop.signal };
    const report: ClientReport = { instance: this.#instance, counts: counts() };
    await rpc.json({ ...call, path: '/v1/clients', body: report });
    const { files, bytes } = decodeSummary(await rpc.json({ ...call, path: '/v1/summary' }));
    onTotals({ files, bytes });
  }
}
