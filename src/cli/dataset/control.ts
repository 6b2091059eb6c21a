// The control socket of a mount with its cache on its own machine: what `evermount load`, `evict` and `cache` talk to.
//
// The daemon that serves listens, in the session's private folder and therefore without a token; a successor takes the name
// over. Load jobs are on disk there: a successor goes on with them. Loaded after the takeover, so that readers never wait
// for it, and nothing here may end the daemon: whoever asks is told, or finds nobody.
//
//     GET /v1/summary       → CacheSummary
//     GET /healthz, /metrics
//     and those of cache/master/cache-routes.ts
import { join } from 'node:path';
import { createMetrics, type Logger } from '../../base/index.ts';
import { Accounting, cacheRoutes, evictBelow, LoadJob, LoadJobs } from '../../cache/master/index.ts';
import { createRpcServer } from '../../cache/rpc/index.ts';
import type { LoadSpec } from '../../cache/rpc/master/index.ts';
import type { CacheSummary } from './cache-summary.ts';
import { CONTROL_SOCKET } from './control-socket.ts';
import { describeCache } from './control-metrics.ts';
import type { DatasetConfig } from './dataset-config.ts';
import { loadObject } from './load-object.ts';
import { writeNote } from './cache-folder.ts';
import type { Dataset } from './open-dataset.ts';
import type { ReadCounts } from './read-counts.ts';

export interface ControlDeps {
  readonly dataset: Dataset;
  readonly config: DatasetConfig;
  readonly reads: ReadCounts;
  readonly log: Logger;
}

export interface Control {
  /** Nothing of it runs any more. */
  close(): Promise<void>;
}

const SAVE_MS = 2_000;
/** Objects of one load job that are fetched at once. */
const LOAD_IN_FLIGHT = 16;
const IN_FLIGHT_MAX = 64;

/** Resolves when it listens. */
export async function openControl(folder: string, deps: ControlDeps): Promise<Control> {
  const { dataset, config, log } = deps;
  const { namespace, store, blocks } = dataset;
  writeNote(config, log);
  const counts = new Counts(join(folder, 'cache-reads.json'), deps);
  const counted = store.counted().catch(() => {}); // in use by another: said in the log by who began it
  const loads = new LoadJobs(
    { folder: join(folder, 'loads') },
    log,
    (spec: LoadSpec) =>
      new LoadJob(
        spec,
        { inFlightMax: LOAD_IN_FLIGHT },
        {
          namespace,
          isCached: async ({ id, sizeBytes }) => {
            await counted; // what is there from before is known by then
            return store.cachedBytes(id) >= sizeBytes;
          },
          prefetchWhole: async (object, _replicas, signal) => {
            counts.isLoaded(object.sizeBytes - store.cachedBytes(object.id));
            await loadObject(object, { blocks, store }, signal);
          },
          nowMs: () => performance.now(),
        },
      ),
  );
  const summary = (): CacheSummary => {
    const usage = store.usage();
    const { fetchedBytes, inFlightBytes, fetchErrors } = blocks.stats();
    return {
      epoch: String(process.pid),
      ...namespace.totals(),
      workers: 0,
      capacityBytes: usage.tiers.reduce((sum, { quotaBytes }) => sum + quotaBytes, 0),
      cachedBytes: usage.tiers.reduce((sum, { usedBytes }) => sum + usedBytes, 0),
      ...counts.look().ratios(),
      cacheFolder: config.cacheFolder,
      readBytes: counts.readBytes,
      store: usage,
      fetch: { pid: process.pid, fetchedBytes, inFlightBytes, errors: fetchErrors },
    };
  };
  const metrics = createMetrics();
  describeCache(metrics, { summary, stats: () => blocks.stats(), total: () => counts.look().total });
  const server = await createRpcServer(
    { listen: join(folder, CONTROL_SOCKET), inFlightMax: IN_FLIGHT_MAX },
    {
      routes: {
        'GET /v1/summary': () => ({ kind: 'json', value: summary() }),
        ...cacheRoutes({
          names: namespace,
          loads,
          evict: (path, signal) => evictBelow(namespace, path, (objects) => store.evict(objects), signal),
        }),
      },
      metrics: () => metrics.expose(),
      health: () => store.usage().tiers.find(({ failed }) => failed !== undefined)?.failed,
      log,
    },
  );
  const saving = setInterval(() => counts.look().save(), SAVE_MS);
  return {
    close: async () => {
      clearInterval(saving);
      await server.close();
      await loads.close();
      counts.look().save();
    },
  };
}

/** What readers got since the mount was made, over all of its daemons. */
class Counts {
  readonly #accounting: Accounting;
  readonly #instance = `${process.pid}-${Date.now()}`;
  readonly #deps: ControlDeps;
  #loadedBytes = 0;
  #hitBytes = 0;
  #missBytes = 0;

  constructor(path: string, deps: ControlDeps) {
    this.#accounting = new Accounting({ path, reportersMax: 8 }, deps.log);
    this.#deps = deps;
  }

  get readBytes(): number {
    const { localHitBytes, missBytes } = this.#accounting.total;
    return localHitBytes + missBytes;
  }

  /** So many bytes are fetched for no reader. */
  isLoaded(sizeBytes: number): void {
    this.#loadedBytes += Math.max(0, sizeBytes);
  }

  /** Up to date. What was fetched for readers and what they got is all that is known; neither count ever goes back. */
  look(): Accounting {
    const { reads, dataset } = this.#deps;
    const fetchedBytes = Math.max(0, dataset.blocks.stats().fetchedBytes - this.#loadedBytes);
    const missBytes = Math.min(reads.readBytes - this.#hitBytes, fetchedBytes);
    this.#missBytes = Math.max(this.#missBytes, missBytes);
    this.#hitBytes = Math.max(this.#hitBytes, reads.readBytes - this.#missBytes);
    this.#accounting.told(this.#instance, {
      localHitBytes: this.#hitBytes,
      remoteHitBytes: 0,
      missBytes: this.#missBytes,
    });
    return this.#accounting;
  }
}
