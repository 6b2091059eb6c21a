// The workers that are alive: each tells of itself every few seconds, and is forgotten when it has not for a lease.
//
// Two processes never share an id: the second one is refused while the first may be alive. It cannot be when the second
// one has its very address. Who was there is kept on disk, so that a master that was restarted answers with them at once;
// they have one lease from then on to tell of themselves again.
import { readFileSync } from 'node:fs';
import { writeFileAtomic, type Logger } from '../../base/index.ts';
import { decodeWorkers, type WorkerInfo, type WorkerReport, type WorkerAnswer } from '../rpc/index.ts';
import { MasterError } from './errors.ts';

export interface MembersConfig {
  /** File to keep them in. */
  readonly path: string;
  readonly leaseMs: number;
  /** A further worker is refused. */
  readonly workersMax: number;
}

export interface MembersDeps {
  readonly log: Logger;
  readonly nowMs: () => number;
  /** A worker came, left, or has another address. */
  readonly changed: () => void;
}

interface Member extends WorkerInfo {
  /** Undefined: not heard of since this master started. */
  readonly instance: string | undefined;
  readonly expiresMs: number;
}

export class Members {
  readonly #config: MembersConfig;
  readonly #deps: MembersDeps;
  readonly #members = new Map<string, Member>();

  /** Throws MasterError 'damaged' when the file is no list of workers. */
  constructor(config: MembersConfig, deps: MembersDeps) {
    this.#config = config;
    this.#deps = deps;
    const expiresMs = deps.nowMs() + config.leaseMs;
    for (const info of readWorkers(config.path))
      this.#members.set(info.id, { ...info, instance: undefined, expiresMs });
  }

  /** In the order of their ids. */
  list(): WorkerInfo[] {
    return [...this.#members.values()]
      .map(({ id, address, usedBytes, quotaBytes }) => ({ id, address, usedBytes, quotaBytes }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Throws MasterError 'too-many'. */
  heard(report: WorkerReport): WorkerAnswer {
    const { id, instance, address, usedBytes, quotaBytes } = report;
    const nowMs = this.#deps.nowMs();
    const before = this.#members.get(id);
    if (before?.instance !== undefined && before.expiresMs > nowMs && isAnother(before, report)) {
      return { accepted: false, heldBy: before.instance };
    }
    if (before === undefined && this.#members.size >= this.#config.workersMax) {
      throw new MasterError(`Cannot take worker "${id}": there are ${this.#members.size} already`, {
        code: 'too-many',
        what: 'workers',
        limit: this.#config.workersMax,
      });
    }
    const expiresMs = nowMs + this.#config.leaseMs;
    this.#members.set(id, { id, address, usedBytes, quotaBytes, instance, expiresMs });
    if (before?.address !== address) {
      this.#deps.log.info('worker joined', { worker: id, address });
      this.#changed();
    }
    return { accepted: true, leaseMs: this.#config.leaseMs };
  }

  /** Forgets those that were not heard of for a lease. */
  expire(): void {
    const nowMs = this.#deps.nowMs();
    const gone = [...this.#members.values()].filter((it) => it.expiresMs <= nowMs);
    if (gone.length === 0) return;
    for (const { id, address } of gone) {
      this.#members.delete(id);
      this.#deps.log.warn('worker lost', { worker: id, address });
    }
    this.#changed();
  }

  #changed(): void {
    try {
      writeFileAtomic(this.#config.path, JSON.stringify(this.list()), 0o600);
    } catch (err) {
      // It only saves the next master a few seconds of not knowing them.
      this.#deps.log.warn('workers cannot be kept on disk', { file: this.#config.path, error: err });
    }
    this.#deps.changed();
  }
}

function isAnother(before: Member, report: WorkerReport): boolean {
  return before.instance !== report.instance && before.address !== report.address;
}

function readWorkers(path: string): WorkerInfo[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw err;
  }
  try {
    return decodeWorkers(JSON.parse(text));
  } catch (err) {
    const why = err instanceof Error ? err.message : String(err);
    throw new MasterError(
      `Cannot read the list of workers "${path}": ${why}. Remove the file: workers tell of themselves again`,
      { code: 'damaged', path },
      { cause: err },
    );
  }
}
