// Follows the master's feed of changes: tells which names changed and who the workers are, for as long as it is open.
//
// Nothing is missed silently: whoever may have missed something is told to resync, before anything newer. The place in the
// feed is noted after the listener has returned, so that a daemon that takes over goes on from there; what was told and
// not yet noted is told again. A note counts only on the machine's boot it was written in: after a power cut nobody knows
// what the listener still had of it.
import { readFileSync } from 'node:fs';
import { sleep, writeFileAtomic, type Logger } from '../../../base/index.ts';
import { RpcError, type RpcClient, type WorkerInfo } from '../../rpc/index.ts';
import {
  decodeFeedAnswer,
  FEED_WAIT_MS_MAX,
  type FeedAnswer,
  type FeedPlace,
  type NameChange,
} from '../../rpc/master/index.ts';

export interface ChangesConfig {
  /** File to note the place in. Undefined: every start is a resync. */
  readonly placeFile?: string;
  /** Default 200 ms. */
  readonly retryMs?: number;
  /** How long the master may hold the question. Default 30 s. */
  readonly waitMs?: number;
}

export interface ChangesDeps {
  /** Its own connection: the question is open all the time. */
  readonly rpc: RpcClient;
  readonly log: Logger;
  /** 'resync': any name may have changed. Returns when what is on disk does not trust these names any more. */
  readonly onNames: (changes: readonly NameChange[] | 'resync') => void;
  /** All live workers. */
  readonly onWorkers: (workers: readonly WorkerInfo[]) => void;
  /** Default: the real one. */
  readonly sleep?: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

export interface ChangesHealth {
  /** What the master knew of changes when it last answered is told. */
  readonly following: boolean;
  /** Why not, if so. */
  readonly why: string | undefined;
  readonly resyncs: number;
}

const ANSWER_SLACK_MS = 5000;
const NOWHERE: FeedPlace = { epoch: '', seq: 0 };

export class Changes {
  readonly #config: ChangesConfig;
  readonly #deps: ChangesDeps;
  readonly #stop = new AbortController();
  #place: FeedPlace;
  #running: Promise<void> | undefined;
  #following = false;
  #why: string | undefined = 'not yet asked';
  #resyncs = 0;

  constructor(config: ChangesConfig, deps: ChangesDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#place = config.placeFile === undefined ? NOWHERE : readPlace(config.placeFile);
  }

  /** Begins to follow. Calls after the first do nothing. */
  follow(): void {
    this.#running ??= this.#run();
  }

  health(): ChangesHealth {
    return { following: this.#following, why: this.#why, resyncs: this.#resyncs };
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let waitMs = 0; // The first answer comes at once: with it we know where we are, and the workers.
    await this.#learnWorkers();
    while (!this.#stop.signal.aborted) {
      try {
        const answer = await this.#ask(waitMs);
        this.#take(answer);
        waitMs = this.#config.waitMs ?? FEED_WAIT_MS_MAX;
      } catch (err) {
        this.#lost(err);
        waitMs = 0;
        await this.#pause();
      }
    }
  }

  /** A place that is noted may be up to date, then the feed says nothing of workers. */
  async #learnWorkers(): Promise<void> {
    while (!this.#stop.signal.aborted && this.#place !== NOWHERE) {
      try {
        const place = NOWHERE;
        const { workers } = await this.#ask(0, place);
        if (workers !== undefined) this.#deps.onWorkers(workers);
        return;
      } catch (err) {
        this.#lost(err);
        await this.#pause();
      }
    }
  }

  async #ask(waitMs: number, { epoch, seq }: FeedPlace = this.#place): Promise<FeedAnswer> {
    return decodeFeedAnswer(
      await this.#deps.rpc.json({
        path: '/v1/changes',
        query: { epoch, since: seq, waitMs },
        deadlineMs: waitMs + ANSWER_SLACK_MS,
        signal: this.#stop.signal,
      }),
    );
  }

  #take(answer: FeedAnswer): void {
    const { epoch, seq, resync, changes, workers } = answer;
    if (resync) {
      this.#resyncs += 1;
      this.#deps.log.info('names are checked anew, changes may have been missed', { epoch });
      this.#deps.onNames('resync');
    } else if (changes.length > 0) this.#deps.onNames(changes);
    if (workers !== undefined) this.#deps.onWorkers(workers);
    if (epoch !== this.#place.epoch || seq !== this.#place.seq) this.#note({ epoch, seq });
    if (!this.#following) this.#deps.log.info('following the changes of the master', { epoch });
    this.#following = true;
    this.#why = undefined;
  }

  #lost(err: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#why = err instanceof Error ? err.message : String(err);
    if (this.#following) this.#deps.log.warn('the changes of the master cannot be followed', { error: err });
    else if (!(err instanceof RpcError))
      this.#deps.log.error('the changes of the master cannot be taken', { error: err });
    this.#following = false;
  }

  async #pause(): Promise<void> {
    const { signal } = this.#stop;
    await (this.#deps.sleep ?? sleep)(this.#config.retryMs ?? 200, signal).catch(() => {}); // Closed: the loop ends.
  }

  #note(place: FeedPlace): void {
    this.#place = place;
    const { placeFile } = this.#config;
    if (placeFile === undefined) return;
    try {
      writeFileAtomic(placeFile, JSON.stringify({ boot: bootId(), ...place }), 0o600);
    } catch (err) {
      this.#deps.log.warn('the place in the feed cannot be noted', { file: placeFile, error: err });
    }
  }
}

/** NOWHERE when there is no note that counts. */
function readPlace(path: string): FeedPlace {
  try {
    const { boot, epoch, seq } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    return boot === bootId() && typeof epoch === 'string' && Number.isSafeInteger(seq)
      ? { epoch, seq: seq as number }
      : NOWHERE;
  } catch {
    return NOWHERE; // Missing or damaged: the price is a resync.
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
