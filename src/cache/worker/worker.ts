// A worker: the cache of one machine behind HTTP. Reads what it does not have from the under storage, once, however many
// clients ask; holds nothing in memory that would be missed after a kill.
import { randomUUID } from 'node:crypto';
import { createMetrics, type Logger, type Metrics } from '../../base/index.ts';
import type { BlockStore } from '../blocks/index.ts';
import type { BlockSource } from '../fill/index.ts';
import { createRpcServer, openRpcClient, type RpcServer, type WorkerReport } from '../rpc/index.ts';
import { controlRoutes } from './control-routes.ts';
import { dataRoute } from './data-route.ts';
import { Frames } from './frames.ts';
import { ensureWorkerId } from './identity.ts';
import { keepMembership } from './membership.ts';
import { describeWorker } from './metrics.ts';
import { OpenFiles } from './open-files.ts';

export interface WorkerConfig {
  /** "host:port". */
  readonly listen: string;
  readonly tokenFile: string;
  /** Holds the worker's id: its first cache path. */
  readonly folder: string;
  /** "host:port" of the master; without one nobody is told of this worker. */
  readonly master?: string;
  /** As clients reach it. Default: where it listens. */
  readonly advertise?: string;
  readonly metricsOpen?: boolean;
  /** Default 2 s. */
  readonly heartbeatMs?: number;
  /** Requests at once. Default 256: with two frames each, 128 MiB at most. */
  readonly inFlightMax?: number;
  /** How long a client may take to accept a frame. Default 30 s. */
  readonly stallMs?: number;
}

export interface WorkerDeps {
  /** Closed by whoever opened them. */
  readonly source: BlockSource;
  readonly store: BlockStore;
  /** Bytes fetched from the under storage so far. */
  readonly fetchedBytes: () => number;
  readonly log: Logger;
  /** Default: a registry of its own. */
  readonly metrics?: Metrics;
}

export interface Worker {
  readonly id: string;
  readonly instance: string;
  readonly address: string;
  /** Rejects with WorkerError when this worker must not go on; resolves when it was closed. */
  readonly done: Promise<void>;
  /** Requests in flight get `graceMs`. */
  close(graceMs?: number): Promise<void>;
}

const OPEN_FILES_MAX = 256;
const OPEN_IDLE_MS = 10_000;
const FRAMES_IDLE_MAX = 64;

/** Resolves when it listens. Throws WorkerError, RpcError 'bad-config', or what the folder's file system says. */
export async function openWorker(config: WorkerConfig, deps: WorkerDeps): Promise<Worker> {
  const id = ensureWorkerId(config.folder);
  const instance = randomUUID();
  const log = deps.log.child({ worker: id });
  const files = new OpenFiles(
    { max: OPEN_FILES_MAX, idleMs: OPEN_IDLE_MS },
    { source: deps.source, nowMs: () => performance.now() },
  );
  const frames = new Frames(FRAMES_IDLE_MAX);
  const metrics = deps.metrics ?? createMetrics();
  const counts = describeWorker(metrics, deps);
  const server = await createRpcServer(
    {
      listen: config.listen,
      tokenFile: config.tokenFile,
      inFlightMax: config.inFlightMax ?? 256,
      ...(config.metricsOpen === undefined ? {} : { metricsOpen: config.metricsOpen }),
      ...(config.stallMs === undefined ? {} : { stallMs: config.stallMs }),
    },
    {
      routes: {
        'GET /v1/data': dataRoute({ files, frames, served: (sizeBytes) => counts.served(sizeBytes) }),
        ...controlRoutes({ files, frames, store: deps.store, id, instance }),
      },
      metrics: () => metrics.expose(),
      log,
    },
  );
  const stop = new AbortController();
  const address = config.advertise ?? server.address;
  const sweep = setInterval(() => files.closeIdle(), OPEN_IDLE_MS / 2);
  sweep.unref();
  log.info('worker serves', { address, instance });

  const report = (): WorkerReport => {
    const { tiers } = deps.store.usage();
    const missBytes = deps.fetchedBytes();
    return {
      id,
      instance,
      address,
      usedBytes: tiers.reduce((sum, tier) => sum + tier.usedBytes, 0),
      quotaBytes: tiers.reduce((sum, tier) => sum + tier.quotaBytes, 0),
      counts: { localHitBytes: 0, remoteHitBytes: Math.max(0, counts.servedBytes() - missBytes), missBytes },
    };
  };
  const done =
    config.master === undefined ? closed(stop.signal) : join(config.master, config, report, log, stop.signal);
  return { id, instance, address, done, close: (graceMs) => close(server, files, stop, sweep, graceMs) };
}

async function join(
  address: string,
  config: WorkerConfig,
  report: () => WorkerReport,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const master = openRpcClient({ address, tokenFile: config.tokenFile, socketsMax: 2 }, { log });
  try {
    await keepMembership({ heartbeatMs: config.heartbeatMs ?? 2000 }, { master, report, log }, signal);
  } finally {
    master.close();
  }
}

async function closed(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  signal.addEventListener('abort', () => resolve(undefined));
  await promise;
}

async function close(
  server: RpcServer,
  files: OpenFiles,
  stop: AbortController,
  sweep: NodeJS.Timeout,
  graceMs = 0,
): Promise<void> {
  stop.abort();
  clearInterval(sweep);
  await server.close(graceMs);
  files.close();
}
