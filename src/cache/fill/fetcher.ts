// Fetches blocks from the under storage and has them stored: what is read goes before what is only read ahead, blocks in a
// row go into one request, and requests and memory have a limit.
//
// - Whoever reads always gets through, in the order of asking: blocks ahead leave some requests and all waiting memory to
//   them, and when the disk has stopped taking blocks they are fetched without it.
// - A failure is told to those who waited for the block and not remembered. A block that failed in company (with blocks
//   beside it, or as one fetched ahead) is tried once more by itself for those who read it.
import { isTransient, UfsError, type ObjectRef, type Ufs } from '../ufs/index.ts';
import type { Logger } from '../../base/index.ts';
import type { Block, BlockOwner } from './block.ts';
import { BlockWriter } from './block-writer.ts';
import { Buffers } from './buffers.ts';
import type { FillClock } from './clock.ts';
import { KeptBlocks } from './kept-blocks.ts';
import { Part } from './part.ts';

export interface FetchLimits {
  /** Of one request. */
  readonly partBytes: number;
  /** Requests at a time that fetch ahead for one file. */
  readonly partsInFlightMax: number;
  /** Requests at a time in all. */
  readonly partsInFlightAllMax: number;
  readonly memoryBytesMax: number;
  /** How long readers wait for memory while the disk takes nothing. */
  readonly storeStallMs: number;
}

export interface FetchStats {
  fetchedBytes: number;
  fetchErrors: number;
  retriedBlocks: number;
  inFlightBytes: number;
}

/** How long the end waits for a storage and a disk that do not come back. */
const CLOSE_MS = 5_000;

/** Memory that nothing asked for in so long is given back. */
const IDLE_MS = 10_000;

export class Fetcher {
  readonly stats: FetchStats = { fetchedBytes: 0, fetchErrors: 0, retriedBlocks: 0, inFlightBytes: 0 };
  readonly buffers: Buffers;
  readonly kept: KeptBlocks;
  readonly writer: BlockWriter;
  readonly #limits: FetchLimits;
  readonly #ufs: Ufs;
  readonly #log: Logger;
  readonly #clock: FillClock;
  readonly #parts = new Set<Part>();
  /** In the order of asking. As long as there are readers that wait, no longer. */
  readonly #demanded: Block[] = [];
  /** Objects with blocks to fetch ahead, in turns. */
  readonly #ahead = new Set<BlockOwner>();
  #aheadBytes = 0;
  #aheadParts = 0;
  #isScheduled = false;
  #cancelTrim: (() => void) | undefined;
  #whenIdle: (() => void) | undefined;
  #isClosed = false;

  constructor(limits: FetchLimits, deps: { ufs: Ufs; log: Logger; clock: FillClock }) {
    this.#limits = limits;
    this.#ufs = deps.ufs;
    this.#log = deps.log;
    this.#clock = deps.clock;
    this.buffers = new Buffers(limits.memoryBytesMax);
    this.kept = new KeptBlocks(this.buffers, limits.memoryBytesMax / 2);
    const { buffers, kept } = this;
    this.writer = new BlockWriter(limits.storeStallMs, { ...deps, buffers, kept }, () => this.#moveOn());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Somebody waits for this block. */
  demand(block: Block): void {
    if (block.isDemanded) return;
    block.isDemanded = true;
    if (block.state !== 'queued') return;
    this.#demanded.push(block);
    this.#schedule();
  }

  /** True when there is room in the queue for one more block fetched ahead. It is bounded by what memory can hold. */
  hasRoomAhead(sizeBytes: number): boolean {
    return !this.#isClosed && this.#aheadBytes + sizeBytes <= this.#limits.memoryBytesMax;
  }

  fetchAhead(block: Block): void {
    block.owner.ahead.push(block);
    this.#aheadBytes += block.sizeBytes;
    this.#ahead.add(block.owner);
    this.#schedule();
  }

  /** Stops what is fetched for the object and nobody reads. */
  abandon(owner: BlockOwner): void {
    this.#dropAhead(owner);
    for (const part of this.#parts) if (part.owner === owner && !part.isDemanded) part.abort();
  }

  /** Aborts everything, resolves when nothing runs any more. Blocks that have arrived are stored. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const part of this.#parts) part.abort();
    for (const block of this.#demanded.splice(0))
      if (block.state === 'queued') this.#end(block, this.closedError(block.owner.object));
    for (const owner of [...this.#ahead]) this.abandon(owner);
    if (this.#isBusy) await this.#idle();
    this.#cancelTrim?.();
    this.kept.clear();
    this.buffers.trim();
  }

  /** What is told to those who read after the end, or whose bytes did not come before it. */
  closedError(object: ObjectRef): UfsError {
    const path = object.path.toString();
    const why = 'the cache is being closed';
    return new UfsError(`Cannot read "${path}": ${why}`, { code: 'unavailable', path, why });
  }

  get #isBusy(): boolean {
    return this.#parts.size > 0 || this.writer.storingBytes > 0;
  }

  async #idle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#whenIdle = () => resolve(undefined);
    const cancel = this.#clock.after(CLOSE_MS, this.#whenIdle);
    await promise;
    cancel();
  }

  /** At the end of this turn, so that what is asked for together is fetched together. */
  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#startParts();
    });
  }

  #startParts(): void {
    let started = 0;
    while (!this.#isClosed && this.#parts.size < this.#limits.partsInFlightAllMax) {
      const demanded = this.#demanded[started];
      if (demanded === undefined) break;
      if (demanded.state === 'queued') {
        if (!this.#mayStartDemanded(demanded)) break;
        this.#start(demanded);
      }
      started++;
    }
    this.#demanded.splice(0, started);
    if (this.#demanded.length === 0) this.#startPartsAhead();
  }

  #mayStartDemanded(block: Block): boolean {
    this.kept.makeRoom(block.sizeBytes);
    if (this.buffers.fits(block.sizeBytes) || !this.#isBusy || this.writer.isStalled) return true;
    this.writer.watch();
    return false;
  }

  #startPartsAhead(): void {
    const { partsInFlightMax, partsInFlightAllMax } = this.#limits;
    const aheadMax = partsInFlightAllMax - Math.floor(partsInFlightAllMax / 4);
    for (const owner of this.#ahead) {
      while (owner.partsInFlight < partsInFlightMax) {
        if (this.#isClosed || this.#aheadParts >= aheadMax || this.#parts.size >= partsInFlightAllMax) return;
        const block = owner.ahead[0];
        if (block === undefined) {
          this.#ahead.delete(owner);
          break;
        }
        const isWanted = block.state === 'queued' && !block.isDemanded;
        if (isWanted && !this.buffers.fits(block.sizeBytes)) return;
        owner.ahead.shift();
        this.#aheadBytes -= block.sizeBytes;
        if (isWanted) this.#start(block);
      }
    }
  }

  #start(first: Block): void {
    const part = new Part(this.#inARow(first), first, (block) => this.#arrived(block));
    const { owner } = part;
    this.#parts.add(part);
    owner.partsInFlight++;
    if (part.isAhead) this.#aheadParts++;
    this.stats.inFlightBytes += part.sizeBytes;
    void this.#run(part);
  }

  /** The block and those after it that wait too, with buffers. */
  #inARow(first: Block): Block[] {
    const blocks: Block[] = [];
    let bytes = 0;
    for (let block: Block | undefined = first; block !== undefined;) {
      bytes += block.sizeBytes;
      block.state = 'arriving';
      block.buffer = this.buffers.take(block.sizeBytes);
      blocks.push(block);
      if (first.isRetried) break;
      const next: Block | undefined = block.owner.blocks.get(block.index + 1);
      if (next?.state !== 'queued' || next.isRetried || bytes + next.sizeBytes > this.#limits.partBytes) break;
      block = this.buffers.fits(next.sizeBytes) ? next : undefined;
    }
    return blocks;
  }

  #arrived(block: Block): void {
    this.stats.fetchedBytes += block.sizeBytes;
    this.writer.write(block);
  }

  async #run(part: Part): Promise<void> {
    const { owner } = part;
    try {
      await part.run(this.#ufs);
    } catch (err) {
      this.#failed(part, err);
    }
    this.#parts.delete(part);
    owner.partsInFlight--;
    if (part.isAhead) this.#aheadParts--;
    this.stats.inFlightBytes -= part.sizeBytes;
    this.#moveOn();
  }

  #failed(part: Part, err: unknown): void {
    if (!part.isAborted) {
      this.stats.fetchErrors++;
      const path = part.owner.object.path.toString();
      this.#log.debug('fetching from the storage failed', { path, sizeBytes: part.sizeBytes, err });
    }
    const isWorthOneMore = !this.#isClosed && (part.isAborted || isTransient(err));
    const wasInCompany = part.isAhead || part.blocks.length > 1;
    for (const block of part.unfinished()) {
      if (isWorthOneMore && wasInCompany && block.isWaitedFor && !block.isRetried) this.#retry(block);
      else this.#end(block, part.isAborted ? this.closedError(block.owner.object) : err);
    }
    if (!isWorthOneMore && !this.#isClosed) this.#dropAhead(part.owner);
  }

  #retry(block: Block): void {
    const buffer = block.restart();
    if (buffer !== undefined) this.buffers.give(buffer);
    block.isRetried = true;
    this.stats.retriedBlocks++;
    this.#demanded.push(block);
  }

  /** Forgets what is still to be fetched ahead: nobody wants it, or it would only fail part by part. */
  #dropAhead(owner: BlockOwner): void {
    this.#ahead.delete(owner);
    for (const block of owner.ahead.splice(0)) {
      this.#aheadBytes -= block.sizeBytes;
      if (block.state === 'queued' && !block.isDemanded) this.#end(block);
    }
  }

  /** The block is no longer ours; readers that still wait are told why. */
  #end(block: Block, why?: unknown): void {
    const buffer = block.end(why);
    if (buffer !== undefined) this.buffers.give(buffer);
    block.owner.forget(block);
  }

  #moveOn(): void {
    if (this.#isClosed) {
      if (!this.#isBusy) this.#whenIdle?.();
      return;
    }
    if (this.#demanded.length > 0 || this.#ahead.size > 0) this.#schedule();
    else if (!this.#isBusy) this.#trimLater();
  }

  #trimLater(): void {
    if (this.#cancelTrim !== undefined || this.buffers.idleBytes === 0) return;
    this.#cancelTrim = this.#clock.after(IDLE_MS, () => {
      this.#cancelTrim = undefined;
      if (!this.#isBusy) this.buffers.trim();
    });
  }
}
