// Open files the kernel knows: fh -> node. They lie in the session memory, so a successor knows every open descriptor.
//
// A record's words: 0 state (0 free, 1 live) | 1 generation | 2 node (next free one while free) | 3 unused
//   4-5 the OPEN request that made it | 6 open_out flags | 7 unused.
// fh = generation << 32 | record: an old fh never means a new file. A handle remembers the OPEN that made it, so an OPEN
// that is delivered again after a crash finds its handle instead of making a second one.
import type { FileHandle } from '../protocol/index.ts';
import { HANDLE_BYTES, HANDLES_AT, HANDLES_MAX, HEADER, MemoryError } from './layout.ts';
import type { SessionMemory } from './memory.ts';
import type { NodeIndex } from './nodes.ts';

export type HandleIndex = number;

const LIVE = 1;
const W = { state: 0, generation: 1, node: 2, nodeGeneration: 3, uniqueLow: 4, uniqueHigh: 5, flags: 6 } as const;

export class HandleTable {
  readonly #u32: Uint32Array;

  constructor(memory: SessionMemory) {
    this.#u32 = memory.u32;
  }

  get liveCount(): number {
    return this.#word(HEADER.handlesLive);
  }

  /** The record of an fh from the kernel, or 0. */
  indexOf(fh: bigint): HandleIndex {
    const index = Number(fh & 0xffffffffn);
    if (index === 0 || index >= this.#word(HEADER.handlesUsed)) return 0;
    const at = this.#at(index);
    return this.#u32[at] === LIVE && this.#word(at + W.generation) === Number(fh >> 32n) ? index : 0;
  }

  fileHandle(index: HandleIndex): FileHandle {
    return ((BigInt(this.#word(this.#at(index) + W.generation)) << 32n) | BigInt(index)) as FileHandle;
  }

  nodeOf(index: HandleIndex): NodeIndex {
    return this.#word(this.#at(index) + W.node);
  }

  /** The generation of the node when it was opened: another one by now means that the handle is left over. */
  nodeGenerationOf(index: HandleIndex): number {
    return this.#word(this.#at(index) + W.nodeGeneration);
  }

  flagsOf(index: HandleIndex): number {
    return this.#word(this.#at(index) + W.flags);
  }

  /** Makes a handle. Call before the reply that tells the kernel of it. */
  open(node: NodeIndex, nodeGeneration: number, unique: bigint, flags: number): HandleIndex {
    const free = this.#word(HEADER.handlesFree);
    let index = free;
    if (free !== 0) this.#u32[HEADER.handlesFree] = this.nodeOf(free);
    else {
      index = this.#word(HEADER.handlesUsed);
      if (index >= HANDLES_MAX) {
        throw new MemoryError(`Cannot hold more than ${HANDLES_MAX} open files`, {
          code: 'table-full',
          what: 'handles',
          limit: HANDLES_MAX,
        });
      }
      this.#u32[HEADER.handlesUsed] = index + 1;
    }
    const at = this.#at(index);
    this.#u32[at + W.node] = node;
    this.#u32[at + W.nodeGeneration] = nodeGeneration;
    this.#u32[at + W.uniqueLow] = Number(unique & 0xffffffffn);
    this.#u32[at + W.uniqueHigh] = Number((unique >> 32n) & 0x7fffffffn);
    this.#u32[at + W.flags] = flags;
    this.#u32[at] = LIVE;
    this.#u32[HEADER.handlesLive] = this.#word(HEADER.handlesLive) + 1;
    return index;
  }

  /** Ends a handle; a second call finds nothing to do. */
  close(index: HandleIndex): void {
    const at = this.#at(index);
    if (this.#u32[at] !== LIVE) return;
    this.#u32[at + W.generation] = (this.#word(at + W.generation) + 1) & 0x7fffffff;
    this.#u32[at] = 0;
    this.#u32[at + W.node] = this.#word(HEADER.handlesFree);
    this.#u32[HEADER.handlesFree] = index;
    this.#u32[HEADER.handlesLive] = this.#word(HEADER.handlesLive) - 1;
  }

  /** The handle made by this OPEN request, or 0. Walks the table: for requests delivered again, which are few. */
  madeBy(unique: bigint): HandleIndex {
    const low = Number(unique & 0xffffffffn);
    const high = Number((unique >> 32n) & 0x7fffffffn);
    for (const index of this.live()) {
      const at = this.#at(index);
      if (this.#u32[at + W.uniqueLow] === low && this.#u32[at + W.uniqueHigh] === high) return index;
    }
    return 0;
  }

  *live(): Generator<HandleIndex> {
    const used = this.#word(HEADER.handlesUsed);
    for (let index = 1; index < used; index++) if (this.#u32[this.#at(index)] === LIVE) yield index;
  }

  #word(index: number): number {
    return this.#u32[index] ?? 0;
  }

  #at(index: HandleIndex): number {
    return (HANDLES_AT + index * HANDLE_BYTES) / 4;
  }
}
