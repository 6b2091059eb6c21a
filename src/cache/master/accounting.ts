// Where the bytes that readers got came from, summed over all workers and clients there ever were.
//
// Each tells of its own counts since it started; what counts is the difference to what it told before. The sums are on
// disk with what each instance told, so that a master that was restarted counts nothing twice; what was not yet written
// when it died is told again by whoever still lives. These are figures to look at: nothing depends on them.
import { readFileSync } from 'node:fs';
import { writeFileAtomic, type Logger } from '../../base/index.ts';
import { decodeClientReport, type TransferCounts } from '../rpc/index.ts';

export interface AccountingConfig {
  readonly path: string;
  /** Reporters that are remembered; the one heard of longest ago goes first. Default 4096. */
  readonly reportersMax?: number;
}

export interface Ratios {
  /** Shares of all bytes read, 0 to 1; undefined while nothing was read. */
  readonly cacheHitRatio: number | undefined;
  readonly localHitRatio: number | undefined;
  readonly remoteHitRatio: number | undefined;
}

const NOTHING: TransferCounts = { localHitBytes: 0, remoteHitBytes: 0, missBytes: 0 };

export class Accounting {
  readonly #path: string;
  readonly #reportersMax: number;
  readonly #log: Logger;
  #total: TransferCounts = NOTHING;
  /** In the order they were heard of. */
  readonly #told = new Map<string, TransferCounts>();
  #unsaved = false;

  constructor(config: AccountingConfig, log: Logger) {
    this.#path = config.path;
    this.#reportersMax = config.reportersMax ?? 4096;
    this.#log = log;
    this.#load();
  }

  get total(): TransferCounts {
    return this.#total;
  }

  told(instance: string, counts: TransferCounts): void {
    const grown = minus(counts, this.#told.get(instance) ?? NOTHING);
    this.#told.delete(instance);
    this.#told.set(instance, counts);
    const [oldest] = this.#told.keys();
    if (this.#told.size > this.#reportersMax && oldest !== undefined) this.#told.delete(oldest);
    if (grown.localHitBytes + grown.remoteHitBytes + grown.missBytes === 0) return;
    this.#total = plus(this.#total, grown);
    this.#unsaved = true;
  }

  ratios(): Ratios {
    const { localHitBytes, remoteHitBytes, missBytes } = this.#total;
    const all = localHitBytes + remoteHitBytes + missBytes;
    const share = (part: number): number | undefined => (all === 0 ? undefined : part / all);
    return {
      cacheHitRatio: share(localHitBytes + remoteHitBytes),
      localHitRatio: share(localHitBytes),
      remoteHitRatio: share(remoteHitBytes),
    };
  }

  /** To be called every now and then, and at the end. */
  save(): void {
    if (!this.#unsaved) return;
    try {
      const reports = [...this.#told].map(([instance, counts]) => ({ instance, counts }));
      const text = JSON.stringify({ total: { instance: 'total', counts: this.#total }, reports });
      writeFileAtomic(this.#path, text, 0o600);
      this.#unsaved = false;
    } catch (err) {
      this.#log.warn('accounting cannot be kept on disk', { file: this.#path, error: err });
    }
  }

  #load(): void {
    try {
      const { total, reports } = JSON.parse(readFileSync(this.#path, 'utf8')) as { total: unknown; reports: unknown[] };
      this.#total = decodeClientReport(total).counts;
      for (const report of reports.map(decodeClientReport)) this.#told.set(report.instance, report.counts);
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code === 'ENOENT') return;
      this.#log.warn('accounting starts anew', { file: this.#path, error: err });
    }
  }
}

/** How much each grew; one that shrank came from another life, all of it is new. */
function minus(now: TransferCounts, before: TransferCounts): TransferCounts {
  const grown = (a: number, b: number): number => (a >= b ? a - b : a);
  return {
    localHitBytes: grown(now.localHitBytes, before.localHitBytes),
    remoteHitBytes: grown(now.remoteHitBytes, before.remoteHitBytes),
    missBytes: grown(now.missBytes, before.missBytes),
  };
}

function plus(a: TransferCounts, b: TransferCounts): TransferCounts {
  return {
    localHitBytes: a.localHitBytes + b.localHitBytes,
    remoteHitBytes: a.remoteHitBytes + b.remoteHitBytes,
    missBytes: a.missBytes + b.missBytes,
  };
}
