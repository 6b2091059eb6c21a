// /healthz and /metrics of a client daemon. Only the daemon that serves answers; one that takes over begins to listen as soon
// as the one before it has let go of the address, and serving files never waits for that.
import { createMetrics, sleep, type Logger, type Metrics } from '../../base/index.ts';
import type { RemoteBlocks } from '../../cache/client/index.ts';
import type { Changes, MasterLink } from '../../cache/client/master/index.ts';
import { createRpcServer, type RpcServer } from '../../cache/rpc/index.ts';
import type { ClientConfig } from './dataset-config.ts';

export interface ClientStatusDeps {
  readonly log: Logger;
  readonly blocks: Pick<RemoteBlocks, 'stats'>;
  readonly link: Pick<MasterLink, 'health'>;
  readonly changes: Pick<Changes, 'health'>;
}

const RETRY_MS = 500;

export class ClientStatus {
  readonly #config: ClientConfig;
  readonly #deps: ClientStatusDeps;
  readonly #metrics: Metrics = createMetrics();
  readonly #stop = new AbortController();
  #listening: Promise<RpcServer | undefined> | undefined;

  constructor(config: ClientConfig, deps: ClientStatusDeps) {
    this.#config = config;
    this.#deps = deps;
    describeClient(this.#metrics, deps);
  }

  begin(): void {
    if (this.#config.listen !== undefined) this.#listening ??= this.#listen(this.#config.listen);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await (await this.#listening)?.close();
  }

  async #listen(listen: string): Promise<RpcServer | undefined> {
    const { tokenFile, metricsOpen } = this.#config;
    const { log } = this.#deps;
    for (let tries = 1; !this.#stop.signal.aborted; tries++) {
      try {
        return await createRpcServer(
          { listen, tokenFile, metricsOpen },
          { routes: {}, log, metrics: () => this.#metrics.expose() },
        );
      } catch (err) {
        if (tries === 4) log.warn('health and metrics cannot be told', { listen, error: err });
        await sleep(RETRY_MS, this.#stop.signal).catch(() => {}); // Closed: the loop ends.
      }
    }
    return undefined;
  }
}

function describeClient(it: Metrics, { blocks, link, changes }: ClientStatusDeps): void {
  const stats = (): ReturnType<RemoteBlocks['stats']> => blocks.stats();
  const read = 'Bytes that came to this client, by where from.';
  it.counted('evermount_fuse_read_bytes_total', read, () => stats().workerBytes, { from: 'worker' });
  it.counted('evermount_fuse_read_bytes_total', read, () => stats().ufsBytes, { from: 'storage' });
  it.counted('evermount_fuse_worker_failures_total', 'Requests a worker did not fulfil.', () => stats().workerFailures);
  it.counted(
    'evermount_fuse_wrong_answers_total',
    'Answers of workers whose bytes were not right. None was given to a reader.',
    () => stats().wrongAnswers,
  );
  it.gauge('evermount_fuse_workers', 'Workers known.', () => stats().workers);
  it.gauge('evermount_fuse_workers_set_aside', 'Workers that failed lately.', () => stats().workersSetAside);
  it.gauge('evermount_fuse_memory_bytes', 'Data held in memory.', () => stats().memoryBytes);
  it.gauge('evermount_fuse_master_away_seconds', 'How long the master has not answered, 0 while it does.', () =>
    Math.round((link.health().awayMs ?? 0) / 1000),
  );
  it.gauge('evermount_fuse_following', '1 while the changes of the master are followed.', () =>
    Number(changes.health().following),
  );
  it.counted('evermount_fuse_resyncs_total', 'Times all names were checked anew.', () => changes.health().resyncs);
}
