// The workers a client knows, as the master lists them, and which of them are worth asking now.
//
// A worker that failed is set aside for a while, longer each time; then one request tries it, and only if that succeeds
// do others follow. Being set aside never makes a worker unreachable for good: when there is nobody else it is asked all
// the same (see remote-read.ts).
import { backoffDelayMs, type Logger } from '../../base/index.ts';
import type { RpcClient } from '../rpc/index.ts';
import { rank, seatOf, type Seat } from './rendezvous.ts';

export interface WorkerAddress {
  readonly id: string;
  readonly address: string;
}

export interface WorkersDeps {
  readonly connect: (address: string) => RpcClient;
  readonly log: Logger;
  /** Default: the monotonic clock. */
  readonly nowMs?: () => number;
}

export interface RemoteWorker extends Seat {
  readonly address: string;
  readonly client: RpcClient;
}

interface Known extends RemoteWorker {
  failures: number;
  asideUntilMs: number;
  isOnTrial: boolean;
}

const ASIDE = { baseMs: 1000, maxMs: 15_000 };

export class Workers {
  readonly #deps: WorkersDeps;
  readonly #nowMs: () => number;
  #known: readonly Known[] = [];

  constructor(deps: WorkersDeps) {
    this.#deps = deps;
    this.#nowMs = deps.nowMs ?? (() => performance.now());
  }

  get count(): number {
    return this.#known.length;
  }

  get setAsideCount(): number {
    return this.#known.filter(({ failures }) => failures > 0).length;
  }

  /** The list as it is now. What is known of a worker stays while its address does; one that left finishes what it is sending. */
  update(list: readonly WorkerAddress[]): void {
    const before = new Map(this.#known.map((worker) => [worker.id, worker]));
    const after = new Map<string, Known>();
    for (const { id, address } of list) {
      const known = before.get(id);
      const worker = known !== undefined && known.address === address ? known : this.#meet(id, address);
      if (worker !== undefined) after.set(id, worker);
    }
    this.#known = [...after.values()];
  }

  /** Whom to ask for a piece, best first, without those set aside; `count` at most. */
  candidates(objectId: string, piece: number, count: number): RemoteWorker[] {
    const now = this.#nowMs();
    const usable = this.#known.filter((it) => it.failures === 0 || (now >= it.asideUntilMs && !it.isOnTrial));
    return rank(usable, objectId, piece, count);
  }

  /** Those set aside too: for when nobody else is left. */
  lastResorts(objectId: string, piece: number, count: number): RemoteWorker[] {
    return rank(this.#known, objectId, piece, count);
  }

  /** To be called before a request; what comes of it is told by succeeded(), failed() or gaveUp(). */
  asked(worker: RemoteWorker): void {
    const known = this.#find(worker);
    if (known !== undefined && known.failures > 0) known.isOnTrial = true;
  }

  succeeded(worker: RemoteWorker): void {
    const known = this.#find(worker);
    if (known === undefined || known.failures === 0) return;
    known.failures = 0;
    known.isOnTrial = false;
    this.#deps.log.info('worker answers again', { worker: known.id, address: known.address });
  }

  failed(worker: RemoteWorker, err: unknown): void {
    const known = this.#find(worker);
    if (known === undefined) return;
    const now = this.#nowMs();
    // Requests that were in flight together fail together, and count once.
    const isNews = known.failures === 0 || known.isOnTrial || now >= known.asideUntilMs;
    known.isOnTrial = false;
    if (!isNews) return;
    known.failures += 1;
    known.asideUntilMs = now + backoffDelayMs(known.failures, ASIDE);
    if (known.failures > 1) return;
    this.#deps.log.warn('worker failed and is set aside', { worker: known.id, address: known.address, error: err });
  }

  /** The request ended before it could tell anything about the worker. */
  gaveUp(worker: RemoteWorker): void {
    const known = this.#find(worker);
    if (known !== undefined) known.isOnTrial = false;
  }

  close(): void {
    for (const { client } of this.#known) client.close();
    this.#known = [];
  }

  /** Undefined for an address that is none: the others are used all the same. */
  #meet(id: string, address: string): Known | undefined {
    let client: RpcClient;
    try {
      client = this.#deps.connect(address);
    } catch (err) {
      this.#deps.log.error('worker cannot be used', { worker: id, address, error: err });
      return undefined;
    }
    return {
      ...seatOf(id),
      address,
      client,
      failures: 0,
      asideUntilMs: 0,
      isOnTrial: false,
    };
  }

  #find(worker: RemoteWorker): Known | undefined {
    return this.#known.find((it) => it.client === worker.client);
  }
}
