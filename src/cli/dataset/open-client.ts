// Puts the parts of a client together: names from the master, kept in a namespace of this machine; data from the workers,
// and from the storage itself where it was given credentials.
//
// Nothing is asked and nothing written before begin(): until then another daemon serves. The workers are kept on disk too, so
// that a daemon that takes over while the master is away reads on.
import { readFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic, type Logger } from '../../base/index.ts';
import { openRemoteBlocks, type RemoteBlocks, type WorkerAddress } from '../../cache/client/index.ts';
import { Changes, FollowedNames, MasterLink, MasterUfs } from '../../cache/client/master/index.ts';
import { openNamespace, ROOT_INO, type Namespace, type OpenNamespace } from '../../cache/namespace/index.ts';
import { decodeWorkers, openRpcClient, RpcError, type RpcClient, type WorkerInfo } from '../../cache/rpc/index.ts';
import { openUfs, type Ufs } from '../../cache/ufs/index.ts';
import { ClientReports } from './client-reports.ts';
import { ClientStatus } from './client-status.ts';
import type { ClientConfig } from './dataset-config.ts';
import type { ServedDataset } from './served-dataset.ts';

/** For questions of applications: one for every reader that waits, within reason. */
const SOCKETS_MAX = 32;
/** So long after the feed was lost names are asked for anew, if the master answers other questions. */
const WITHOUT_FEED_MS = 60_000;
const WATCH_MS = 5000;

export async function openClient(config: ClientConfig, log: Logger): Promise<ServedDataset> {
  const { cacheFolder, master: address, tokenFile, mounts, claims } = config;
  const meta = join(cacheFolder, 'meta');
  for (const path of [cacheFolder, meta]) mkdirSync(path, { recursive: true, mode: 0o700 });
  const ufs = mounts.length === 0 ? undefined : await openUfs(mounts, { logger: log, claims });
  const blocks = openRemoteBlocks(
    { tokenFile, memoryBytes: config.memoryBytes },
    { log, ...(ufs === undefined ? {} : { ufs }) },
  );
  const workersFile = join(cacheFolder, 'workers.json');
  blocks.updateWorkers(readWorkers(workersFile));
  const rpc = openRpcClient({ address, tokenFile, socketsMax: SOCKETS_MAX }, { log });
  const feed = openRpcClient({ address, tokenFile, socketsMax: 2 }, { log });
  const link = new MasterLink({ patienceMs: config.patienceMs }, { rpc, log });
  const opened: { names?: Namespace } = {};
  const identity = `master:${address}`;
  const masterUfs = new MasterUfs({ identity }, { link, isKnown: (path) => isKnown(opened.names, path) });
  const namespace = await openNamespace(
    { folder: meta, refresh: config.refresh, countsTotals: false },
    { ufs: masterUfs, logger: log },
  );
  opened.names = namespace;
  const names = new FollowedNames(namespace, masterUfs);
  const changes = new Changes(
    { placeFile: join(cacheFolder, 'feed.json') },
    {
      rpc: feed,
      log,
      onNames: (told) => names.told(told),
      onWorkers: (workers) => {
        blocks.updateWorkers(workers);
        keepWorkers(workersFile, workers, log);
      },
    },
  );
  return new Client(config, { log, namespace, names, blocks, link, changes, feed, masterUfs, ufs });
}

interface ClientParts {
  readonly log: Logger;
  readonly namespace: OpenNamespace;
  readonly names: FollowedNames;
  readonly blocks: RemoteBlocks;
  readonly link: MasterLink;
  readonly changes: Changes;
  readonly feed: RpcClient;
  readonly masterUfs: MasterUfs;
  readonly ufs: Ufs | undefined;
}

class Client implements ServedDataset {
  readonly #parts: ClientParts;
  readonly #status: ClientStatus;
  readonly #reports: ClientReports;
  #watch: NodeJS.Timeout | undefined;
  #followedMs = performance.now();

  constructor(config: ClientConfig, parts: ClientParts) {
    const { log, blocks, link, changes, feed, names } = parts;
    this.#parts = parts;
    this.#status = new ClientStatus(config, { log, blocks, link, changes });
    this.#reports = new ClientReports({
      rpc: feed,
      counts: () => blocks.counts(),
      onTotals: (totals) => {
        names.storageTotals = totals;
      },
    });
  }

  get namespace(): Namespace {
    return this.#parts.names;
  }

  get blocks(): RemoteBlocks {
    return this.#parts.blocks;
  }

  readonly begin = (): void => {
    this.#parts.namespace.begin();
    this.#parts.changes.follow();
    this.#reports.begin();
    this.#status.begin();
    this.#followedMs = performance.now();
    this.#watch = setInterval(() => this.#withoutFeed(), WATCH_MS);
  };

  readonly end = async (): Promise<void> => {
    const { changes, namespace, blocks, link, feed, ufs } = this.#parts;
    clearInterval(this.#watch);
    await Promise.all([this.#status.end(), this.#reports.end(), changes.close()]);
    link.close();
    await Promise.all([namespace.close(), blocks.close()]);
    feed.close();
    await ufs?.close();
  };

  /** A master that answers and does not tell of changes: its names may be right no longer. */
  #withoutFeed(): void {
    const { changes, link, names, log } = this.#parts;
    const nowMs = performance.now();
    if (changes.health().following) this.#followedMs = nowMs;
    if (nowMs - this.#followedMs < WITHOUT_FEED_MS || link.health().awayMs !== undefined) return;
    log.warn('names are asked for anew, the changes of the master cannot be followed', { why: changes.health().why });
    this.#followedMs = nowMs;
    names.told('resync');
  }
}

/** By the name alone: of a listing nobody knows whether it was ever complete. */
function isKnown(names: Namespace | undefined, path: Buffer): boolean {
  let folder = ROOT_INO;
  for (let from = 0; from <= path.length;) {
    const slash = path.indexOf('/', from);
    const end = slash < 0 ? path.length : slash;
    const entry = names?.known(folder, path.subarray(from, end));
    if (entry === undefined) return false;
    folder = entry.ino;
    from = end + 1;
  }
  return true;
}

/** None when nothing is known: the feed tells them. */
function readWorkers(path: string): readonly WorkerAddress[] {
  try {
    return decodeWorkers(JSON.parse(readFileSync(path, 'utf8')));
  } catch (err) {
    if (err instanceof SyntaxError || err instanceof RpcError || (err as NodeJS.ErrnoException).code === 'ENOENT')
      return [];
    throw err;
  }
}

function keepWorkers(path: string, workers: readonly WorkerInfo[], log: Logger): void {
  try {
    writeFileAtomic(path, JSON.stringify(workers), 0o600);
  } catch (err) {
    log.warn('the workers cannot be kept on disk', { file: path, error: err });
  }
}
