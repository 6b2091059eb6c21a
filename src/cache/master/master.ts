// The master: owns the names of a dataset, knows who is alive, tells both to clients, and has caches warmed.
//
// What must survive its death is on disk before it is acknowledged: names in the namespace, mounts, workers and load jobs
// in files beside it. The feed of changes lives in memory; after a restart its followers resync. The master answers from
// what it knows while the storage is away.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createMetrics, type Logger, type Metrics } from '../../base/index.ts';
import type { Change, Namespace } from '../namespace/index.ts';
import { createRpcServer, type RpcServer, type WorkerInfo } from '../rpc/index.ts';
import type { LoadSpec, MasterSummary, NameChange } from '../rpc/master/index.ts';
import { UfsError, type MountSpec, type ObjectRef, type Ufs } from '../ufs/index.ts';
import { Accounting } from './accounting.ts';
import { ChangeLog } from './change-log.ts';
import { evictBelow } from './evict-below.ts';
import { LoadJob } from './load-job.ts';
import { LoadJobs } from './load-jobs.ts';
import { Members } from './members.ts';
import { describeMaster, timed } from './metrics.ts';
import { rememberMounts } from './mounts.ts';
import { joinPath } from './names.ts';
import { masterRoutes } from './routes.ts';

export interface MasterConfig {
  /** Ours alone; made if need be. May be copied or moved while no master uses it. */
  readonly metaDir: string;
  /** "host:port" or the absolute path of a unix socket. */
  readonly listen: string;
  readonly tokenFile?: string;
  readonly metricsOpen?: boolean;
  /** Undefined: those it was started with before. */
  readonly mounts?: readonly MountSpec[];
  /** How long a worker is taken for alive after it was heard of. Default 10 s. */
  readonly leaseMs?: number;
  /** How often the storage is asked for all names anew. Default: only on demand. */
  readonly rescanMs?: number;
}

/** How the master makes workers do things; the owners of an object are the caller's knowledge. */
export interface WorkerActions {
  /** Resolves when so many of the workers have all of the object. Throws UfsError. */
  prefetchWhole(
    workers: readonly WorkerInfo[],
    object: ObjectRef,
    replicas: number,
    signal: AbortSignal,
  ): Promise<void>;
  /** Objects by their ids; undefined: all there are. Returns bytes freed. */
  evict(workers: readonly WorkerInfo[], objects: readonly string[] | undefined, signal: AbortSignal): Promise<number>;
}

export interface MasterDeps {
  readonly log: Logger;
  readonly openUfs: (mounts: readonly MountSpec[]) => Promise<Ufs>;
  readonly openNamespace: (ufs: Ufs) => Promise<Namespace>;
  readonly workers: WorkerActions;
  /** Default: its own. */
  readonly metrics?: Metrics;
  /** A monotonic clock. Default: the process's. */
  readonly nowMs?: () => number;
}

export interface Master {
  readonly address: string;
  summary(): MasterSummary;
  close(): Promise<void>;
}

const EXPIRE_MS = 1000;
const SAVE_MS = 10_000;
const WORKERS_MAX = 1024;
/** What is cut off is asked again by its caller. */
const CLOSE_GRACE_MS = 100;

/** Resolves when it answers. Throws MasterError, UfsError, RpcError, and what opening the namespace throws. */
export async function openMaster(config: MasterConfig, deps: MasterDeps): Promise<Master> {
  mkdirSync(config.metaDir, { recursive: true, mode: 0o700 });
  const { mounts, changed } = rememberMounts(config.metaDir, config.mounts);
  const ufs = await deps.openUfs(mounts);
  try {
    const names = await deps.openNamespace(ufs);
    if (changed) names.invalidate('all');
    const master = new OpenMaster(config, deps, ufs, names);
    try {
      await master.listen();
    } catch (err) {
      await names.close();
      throw err;
    }
    return master;
  } catch (err) {
    await ufs.close();
    throw err;
  }
}

class OpenMaster implements Master {
  readonly #config: MasterConfig;
  readonly #deps: MasterDeps;
  readonly #ufs: Ufs;
  readonly #names: Namespace;
  readonly #changes: ChangeLog;
  readonly #members: Members;
  readonly #accounting: Accounting;
  readonly #loads: LoadJobs;
  readonly #metrics: Metrics;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #stop = new AbortController();
  #rescan: Promise<void> | undefined;
  #server: RpcServer | undefined;

  constructor(config: MasterConfig, deps: MasterDeps, ufs: Ufs, names: Namespace) {
    const { log } = deps;
    const nowMs = deps.nowMs ?? (() => performance.now());
    this.#config = config;
    this.#deps = deps;
    this.#ufs = ufs;
    this.#names = names;
    this.#metrics = deps.metrics ?? createMetrics();
    this.#changes = new ChangeLog({}, () => this.#members.list());
    this.#members = new Members(
      { path: join(config.metaDir, 'workers.json'), leaseMs: config.leaseMs ?? 10_000, workersMax: WORKERS_MAX },
      { log, nowMs, changed: () => this.#changes.workersChanged() },
    );
    this.#accounting = new Accounting({ path: join(config.metaDir, 'accounting.json') }, log);
    this.#loads = new LoadJobs({ folder: join(config.metaDir, 'loads') }, log, (spec) => this.#loadJob(spec, nowMs));
    names.onChange((changes) => this.#tell(changes));
    describeMaster(this.#metrics, {
      summary: () => this.summary(),
      total: () => this.#accounting.total,
      changes: this.#changes,
    });
  }

  get address(): string {
    return this.#server?.address ?? this.#config.listen;
  }

  async listen(): Promise<void> {
    const { listen, tokenFile, metricsOpen, rescanMs } = this.#config;
    const routes = masterRoutes({
      names: this.#names,
      changes: this.#changes,
      members: this.#members,
      accounting: this.#accounting,
      loads: this.#loads,
      summary: () => this.summary(),
      evict: (path, signal) => this.#evict(path, signal),
    });
    this.#server = await createRpcServer(
      {
        listen,
        ...(tokenFile === undefined ? {} : { tokenFile }),
        ...(metricsOpen === undefined ? {} : { metricsOpen }),
        inFlightMax: 8192, // every client has a question for changes open
        connectionsMax: 8192,
      },
      { routes: timed(routes, this.#metrics), log: this.#deps.log, metrics: () => this.#metrics.expose() },
    );
    this.#timers.push(setInterval(() => this.#members.expire(), EXPIRE_MS));
    this.#timers.push(setInterval(() => this.#accounting.save(), SAVE_MS));
    if (rescanMs !== undefined) this.#timers.push(setInterval(() => this.#scanAgain(), rescanMs));
    this.#deps.log.info('master is serving', { address: this.#server.address, epoch: this.#changes.epoch });
  }

  summary(): MasterSummary {
    const workers = this.#members.list();
    return {
      epoch: this.#changes.epoch,
      ...this.#names.totals(),
      workers: workers.length,
      capacityBytes: workers.reduce((sum, it) => sum + it.quotaBytes, 0),
      cachedBytes: workers.reduce((sum, it) => sum + it.usedBytes, 0),
      ...this.#accounting.ratios(),
    };
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#stop.abort();
    await this.#server?.close(CLOSE_GRACE_MS);
    await this.#loads.close();
    await this.#rescan;
    this.#accounting.save();
    await this.#names.close();
    await this.#ufs.close();
  }

  #loadJob(spec: LoadSpec, nowMs: () => number): LoadJob {
    return new LoadJob(
      spec,
      {},
      {
        namespace: this.#names,
        prefetchWhole: async (object, replicas, signal) => {
          const workers = this.#members.list();
          if (workers.length === 0) throw noWorkers(object.path);
          await this.#deps.workers.prefetchWhole(workers, object, replicas, signal);
        },
        isCached: () => false, // the worker that has it says so at once
        nowMs,
      },
    );
  }

  #evict(path: Buffer, signal: AbortSignal): Promise<number> {
    const evict = (objects: readonly string[] | undefined): Promise<number> =>
      this.#deps.workers.evict(this.#members.list(), objects, signal);
    return evictBelow(this.#names, path, evict, signal);
  }

  #tell(changes: readonly Change[]): void {
    const folders = new Map<number, Buffer | undefined>();
    const told: NameChange[] = [];
    for (const { folder, name, what } of changes) {
      if (!folders.has(folder)) folders.set(folder, this.#pathOf(folder));
      const path = folders.get(folder);
      if (path !== undefined) told.push({ path: joinPath(path, name), what });
    }
    this.#changes.namesChanged(told);
  }

  /** Undefined when the folder itself is gone: that is a change of its own. */
  #pathOf(folder: number): Buffer | undefined {
    try {
      return this.#names.pathOf(folder);
    } catch (err) {
      if (err instanceof UfsError && err.code === 'not-found') return undefined;
      throw err;
    }
  }

  #scanAgain(): void {
    this.#rescan ??= this.#names
      .refresh(1, true, this.#stop.signal)
      .catch((err: unknown) => {
        if (!this.#stop.signal.aborted) this.#deps.log.warn('storage cannot be scanned again', { error: err });
      })
      .finally(() => (this.#rescan = undefined));
  }
}

function noWorkers(path: Buffer): UfsError {
  const why = 'there is no worker';
  return new UfsError(`Cannot load "${path.toString()}": ${why}`, { code: 'unavailable', path: path.toString(), why });
}
