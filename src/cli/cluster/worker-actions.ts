// How a master makes its workers do things: whole objects fetched by those that clients will ask for them, objects forgotten
// by all.
import type { Logger } from '../../base/index.ts';
import { PLACEMENT_BYTES, rank, seatOf } from '../../cache/client/index.ts';
import type { WorkerActions } from '../../cache/master/index.ts';
import {
  DATA_BYTES_MAX,
  decodeError,
  encodeBytes,
  isRecord,
  openRpcClient,
  RpcError,
  type RpcClient,
  type TokenFile,
  type WorkerInfo,
} from '../../cache/rpc/index.ts';
import { UfsError, type ObjectRef } from '../../cache/ufs/index.ts';

export interface WorkerActionsDeps {
  readonly log: Logger;
  readonly token: TokenFile | undefined;
}

/** Of one request: what a slow storage gives within its deadline. */
const RANGES_MAX = 2;
const PREFETCH_MS = 110_000;
const EVICT_MS = 60_000;
const SOCKETS_MAX = 16;

export interface OpenWorkerActions extends WorkerActions {
  close(): void;
}

export function openWorkerActions(deps: WorkerActionsDeps): OpenWorkerActions {
  return new HttpWorkerActions(deps);
}

interface Range {
  readonly offset: number;
  readonly length: number;
}

class HttpWorkerActions implements OpenWorkerActions {
  readonly #deps: WorkerActionsDeps;
  /** By address. */
  readonly #clients = new Map<string, RpcClient>();

  constructor(deps: WorkerActionsDeps) {
    this.#deps = deps;
  }

  async prefetchWhole(
    workers: readonly WorkerInfo[],
    object: ObjectRef,
    replicas: number,
    signal: AbortSignal,
  ): Promise<void> {
    this.#forgetOthers(workers);
    const seats = workers.map(({ id, address }) => ({ ...seatOf(id), address }));
    for (let at = 0; at < object.sizeBytes; at += PLACEMENT_BYTES) {
      const end = Math.min(object.sizeBytes, at + PLACEMENT_BYTES);
      const owners = rank(seats, object.id, at / PLACEMENT_BYTES, replicas);
      await all(owners.map(({ address }) => this.#prefetch(address, object, { offset: at, length: end - at }, signal)));
    }
  }

  async evict(
    workers: readonly WorkerInfo[],
    objects: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<number> {
    this.#forgetOthers(workers);
    const freed = await all(
      workers.map(({ address }) =>
        this.#ask(address, { path: '/v1/evict', body: { objects }, deadlineMs: EVICT_MS, signal }),
      ),
    );
    return freed.reduce<number>(
      (sum, answer) => sum + (isRecord(answer) ? Number(answer['freedBytes'] ?? 0) || 0 : 0),
      0,
    );
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  async #prefetch(address: string, object: ObjectRef, { offset, length }: Range, signal: AbortSignal): Promise<void> {
    const about = { path: encodeBytes(object.path), version: object.version, size: object.sizeBytes };
    let ranges: object[] = [];
    for (let at = 0; at < length; at += DATA_BYTES_MAX) {
      ranges.push({ ...about, offset: offset + at, length: Math.min(DATA_BYTES_MAX, length - at) });
      if (ranges.length < RANGES_MAX && at + DATA_BYTES_MAX < length) continue;
      const call = { path: '/v1/prefetch', body: { ranges }, deadlineMs: PREFETCH_MS, signal };
      throwFailed(address, await this.#ask(address, call));
      ranges = [];
    }
  }

  /** What keeps a worker from answering is 'unavailable': another try may find it, or another worker in its place. */
  async #ask(address: string, call: Parameters<RpcClient['json']>[0]): Promise<unknown> {
    try {
      return await this.#clientOf(address).json(call);
    } catch (err) {
      if (!(err instanceof RpcError)) throw err;
      const why = err.message;
      const message = `Cannot make worker ${address} do its part: ${why}`;
      throw new UfsError(message, { code: 'unavailable', path: '', why }, { cause: err });
    }
  }

  #clientOf(address: string): RpcClient {
    const known = this.#clients.get(address);
    if (known !== undefined) return known;
    const { log, token } = this.#deps;
    const client = openRpcClient(
      { address, socketsMax: SOCKETS_MAX },
      { log, ...(token === undefined ? {} : { token }) },
    );
    this.#clients.set(address, client);
    return client;
  }

  #forgetOthers(workers: readonly WorkerInfo[]): void {
    for (const [address, client] of this.#clients) {
      if (workers.some((worker) => worker.address === address)) continue;
      client.close();
      this.#clients.delete(address);
    }
  }
}

/** Everyone has ended when it does. */
async function all<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

function throwFailed(address: string, answer: unknown): void {
  const ranges = isRecord(answer) && Array.isArray(answer['ranges']) ? (answer['ranges'] as unknown[]) : [];
  for (const range of ranges) {
    if (isRecord(range) && range['error'] !== undefined) throw decodeError(address, range['error']);
  }
}
