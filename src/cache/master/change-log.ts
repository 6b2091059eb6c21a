// What changed lately, for whoever follows: a bounded ring in memory, numbered from 1 within the life of this master.
//
// Whoever asks for more than the ring still holds is told to resync. Nothing here is kept on disk: another life is another
// epoch, and followers of the former one resync too.
import { randomUUID } from 'node:crypto';
import type { WorkerInfo } from '../rpc/index.ts';
import type { FeedAnswer, FeedPlace, NameChange } from '../rpc/master/index.ts';

export interface ChangeLogConfig {
  /** Default 16384. */
  readonly eventsMax?: number;
  /** In one answer. Default 4096. */
  readonly answerMax?: number;
  /** Followers that wait at once; a further one is answered at once with what there is. Default 4096. */
  readonly waitersMax?: number;
}

type Event = NameChange | 'workers';

export class ChangeLog {
  readonly epoch = randomUUID();
  readonly #eventsMax: number;
  readonly #answerMax: number;
  readonly #waitersMax: number;
  readonly #workers: () => readonly WorkerInfo[];
  readonly #events: Event[] = [];
  /** Where the number `#first` is in `#events`, which is a ring. */
  #first = 1;
  #next = 1;
  readonly #waiting = new Set<() => void>();

  /** `workers` lists the live ones. */
  constructor(config: ChangeLogConfig, workers: () => readonly WorkerInfo[]) {
    this.#eventsMax = config.eventsMax ?? 16_384;
    this.#answerMax = config.answerMax ?? 4096;
    this.#waitersMax = config.waitersMax ?? 4096;
    this.#workers = workers;
  }

  get followers(): number {
    return this.#waiting.size;
  }

  get seq(): number {
    return this.#next - 1;
  }

  namesChanged(changes: readonly NameChange[]): void {
    for (const change of changes) this.#put(change);
    this.#wake();
  }

  workersChanged(): void {
    this.#put('workers');
    this.#wake();
  }

  /** Everything may have changed: each follower resyncs. */
  forgetAll(): void {
    this.#next += 1;
    this.#first = this.#next;
    this.#wake();
  }

  /** What came after that place, at once if there is anything, else when there is, at the latest after `waitMs`. */
  async after(place: FeedPlace, waitMs: number, signal: AbortSignal): Promise<FeedAnswer> {
    const isOurs = place.epoch === this.epoch && place.seq < this.#next;
    if (!isOurs || place.seq < this.#first - 1) return this.#resync();
    if (place.seq === this.seq && !signal.aborted && this.#waiting.size < this.#waitersMax) {
      await this.#somethingNew(waitMs, signal);
    }
    return place.seq < this.#first - 1 ? this.#resync() : this.#answer(place.seq);
  }

  #put(event: Event): void {
    this.#events[this.#next % this.#eventsMax] = event;
    this.#next += 1;
    this.#first = Math.max(this.#first, this.#next - this.#eventsMax);
  }

  #answer(since: number): FeedAnswer {
    const changes: NameChange[] = [];
    let workers = false;
    let seq = since;
    while (seq < this.seq && changes.length < this.#answerMax) {
      seq += 1;
      const event = this.#events[seq % this.#eventsMax];
      if (event === 'workers') workers = true;
      else if (event !== undefined) changes.push(event);
    }
    return { epoch: this.epoch, seq, resync: false, changes, workers: workers ? this.#workers() : undefined };
  }

  #resync(): FeedAnswer {
    return { epoch: this.epoch, seq: this.seq, resync: true, changes: [], workers: this.#workers() };
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  async #somethingNew(waitMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => resolve(undefined);
    const timer = setTimeout(wake, waitMs);
    signal.addEventListener('abort', wake);
    this.#waiting.add(wake);
    await promise;
    this.#waiting.delete(wake);
    signal.removeEventListener('abort', wake);
    clearTimeout(timer);
  }
}
