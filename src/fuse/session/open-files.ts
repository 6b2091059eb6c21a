// The files open in this daemon, one for each node however often it is opened, and how they come back after a takeover.
//
// Invariants: a node is read either through passthrough or by the daemon for as long as any handle of it lives (the kernel
// refuses a mixture); a file is kept by the keeper before the kernel learns of its first handle.
import { ERRNO, type NodeId } from '../protocol/index.ts';
import { emptyStat, type Errno, type FileSystem, type OpenFile, type Stat } from './filesystem.ts';
import type { HandleTable } from './handles.ts';
import type { Keeper } from './keeper.ts';
import type { NodeIndex, NodeTable } from './nodes.ts';

interface Shared {
  /** Of the node; a record that was freed and used again is another node, and this is left over. */
  readonly generation: number;
  handles: number;
  /** Undefined while it has to be fetched or opened again after a takeover. */
  file: OpenFile | undefined;
  fetching: Promise<OpenFile | Errno> | undefined;
}

export interface OpenFilesDeps {
  nodes: NodeTable;
  handles: HandleTable;
  filesystem: FileSystem;
  keeper: Keeper;
  /** Files at least this large are read by passthrough; Infinity where the kernel or the mount does not allow it. */
  passthroughMinBytes: number;
}

export class OpenFiles {
  readonly #deps: OpenFilesDeps;
  readonly #open = new Map<NodeIndex, Shared>();

  constructor(deps: OpenFilesDeps) {
    this.#deps = deps;
  }

  /**
   * Counts the handles a predecessor left. Their files are fetched when first needed, or by fetchAll. A handle whose node is
   * gone was made for an answer the kernel never took.
   */
  restore(): void {
    const { handles, nodes } = this.#deps;
    for (const handle of handles.live()) {
      const node = handles.nodeOf(handle);
      if (handles.nodeGenerationOf(handle) === nodes.generationOf(node)) this.#count(node);
      else handles.close(handle);
    }
  }

  /** Fetches every restored file, so that this daemon holds it too, beside the keeper. */
  async fetchAll(): Promise<void> {
    for (const [node, shared] of [...this.#open]) if (shared.file === undefined) await this.#fetch(node, shared);
  }

  get count(): number {
    return this.#open.size;
  }

  /** The file of a node that has a live handle. */
  fileOf(node: NodeIndex): OpenFile | Promise<OpenFile | Errno> | undefined {
    const shared = this.#sharedOf(node);
    return shared === undefined ? undefined : (shared.file ?? this.#fetch(node, shared));
  }

  /**
   * The node's file, opened if need be, with one more handle to count. Returns the backing id to open it with (0 = read by
   * the daemon) or a negative errno. `stat` is filled from the open file.
   */
  acquire(node: NodeIndex, stat: Stat): number | Promise<number> {
    const shared = this.#sharedOf(node);
    if (shared?.file?.isOutdated === true) return -ERRNO.ESTALE;
    if (shared !== undefined) return this.#acquireShared(node, shared, stat);
    const opened = this.#deps.filesystem.open(node, stat);
    if (opened instanceof Promise) return opened.then((file) => this.#acquireOpened(node, file, stat));
    return this.#acquireOpened(node, opened, stat);
  }

  /** One handle less; the last one closes the file. */
  release(node: NodeIndex): void {
    const shared = this.#sharedOf(node);
    if (shared === undefined) return;
    shared.handles--;
    if (shared.handles > 0) return;
    this.#open.delete(node);
    shared.file?.close();
    const { nodes, keeper } = this.#deps;
    const id = nodes.nodeId(node);
    const backingId = nodes.backingOf(node);
    if (backingId !== 0) {
      nodes.setBacking(node, 0);
      keeper.backingClose(id, backingId);
    }
    keeper.drop(id);
  }

  /** Closes every file here; the keeper goes on keeping them for whoever serves next. */
  closeAll(): void {
    for (const { file } of this.#open.values()) file?.close();
    this.#open.clear();
  }

  /** Tells a keeper that starts from nothing what to keep. */
  keepAll(): void {
    for (const [node, shared] of this.#open) {
      if (shared.file?.fd !== undefined) void this.#deps.keeper.keep(this.#deps.nodes.nodeId(node), shared.file.fd);
    }
  }

  /** What is open under the node itself, as opposed to the one its record stood for before. */
  #sharedOf(node: NodeIndex): Shared | undefined {
    const shared = this.#open.get(node);
    if (shared === undefined || shared.generation === this.#deps.nodes.generationOf(node)) return shared;
    this.#open.delete(node);
    shared.file?.close();
    return undefined;
  }

  #count(node: NodeIndex): Shared {
    const known = this.#sharedOf(node);
    if (known !== undefined) {
      known.handles++;
      return known;
    }
    const shared: Shared = {
      generation: this.#deps.nodes.generationOf(node),
      handles: 1,
      file: undefined,
      fetching: undefined,
    };
    this.#open.set(node, shared);
    return shared;
  }

  async #acquireShared(node: NodeIndex, shared: Shared, stat: Stat): Promise<number> {
    shared.handles++; // before the first await: a release meanwhile must not close the file
    const file = shared.file ?? (await this.#fetch(node, shared));
    const errno = typeof file === 'number' ? file : await file.stat(stat);
    if (errno !== 0) {
      this.release(node);
      return -errno;
    }
    return this.#deps.nodes.backingOf(node);
  }

  #acquireOpened(node: NodeIndex, opened: OpenFile | Errno, stat: Stat): number | Promise<number> {
    if (typeof opened === 'number') return -opened;
    const raced = this.#sharedOf(node); // opened twice at the same time: the first one stays
    if (raced !== undefined) {
      opened.close();
      return this.#acquireShared(node, raced, stat);
    }
    this.#count(node).file = opened;
    if (opened.fd === undefined) return 0;
    const { nodes, keeper, passthroughMinBytes } = this.#deps;
    const id = nodes.nodeId(node);
    const kept = keeper.keep(id, opened.fd);
    const isLarge = stat.attr.size >= passthroughMinBytes;
    if (kept === undefined) return isLarge ? this.#passthrough(node, id) : 0;
    return kept.then(() => (isLarge ? this.#passthrough(node, id) : 0));
  }

  async #passthrough(node: NodeIndex, id: NodeId): Promise<number> {
    const backingId = await this.#deps.keeper.backingOpen(id);
    const shared = this.#open.get(node);
    // Another open was answered "read by the daemon" in the meantime: the node stays that way.
    if (shared !== undefined && shared.handles > 1 && this.#deps.nodes.backingOf(node) === 0) {
      if (backingId !== 0) this.#deps.keeper.backingClose(id, backingId);
      return 0;
    }
    this.#deps.nodes.setBacking(node, backingId);
    return backingId;
  }

  #fetch(node: NodeIndex, shared: Shared): Promise<OpenFile | Errno> {
    shared.fetching ??= this.#fetchOnce(node, shared).finally(() => (shared.fetching = undefined));
    return shared.fetching;
  }

  /** The kept descriptor if there is one; else the file by its name, if it is still the same file. */
  async #fetchOnce(node: NodeIndex, shared: Shared): Promise<OpenFile | Errno> {
    const { filesystem, keeper, nodes } = this.#deps;
    const fd = await keeper.take(nodes.nodeId(node));
    const kept = fd === undefined ? undefined : await this.#ifItIs(node, filesystem.reopen(node, fd));
    const file = kept ?? (await (filesystem.openAgain?.(node, emptyStat()) ?? filesystem.open(node, emptyStat())));
    if (typeof file === 'number') return file === ERRNO.ENOENT ? ERRNO.ESTALE : file;
    if (shared.handles === 0) {
      file.close(); // closed by everyone while it was fetched: whoever still asks has to look its name up again
      return ERRNO.ESTALE;
    }
    shared.file = file;
    return file;
  }

  /** A descriptor from elsewhere is taken only for what it proves to be. */
  async #ifItIs(node: NodeIndex, file: OpenFile): Promise<OpenFile | undefined> {
    const stat = emptyStat();
    if ((await file.stat(stat)) === 0 && this.#deps.nodes.hasKey(node, stat.key)) return file;
    file.close();
    return undefined;
  }
}
