// The bytes of a dataset as a client without a cache of its own sees them: from the workers, ahead of the reader where it
// goes forward, and from the under storage itself where no worker can help.
import type { Logger } from '../../base/index.ts';
import type { BlockSource } from '../fill/index.ts';
import { openRpcClient, TokenFile, type TransferCounts } from '../rpc/index.ts';
import { UfsError, type ObjectRef, type Ufs } from '../ufs/index.ts';
import { BlockPool } from './block-pool.ts';
import { PartFetcher } from './part-fetcher.ts';
import { RemoteFile, type RemoteFileDeps } from './remote-file.ts';
import { RemoteRead, RemoteReadStats } from './remote-read.ts';
import { Workers, type WorkerAddress } from './workers.ts';

export interface RemoteBlocksConfig {
  readonly tokenFile: string;
  /** For bytes fetched ahead. Default 128 MiB. */
  readonly memoryBytes?: number;
  /** Of one request ahead, at most 8 MiB. Default 4 MiB. */
  readonly partBytes?: number;
  /** Requests ahead at a time. Default 8. */
  readonly partsInFlightMax?: number;
  /** For a read, whoever is asked. Default 45 s. */
  readonly deadlineMs?: number;
  /** How long a worker may say nothing before another one is asked. Default 10 s. */
  readonly silenceMs?: number;
}

export interface RemoteBlocksDeps {
  readonly log: Logger;
  /** The under storage with credentials of our own: the last resort. Closed by whoever opened it. */
  readonly ufs?: Pick<Ufs, 'read'>;
}

export interface RemoteBlocks extends BlockSource {
  /** The live workers, as the master lists them. Until the first call there are none. */
  updateWorkers(list: readonly WorkerAddress[]): void;
  /** For the master's accounting. */
  counts(): TransferCounts;
  stats(): RemoteBlocksStats;
}

export interface RemoteBlocksStats {
  readonly workers: number;
  readonly workersSetAside: number;
  readonly memoryBytes: number;
  readonly workerBytes: number;
  readonly ufsBytes: number;
  readonly workerFailures: number;
  readonly wrongAnswers: number;
}

const MIB = 1024 * 1024;

/** Throws RpcError 'bad-config' when there is no token. */
export function openRemoteBlocks(config: RemoteBlocksConfig, deps: RemoteBlocksDeps): RemoteBlocks {
  return new Remote(config, deps);
}

class Remote implements RemoteBlocks {
  readonly #workers: Workers;
  readonly #stats = new RemoteReadStats();
  readonly #pool: BlockPool;
  readonly #parts: PartFetcher;
  readonly #closing = new AbortController();
  readonly #fileDeps: RemoteFileDeps;
  /** Object id → how many times it is open. */
  readonly #open = new Map<string, number>();

  constructor(config: RemoteBlocksConfig, deps: RemoteBlocksDeps) {
    const { log } = deps;
    const token = new TokenFile(config.tokenFile, { log });
    const inFlight = config.partsInFlightMax ?? 8;
    const connect = (address: string): ReturnType<typeof openRpcClient> =>
      openRpcClient({ address, socketsMax: 32 + inFlight }, { log, token });
    this.#workers = new Workers({ connect, log });
    const remote = new RemoteRead(
      { deadlineMs: config.deadlineMs ?? 45_000, silenceMs: config.silenceMs ?? 10_000 },
      { workers: this.#workers, ufs: deps.ufs, log, stats: this.#stats },
    );
    const pool = new BlockPool(config.memoryBytes ?? 128 * MIB, () => performance.now());
    const parts = new PartFetcher(inFlight, {
      pool,
      remote,
      failed: (object, err) => log.debug('cannot fetch ahead', { path: object.path.toString(), error: err }),
    });
    this.#pool = pool;
    this.#parts = parts;
    this.#fileDeps = {
      pool,
      parts,
      remote,
      partBytes: Math.min(config.partBytes ?? 4 * MIB, 8 * MIB),
      closing: this.#closing.signal,
      closed: (object) => this.#closed(object),
    };
  }

  open(object: ObjectRef): RemoteFile {
    this.#open.set(object.id, (this.#open.get(object.id) ?? 0) + 1);
    return new RemoteFile(object, this.#fileDeps);
  }

  /** Nothing is kept here beyond the process. */
  find(_objectId: string): undefined {
    return undefined;
  }

  updateWorkers(list: readonly WorkerAddress[]): void {
    this.#workers.update(list);
  }

  counts(): TransferCounts {
    return { localHitBytes: 0, remoteHitBytes: this.#stats.workerBytes, missBytes: this.#stats.ufsBytes };
  }

  stats(): RemoteBlocksStats {
    const { workerBytes, ufsBytes, workerFailures, wrongAnswers } = this.#stats;
    return {
      workerBytes,
      ufsBytes,
      workerFailures,
      wrongAnswers,
      workers: this.#workers.count,
      workersSetAside: this.#workers.setAsideCount,
      memoryBytes: this.#pool.usedBytes,
    };
  }

  async close(): Promise<void> {
    const why = 'the mount is being closed';
    this.#closing.abort(new UfsError(`Cannot read: ${why}`, { code: 'unavailable', path: '', why }));
    this.#parts.close();
    this.#workers.close();
    this.#pool.clear();
  }

  #closed({ id }: ObjectRef): void {
    const left = (this.#open.get(id) ?? 1) - 1;
    if (left > 0) {
      this.#open.set(id, left);
      return;
    }
    this.#open.delete(id);
    this.#parts.abandon(id);
  }
}
