// The block store on disk: finds, makes, counts and evicts segments on the paths of its tiers.
//
// Opening takes a few system calls however much is cached. What is there becomes known by being opened, and by a scan in the
// background once begin() was called; until that is through, a segment nobody has seen yet is looked for on every path.
// begin() also starts evicting. Writing takes each path's lock, so that two processes never write to one path.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../base/index.ts';
import { file } from '../../libc/index.ts';
import { OBJECT_ID_BYTES } from '../ufs/index.ts';
import { encodeHeader, segmentSize, SMALL_BYTES_MAX } from './block-format.ts';
import type { BlockStore, Segment, SegmentId, SegmentInfo, StoreUsage } from './block-store.ts';
import type { DiskSegment, SegmentHome } from './disk-segment.ts';
import { BlocksError } from './errors.ts';
import { Evictor } from './evict.ts';
import { findLarge, LargeSegment } from './large-segment.ts';
import { scanPath, type Found } from './scan.ts';
import { SegmentIndex, type Entry } from './segment-index.ts';
import { findSmall, SmallSegment } from './small-segment.ts';
import type { TierPath } from './tier-path.ts';

const LOCK_RETRY_MS = 20;
/** How stale on disk the time of last use may get. */
const TOUCH_MS = 60_000;
const OBJECT_ID = new RegExp(`^[0-9a-f]{${2 * OBJECT_ID_BYTES}}$`);
const INDEX_MAX = 2 ** 32 - 1;

export interface DiskStoreConfig {
  /** How long begin() waits for another process to let go of the paths. */
  readonly lockWaitMs: number;
}

export class DiskBlockStore implements BlockStore {
  readonly #config: DiskStoreConfig;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  /** In order of preference; those of one tier together. */
  readonly #tiers: readonly (readonly TierPath[])[];
  readonly #paths: readonly TierPath[];
  readonly #index = new SegmentIndex();
  readonly #open = new Map<string, DiskSegment>();
  readonly #evictor: Evictor;
  readonly #home: SegmentHome;
  readonly #stop = new AbortController();
  #counting: Promise<void> | undefined;
  readonly #uncounted: Set<TierPath>;
  #beginning: Promise<void> | undefined;
  #damagedBlocks = 0;

  constructor(
    config: DiskStoreConfig,
    tiers: readonly (readonly TierPath[])[],
    deps: { log: Logger; nowMs: () => number },
  ) {
    this.#config = config;
    this.#log = deps.log;
    this.#nowMs = deps.nowMs;
    this.#tiers = tiers;
    this.#paths = tiers.flat();
    this.#uncounted = new Set(this.#paths);
    this.#evictor = new Evictor(this.#index, (key) => this.#open.has(key), this.#stop.signal);
    this.#home = {
      nowMs: deps.nowMs,
      choosePath: (bytes) => this.#choosePath(bytes),
      changed: (segment) => this.#changed(segment),
      damaged: (path, key, blocks) => {
        this.#damagedBlocks += blocks;
        this.#log.warn('damaged cache blocks dropped', { path: path.config.path, segment: key, blocks });
      },
      closed: (segment) => this.#closed(segment),
    };
  }

  /** Takes the paths for this process (waiting shortly for another to be gone), then starts counting and evicting. */
  begin(): Promise<void> {
    this.#beginning ??= this.#begin().catch((err: unknown) => {
      this.#beginning = undefined;
      throw err;
    });
    return this.#beginning;
  }

  /** Resolves when everything on disk is known, after begin(). */
  async counted(): Promise<void> {
    await this.begin();
    await this.#counting;
  }

  open(info: SegmentInfo): Segment | undefined {
    const key = keyOf(info);
    if (key === undefined || this.#stop.signal.aborted) return undefined;
    const open = this.#open.get(key);
    if (open !== undefined) {
      if (open.info.version !== info.version || open.info.objectBytes !== info.objectBytes) return undefined;
      open.holders++;
      return open;
    }
    const segment = this.#segment(key, info);
    if (segment === undefined) return undefined;
    if (!this.#load(segment) && segment.sizeBytes > 0 && this.#choosePath(1) === undefined) return undefined;
    this.#open.set(key, segment);
    return segment;
  }

  find(id: SegmentId): Segment | undefined {
    const key = keyOf(id);
    if (key === undefined) return undefined;
    const open = this.#open.get(key);
    if (open !== undefined) return open.cachedBytes() > 0 ? this.open(open.info) : undefined;
    for (const path of this.#pathsOf(id)) {
      const info = findSmall(path, key) ?? findLarge(path, key);
      if (info?.object !== id.object || info.index !== id.index) continue;
      const segment = this.open(info);
      if (segment !== undefined && this.#open.get(key)?.cachedBytes() !== 0) return segment;
      segment?.close();
    }
    return undefined;
  }

  async evict(objects?: readonly string[]): Promise<number> {
    await this.counted();
    const entries = objects === undefined ? [...this.#index.all()] : objects.flatMap((it) => this.#index.of(it));
    return this.#evictor.remove(entries);
  }

  cachedBytes(object: string): number {
    let bytes = 0;
    for (const entry of this.#index.of(object)) bytes += entry.cachedBytes ??= this.#look(entry);
    return bytes;
  }

  usage(): StoreUsage {
    return {
      tiers: this.#paths.map(({ config: { medium, path, quotaBytes }, usedBytes, failed }) => ({
        medium,
        path,
        quotaBytes,
        usedBytes,
        failed,
      })),
      segments: this.#index.size,
      evictedBytes: this.#evictor.evictedBytes,
      damagedBlocks: this.#damagedBlocks,
    };
  }

  /** What is open stays usable for reading until it is closed. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#beginning?.catch(() => {});
    await this.#counting;
    await this.#evictor.settled();
    for (const path of this.#paths) path.unlock();
  }

  async #begin(): Promise<void> {
    for (const path of this.#paths) await this.#lock(path);
    this.#counting = this.#count();
  }

  async #lock(path: TierPath): Promise<void> {
    const deadlineMs = performance.now() + this.#config.lockWaitMs;
    while (!path.tryLock() && !path.isSetAside) {
      if (performance.now() >= deadlineMs)
        throw new BlocksError(
          `Cannot use cache folder "${path.config.path}": another live process keeps its cache there. Give each its own folder`,
          { code: 'in-use', path: path.config.path },
        );
      await sleep(LOCK_RETRY_MS, undefined, { signal: this.#stop.signal });
    }
  }

  async #count(): Promise<void> {
    await nextTurn();
    for (const path of this.#paths) {
      const isWhole = await scanPath(
        path,
        (object, index) => this.#isKnown(path, object, index),
        (found) => this.#found(path, found),
        this.#stop.signal,
      );
      if (isWhole) this.#uncounted.delete(path);
      this.#relieve(path);
    }
  }

  #isKnown(path: TierPath, object: string, index: number): boolean {
    const open = this.#open.get(`${object}-${index}`);
    if (open !== undefined) return open.path === undefined || open.path === path;
    return this.#index.get(object, index)?.path === path;
  }

  #found(path: TierPath, found: Found): void {
    const entry: Entry = { ...found, path, cachedBytes: undefined, touchedMs: found.lastUsedMs };
    // One segment on two paths: written anew while the first would not be read.
    if (this.#index.get(found.object, found.index) !== undefined) this.#evictor.discard(entry);
    else this.#index.add(entry);
  }

  #segment(key: string, info: SegmentInfo): DiskSegment | undefined {
    const sizeBytes = segmentSize(info);
    const header = encodeHeader(info);
    if (sizeBytes === undefined || header === undefined) return undefined;
    const Kind = sizeBytes <= SMALL_BYTES_MAX ? SmallSegment : LargeSegment;
    return new Kind(this.#home, key, info, sizeBytes, header);
  }

  /** Takes over what is on disk of it. */
  #load(segment: DiskSegment): boolean {
    const { info } = segment;
    for (const path of this.#pathsOf(info)) {
      if (!segment.load(path)) continue;
      this.#changed(segment);
      this.#used(segment);
      return true;
    }
    const entry = this.#index.get(info.object, info.index);
    if (entry !== undefined && !isThere(entry)) this.#index.remove(entry);
    return false;
  }

  /** Where it can be: one place if it is known, every place as long as not everything is. */
  #pathsOf({ object, index }: SegmentId): readonly TierPath[] {
    const entry = this.#index.get(object, index);
    if (entry !== undefined) return [entry.path];
    return this.#uncounted.size === 0 ? NONE : [...this.#uncounted];
  }

  /** The first tier with room; of its paths the emptiest. */
  #choosePath(bytes: number): TierPath | undefined {
    for (const tier of this.#tiers) {
      let best: TierPath | undefined;
      for (const path of tier)
        if ((best === undefined || fillOf(path) < fillOf(best)) && path.admits(bytes)) best = path;
      if (best !== undefined) return best;
    }
    for (const path of this.#paths) this.#relieve(path);
    return undefined;
  }

  #changed(segment: DiskSegment): void {
    const { info, path } = segment;
    if (path === undefined) return;
    const usedBytes = segment.diskBytes();
    let entry = this.#index.get(info.object, info.index);
    if (entry !== undefined && entry.path !== path) {
      this.#index.remove(entry);
      entry = undefined;
    }
    if (entry === undefined) {
      const nowMs = this.#nowMs();
      const { object, index } = info;
      const { isSmall } = segment;
      const cachedBytes = segment.cachedBytes();
      if (usedBytes > 0)
        this.#index.add({ object, index, path, isSmall, usedBytes, cachedBytes, lastUsedMs: nowMs, touchedMs: nowMs });
    } else if (usedBytes === 0) this.#index.remove(entry);
    else {
      this.#index.resize(entry, usedBytes);
      entry.cachedBytes = segment.cachedBytes();
    }
    this.#relieve(path);
  }

  #relieve(path: TierPath): void {
    if (!this.#uncounted.has(path)) this.#evictor.relieve(path);
  }

  #closed(segment: DiskSegment): void {
    this.#open.delete(segment.key);
    this.#used(segment);
  }

  #used({ info, key, path, isSmall }: DiskSegment): void {
    const entry = this.#index.get(info.object, info.index);
    if (entry === undefined || path === undefined) return;
    entry.lastUsedMs = this.#nowMs();
    if (entry.lastUsedMs - entry.touchedMs < TOUCH_MS) return;
    entry.touchedMs = entry.lastUsedMs;
    file.setTimes(path.file(key, isSmall ? '' : '.sum'), entry.lastUsedMs);
  }

  /** Looks into the sidecar, which is no use of the segment. */
  #look(entry: Entry): number {
    const { lastUsedMs, touchedMs } = entry;
    entry.touchedMs = Infinity;
    const segment = this.find(entry);
    const bytes = this.#open.get(`${entry.object}-${entry.index}`)?.cachedBytes() ?? 0;
    segment?.close();
    entry.lastUsedMs = lastUsedMs;
    entry.touchedMs = touchedMs;
    return bytes;
  }
}

const NONE: readonly TierPath[] = [];

/** Whether there is a file where the index says, though it could not be opened. */
function isThere({ object, index, path, isSmall }: Entry): boolean {
  const key = `${object}-${index}`;
  return existsSync(join(path.folderOf(key), `${key}${isSmall ? '' : '.sum'}`));
}

function fillOf({ usedBytes, pendingBytes, config }: TierPath): number {
  return (usedBytes + pendingBytes) / config.quotaBytes;
}

/** The name of a segment's files: undefined for what cannot be one. */
function keyOf({ object, index }: SegmentId): string | undefined {
  const isName = OBJECT_ID.test(object) && Number.isInteger(index) && index >= 0 && index <= INDEX_MAX;
  return isName ? `${object}-${index}` : undefined;
}
