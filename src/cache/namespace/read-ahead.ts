// Reading ahead of somebody who walks a tree: when a second sub-folder of the same folder is asked for, and the storage walks
// in order, the rest of the tree is taken from one stream instead of a request per folder.
//
// Bounded: the stream stops at AHEAD_ENTRIES or AHEAD_FOLDERS beyond the last folder that was read, and ends when nobody
// has followed for a while. A folder that the stream has passed, or is too far from, is listed by itself: the reader's
// order (names) and the stream's (paths) differ where a name goes on after another ("a-b" before "a/").
import { withDeadline, type Logger } from '../../base/index.ts';
import type { Ufs } from '../ufs/index.ts';
import type { Place } from './inode-row.ts';
import type { TreeFill } from './tree-fill.ts';

export interface ReadAheadDeps {
  readonly ufs: Ufs;
  readonly logger: Logger;
  readonly nowMs: () => number;
  readonly place: (ino: number) => Place | undefined;
  readonly pathOf: (ino: number) => Buffer;
  readonly fill: (folder: number, after: Buffer, onWhole: (folder: number) => void) => TreeFill;
}

const AHEAD_ENTRIES = 20_000;
const AHEAD_FOLDERS = 4_096;
/** Pages that a reader waits for without the stream coming to its folder. */
const PATIENCE_PAGES = 2;
const FOLLOW_WITHIN_MS = 10_000;
/** How long after one sub-folder another one makes a walk. */
const SIBLING_WITHIN_MS = 30_000;
const PARENTS_MAX = 256;
const SLASH = Buffer.from('/');

interface Walk {
  readonly base: Buffer;
  readonly tree: TreeFill;
  readonly stop: AbortController;
  /** Settles when the next page has been taken, or the walk has ended. */
  step: PromiseWithResolvers<undefined>;
  /** Called when the reader has come nearer. */
  resume: () => void;
  waiting: number;
  /** Entries of the stream so far, and those up to the last folder that was read. */
  taken: number;
  read: number;
  isOver: boolean;
}

export class ReadAhead {
  readonly #deps: ReadAheadDeps;
  /** Folders complete by the walk that nobody has read yet, in order, each with what the walk had taken by then. */
  readonly #ahead = new Map<number, number>();
  readonly #lastChild = new Map<number, { name: Buffer; atMs: number }>();
  #walk: Walk | undefined;

  constructor(deps: ReadAheadDeps) {
    this.#deps = deps;
  }

  /** True when the folder was read ahead for this reader, once. */
  take(folder: number): boolean {
    const taken = this.#ahead.get(folder);
    if (taken === undefined) return false;
    for (const passed of this.#ahead.keys()) {
      this.#ahead.delete(passed);
      if (passed === folder) break;
    }
    if (this.#walk !== undefined) {
      this.#walk.read = taken;
      this.#walk.resume();
    }
    return true;
  }

  /** A folder must be listed: resolves true when a walk has done it. */
  async want(folder: number): Promise<boolean> {
    const { nowMs, place, pathOf } = this.#deps;
    const at = place(folder);
    if (!this.#deps.ufs.walkIsOrdered || at === undefined) return false;
    const path = pathOf(folder);
    if (this.#walk !== undefined && (await this.#waitFor(this.#walk, folder, path))) return true;
    const last = this.#lastChild.get(at.folder);
    this.#lastChild.delete(at.folder);
    this.#lastChild.set(at.folder, { name: at.name, atMs: nowMs() });
    for (const oldest of this.#lastChild.keys()) {
      if (this.#lastChild.size <= PARENTS_MAX) break;
      this.#lastChild.delete(oldest);
    }
    const follows = last !== undefined && nowMs() - last.atMs < SIBLING_WITHIN_MS && last.name.compare(at.name) < 0;
    if (!follows) return false;
    return await this.#waitFor(this.#start(at), folder, path);
  }

  /** Forgets what was read ahead. */
  close(): void {
    this.#ahead.clear();
    this.#walk?.stop.abort();
    this.#walk = undefined; // so that it puts nothing ahead any more
  }

  #start(at: Place): Walk {
    this.#walk?.stop.abort();
    this.#ahead.clear();
    const after = Buffer.concat([at.name, SLASH]);
    const onWhole = (folder: number): void => {
      if (this.#walk === walk) this.#ahead.set(folder, walk.taken);
    };
    const walk: Walk = {
      base: this.#deps.pathOf(at.folder),
      tree: this.#deps.fill(at.folder, after, onWhole),
      stop: new AbortController(),
      step: Promise.withResolvers(),
      resume: () => {},
      waiting: 0,
      taken: 0,
      read: 0,
      isOver: false,
    };
    this.#walk = walk;
    void this.#run(walk, after);
    return walk;
  }

  async #run(walk: Walk, after: Buffer): Promise<void> {
    const { signal } = walk.stop;
    try {
      for await (const page of this.#deps.ufs.walk(walk.base, signal, after)) {
        signal.throwIfAborted();
        walk.taken += page.entries.length;
        await walk.tree.page(page.entries);
        stepped(walk);
        while (this.#isFarAhead(walk) && walk.waiting === 0) await this.#reader(walk);
      }
      signal.throwIfAborted();
      await walk.tree.end();
    } catch (err) {
      walk.tree.abandon();
      if (!signal.aborted) this.#deps.logger.debug('reading ahead ended', { cause: err });
    } finally {
      walk.isOver = true;
      stepped(walk);
      if (this.#walk === walk) this.#walk = undefined;
    }
  }

  #isFarAhead(walk: Walk): boolean {
    return walk.taken - walk.read >= AHEAD_ENTRIES || this.#ahead.size >= AHEAD_FOLDERS;
  }

  /** Until the reader has come nearer. Throws when it does not come, or the walk is stopped. */
  async #reader(walk: Walk): Promise<void> {
    const { signal } = walk.stop;
    signal.throwIfAborted();
    const nearer = Promise.withResolvers<undefined>();
    walk.resume = () => nearer.resolve(undefined);
    signal.addEventListener('abort', walk.resume, { once: true });
    try {
      await withDeadline(nearer.promise, FOLLOW_WITHIN_MS, 'a reader');
    } finally {
      signal.removeEventListener('abort', walk.resume);
      walk.resume = () => {};
    }
    signal.throwIfAborted();
  }

  /** True once the walk has made the folder complete; false when it will not, or not soon. */
  async #waitFor(walk: Walk, folder: number, path: Buffer): Promise<boolean> {
    const { base, tree } = walk;
    const isBelow = base.length === 0 || (path.subarray(0, base.length).equals(base) && path[base.length] === SLASH[0]);
    if (!isBelow || path.length <= base.length) return false;
    const prefix = Buffer.concat([path.subarray(base.length === 0 ? 0 : base.length + 1), SLASH]);
    walk.waiting += 1;
    walk.resume();
    try {
      for (let patience = PATIENCE_PAGES; patience > 0;) {
        if (this.take(folder)) return true;
        const isInside = tree.isWithin(prefix);
        const isPassed = !isInside && prefix.compare(tree.position) < 0;
        if (walk.isOver || isPassed) return false;
        await walk.step.promise;
        if (!tree.isWithin(prefix)) patience -= 1;
      }
      return this.take(folder);
    } finally {
      walk.waiting -= 1;
    }
  }
}

function stepped(walk: Walk): void {
  const { step } = walk;
  walk.step = Promise.withResolvers();
  step.resolve(undefined);
}
