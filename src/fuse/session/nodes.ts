// The nodes the kernel knows: nodeid -> key, parent, name, lookup count. All of it lies in the session memory.
//
// A node stands for one object of the source, told by its key (for a local file: inode number, birth time, device), not
// by its name: a file renamed over is a new node, and a renamed file keeps its node. A record's words:
//   0 state (0 free, 1 live) | 1 generation | 2-3 lookups (f64) | 4-8 key | 9 name block | 10 children
//   11 backing id | 12-13 content version | 14 flags | 15 unused; a free record keeps the next free one in word 9.
// Name block: parent record (u32), length (u16), unused (u16), bytes. One store of word 9 renames and moves a node.
// nodeid = generation << 32 | record; the root is record 1, generation 0. See layout.ts for why a crash leaves it whole.
import type { NodeId } from '../protocol/index.ts';
import {
  HEADER,
  indexAt,
  INDEX_BITS_MAX,
  INDEX_BITS_MIN,
  MemoryError,
  NAME_HEADER_BYTES,
  NAME_UNIT_BYTES,
  NAMES_AT,
  NAMES_BYTES,
  NODE_BYTES,
  NODES_AT,
  NODES_MAX,
} from './layout.ts';
import type { SessionMemory } from './memory.ts';

/** A record number; 0 is no node. */
export type NodeIndex = number;
export const ROOT_INDEX: NodeIndex = 1;
export const KEY_WORDS = 5;

const NODES_WORD = NODES_AT / 4;
const NODE_WORDS = NODE_BYTES / 4;
const LIVE = 1;
const TOMBSTONE = 0xffffffff;
const W = {
  state: 0,
  generation: 1,
  lookups: 2,
  key: 4,
  name: 9,
  children: 10,
  backing: 11,
  version: 12,
  flags: 14,
} as const;

export class NodeTable {
  readonly #memory: SessionMemory;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #bytes: Buffer;
  #indexWord = 0;
  #indexMask = 0;

  constructor(memory: SessionMemory) {
    this.#memory = memory;
    this.#u32 = memory.u32;
    this.#f64 = memory.f64;
    this.#bytes = memory.bytes;
    const root = this.#at(ROOT_INDEX);
    if (this.#u32[root] !== LIVE) {
      this.#f64[(root + W.lookups) >> 1] = 1;
      this.#u32[root] = LIVE;
    }
    this.reload();
  }

  /** Call before the first use after another process worked in the memory. */
  reload(): void {
    const inUse = this.#word(HEADER.index);
    this.#indexWord = indexAt(inUse >>> 31, inUse & 0x7fffffff) / 4;
    this.#indexMask = 2 ** (inUse & 0x7fffffff) - 1;
  }

  /** Nodes the kernel knows, the root not counted. */
  get liveCount(): number {
    return this.#word(HEADER.nodesLive);
  }

  /** The record of a nodeid from the kernel, or 0 if there is no such node (any more). */
  indexOf(nodeid: bigint): NodeIndex {
    const index = Number(nodeid & 0xffffffffn);
    if (index === 0 || index >= this.#word(HEADER.nodesUsed)) return 0;
    const at = this.#at(index);
    return this.#u32[at] === LIVE && this.#word(at + W.generation) === Number(nodeid >> 32n) ? index : 0;
  }

  /** Changes when the record is freed: the same record then stands for another node. */
  generationOf(index: NodeIndex): number {
    return this.#word(this.#at(index) + W.generation);
  }

  nodeId(index: NodeIndex): NodeId {
    return ((BigInt(this.#word(this.#at(index) + W.generation)) << 32n) | BigInt(index)) as NodeId;
  }

  /** True while the record is this very object. */
  hasKey(index: NodeIndex, key: Uint32Array): boolean {
    const at = this.#at(index) + W.key;
    const u32 = this.#u32;
    return (
      u32[at] === key[0] &&
      u32[at + 1] === key[1] &&
      u32[at + 2] === key[2] &&
      u32[at + 3] === key[3] &&
      u32[at + 4] === key[4]
    );
  }

  /** The node's key: a view of shared memory, valid until the next change of the table. */
  keyOf(index: NodeIndex): Uint32Array {
    const at = this.#at(index) + W.key;
    return this.#u32.subarray(at, at + KEY_WORDS);
  }

  /** Gives the root its key. */
  setRootKey(key: Uint32Array): void {
    this.#u32.set(key, this.#at(ROOT_INDEX) + W.key);
  }

  /** The node of the object with this key, made if the kernel does not know it yet; it is now found at parent/name. */
  ensure(key: Uint32Array, parent: NodeIndex, name: Uint8Array): NodeIndex {
    if (this.hasKey(ROOT_INDEX, key)) return ROOT_INDEX;
    const found = this.find(key);
    if (found !== 0) {
      if (!this.#isAt(found, parent, name)) this.#move(found, parent, name);
      return found;
    }
    return this.#create(key, parent, name);
  }

  find(key: Uint32Array): NodeIndex {
    const u32 = this.#u32;
    const start = hashOf(key);
    for (let step = 0; step <= this.#indexMask; step++) {
      const entry = u32[this.#indexWord + ((start + step) & this.#indexMask)] ?? 0;
      if (entry === 0) return 0;
      if (entry !== TOMBSTONE && this.hasKey(entry, key)) return entry;
    }
    return this.#damaged('the index of nodes has no gap');
  }

  parentOf(index: NodeIndex): NodeIndex {
    return index === ROOT_INDEX ? 0 : this.#word(this.#nameAt(index) / 4);
  }

  /** The name the node was last found by: a view of shared memory, valid until the next change of the table. */
  nameOf(index: NodeIndex): Buffer {
    if (index === ROOT_INDEX) return Buffer.alloc(0);
    const at = this.#nameAt(index);
    return this.#bytes.subarray(at + NAME_HEADER_BYTES, at + NAME_HEADER_BYTES + this.#bytes.readUInt16LE(at + 4));
  }

  /** Writes the path below the root ("a/b", "." for the root) and a NUL at the end of `into`; returns where it starts. */
  writePath(index: NodeIndex, into: Buffer): number {
    let at = into.length - 1;
    into[at] = 0;
    if (index === ROOT_INDEX) {
      into[--at] = 0x2e;
      return at;
    }
    for (let node = index; node !== ROOT_INDEX; node = this.parentOf(node)) {
      const name = this.nameOf(node);
      if (at !== into.length - 1) into[--at] = 0x2f;
      at -= name.length;
      if (at < 1) return -1;
      into.set(name, at);
    }
    return at;
  }

  lookupsOf(index: NodeIndex): number {
    return this.#f64[(this.#at(index) + W.lookups) >> 1] ?? 0;
  }

  /** One more reference by the kernel. Call before the reply that tells it of the node. */
  addLookup(index: NodeIndex): void {
    const at = (this.#at(index) + W.lookups) >> 1;
    this.#f64[at] = (this.#f64[at] ?? 0) + 1;
  }

  /** The kernel drops `count` references. A node without references and children is gone. */
  forget(index: NodeIndex, count: number): void {
    const at = (this.#at(index) + W.lookups) >> 1;
    this.#f64[at] = Math.max(0, (this.#f64[at] ?? 0) - count);
    if (this.#f64[at] === 0) this.#removeIfUnused(index);
  }

  backingOf(index: NodeIndex): number {
    return this.#word(this.#at(index) + W.backing);
  }
  setBacking(index: NodeIndex, backingId: number): void {
    this.#u32[this.#at(index) + W.backing] = backingId;
  }

  /** Notes the content's version; true if it is the one noted before. */
  sameVersion(index: NodeIndex, low: number, high: number): boolean {
    const at = this.#at(index) + W.version;
    const same = this.#u32[at] === low && this.#u32[at + 1] === high;
    if (!same) {
      this.#u32[at] = low;
      this.#u32[at + 1] = high;
    }
    return same;
  }

  /** Walks everything and throws MemoryError 'memory-damaged' where an invariant does not hold. For tests and doctor. */
  verify(): { live: number } {
    const children = new Map<NodeIndex, number>();
    let live = 0;
    for (let index = 2; index < this.#word(HEADER.nodesUsed); index++) {
      const at = this.#at(index);
      if (this.#u32[at] !== LIVE) continue;
      live++;
      const parent = this.parentOf(index);
      if (this.#u32[this.#at(parent)] !== LIVE) this.#damaged(`node ${index} has a parent ${parent} that is free`);
      children.set(parent, (children.get(parent) ?? 0) + 1);
      const key = this.#u32.slice(at + W.key, at + W.key + KEY_WORDS);
      const found = this.find(key);
      // A kill between record and index leaves a record that nobody finds and the kernel never heard of: space lost, no more.
      if (found !== index && this.lookupsOf(index) > 0) this.#damaged(`node ${index} is not found by its key`);
    }
    for (const [index, count] of children) {
      if (this.#word(this.#at(index) + W.children) < count) this.#damaged(`node ${index} counts too few children`);
    }
    return { live };
  }

  #damaged(what: string): never {
    throw new MemoryError(`Cannot use session memory: ${what}`, { code: 'memory-damaged', what });
  }

  #word(index: number): number {
    return this.#u32[index] ?? 0;
  }

  #at(index: NodeIndex): number {
    return NODES_WORD + index * NODE_WORDS;
  }

  #nameAt(index: NodeIndex): number {
    return NAMES_AT + this.#word(this.#at(index) + W.name) * NAME_UNIT_BYTES;
  }

  #isAt(index: NodeIndex, parent: NodeIndex, name: Uint8Array): boolean {
    return this.parentOf(index) === parent && this.nameOf(index).equals(name);
  }

  #move(index: NodeIndex, parent: NodeIndex, name: Uint8Array): void {
    // A folder seen below itself (a bind mount, a race of renames) must not become its own ancestor.
    for (let up = parent; up !== ROOT_INDEX; up = this.parentOf(up)) if (up === index) return;
    const at = this.#at(index);
    const oldName = this.#word(at + W.name);
    const oldParent = this.parentOf(index);
    this.#addChild(parent);
    this.#u32[at + W.name] = this.#writeName(parent, name);
    this.#freeName(oldName);
    this.#removeChild(oldParent);
  }

  #create(key: Uint32Array, parent: NodeIndex, name: Uint8Array): NodeIndex {
    if (this.#word(HEADER.indexFilled) * 2 > this.#indexMask) this.#rebuildIndex();
    const index = this.#takeRecord();
    const at = this.#at(index);
    this.#addChild(parent);
    this.#u32.set(key, at + W.key);
    this.#f64[(at + W.lookups) >> 1] = 0;
    this.#u32[at + W.children] = 0;
    this.#u32[at + W.backing] = 0;
    this.#u32[at + W.version] = 0;
    this.#u32[at + W.version + 1] = 0;
    this.#u32[at + W.name] = this.#writeName(parent, name);
    this.#u32[at] = LIVE;
    this.#indexInsert(index, key);
    this.#u32[HEADER.nodesLive] = this.#word(HEADER.nodesLive) + 1;
    return index;
  }

  #takeRecord(): NodeIndex {
    const free = this.#word(HEADER.nodesFree);
    if (free !== 0) {
      const isFree = free < this.#word(HEADER.nodesUsed) && this.#u32[this.#at(free)] !== LIVE;
      if (!isFree) this.#damaged(`node ${free} is listed as free`);
      this.#u32[HEADER.nodesFree] = this.#word(this.#at(free) + W.name);
      return free;
    }
    const index = this.#word(HEADER.nodesUsed);
    if (index >= NODES_MAX) {
      throw new MemoryError(`Cannot know more than ${NODES_MAX} files at once`, {
        code: 'table-full',
        what: 'nodes',
        limit: NODES_MAX,
      });
    }
    this.#u32[HEADER.nodesUsed] = index + 1;
    return index;
  }

  #addChild(parent: NodeIndex): void {
    const at = this.#at(parent) + W.children;
    this.#u32[at] = this.#word(at) + 1;
  }

  #removeChild(parent: NodeIndex): void {
    const at = this.#at(parent) + W.children;
    this.#u32[at] = this.#word(at) - 1;
    if (this.lookupsOf(parent) === 0) this.#removeIfUnused(parent);
  }

  #removeIfUnused(start: NodeIndex): void {
    let index = start;
    while (index !== ROOT_INDEX && this.lookupsOf(index) === 0 && this.#word(this.#at(index) + W.children) === 0) {
      const at = this.#at(index);
      const parent = this.parentOf(index);
      const name = this.#word(at + W.name);
      this.#indexRemove(index);
      this.#u32[at + W.generation] = (this.#word(at + W.generation) + 1) & 0x7fffffff;
      this.#u32[at] = 0;
      this.#u32[at + W.name] = this.#word(HEADER.nodesFree);
      this.#u32[HEADER.nodesFree] = index;
      this.#freeName(name);
      this.#u32[HEADER.nodesLive] = this.#word(HEADER.nodesLive) - 1;
      const childrenAt = this.#at(parent) + W.children;
      this.#u32[childrenAt] = this.#word(childrenAt) - 1;
      index = parent;
    }
  }

  #writeName(parent: NodeIndex, name: Uint8Array): number {
    const units = Math.ceil((NAME_HEADER_BYTES + name.length) / NAME_UNIT_BYTES);
    const free = this.#word(HEADER.namesFree + units);
    let block = free;
    if (free !== 0) {
      if (free >= this.#word(HEADER.namesUsed)) this.#damaged(`name ${free} is listed as free`);
      this.#u32[HEADER.namesFree + units] = this.#word((NAMES_AT + free * NAME_UNIT_BYTES) / 4);
    } else {
      block = this.#word(HEADER.namesUsed);
      if ((block + units) * NAME_UNIT_BYTES > NAMES_BYTES) {
        throw new MemoryError('Cannot hold more names', { code: 'table-full', what: 'names', limit: NAMES_BYTES });
      }
      this.#u32[HEADER.namesUsed] = block + units;
    }
    const at = NAMES_AT + block * NAME_UNIT_BYTES;
    this.#u32[at / 4] = parent;
    this.#u32[at / 4 + 1] = name.length;
    this.#bytes.set(name, at + NAME_HEADER_BYTES);
    return block;
  }

  #freeName(block: number): void {
    const at = (NAMES_AT + block * NAME_UNIT_BYTES) / 4;
    const units = Math.ceil((NAME_HEADER_BYTES + (this.#word(at + 1) & 0xffff)) / NAME_UNIT_BYTES);
    this.#u32[at] = this.#word(HEADER.namesFree + units);
    this.#u32[HEADER.namesFree + units] = block;
  }

  #indexInsert(index: NodeIndex, key: Uint32Array): void {
    let slot = hashOf(key) & this.#indexMask;
    while ((this.#u32[this.#indexWord + slot] ?? 0) !== 0) slot = (slot + 1) & this.#indexMask;
    this.#u32[HEADER.indexFilled] = this.#word(HEADER.indexFilled) + 1;
    this.#u32[this.#indexWord + slot] = index;
  }

  #indexRemove(index: NodeIndex): void {
    const at = this.#at(index) + W.key;
    let slot = hashOf(this.#u32.subarray(at, at + KEY_WORDS)) & this.#indexMask;
    for (; ; slot = (slot + 1) & this.#indexMask) {
      const entry = this.#u32[this.#indexWord + slot] ?? 0;
      if (entry === 0) return; // a crash between record and index: it was never found by key
      if (entry === index) break;
    }
    this.#u32[this.#indexWord + slot] = TOMBSTONE;
  }

  /** Builds a fresh index in the other copy, then switches to it by one store. */
  #rebuildIndex(): void {
    const inUse = this.#word(HEADER.index);
    const oldBits = inUse & 0x7fffffff;
    let entries = 1; // the one about to come
    for (let slot = 0; slot <= this.#indexMask; slot++) {
      const entry = this.#u32[this.#indexWord + slot] ?? 0;
      if (entry !== 0 && entry !== TOMBSTONE) entries++;
    }
    const bits = Math.min(INDEX_BITS_MAX, Math.max(INDEX_BITS_MIN, Math.ceil(Math.log2(entries * 3))));
    const copy = 1 - (inUse >>> 31);
    const start = indexAt(copy, bits);
    this.#memory.mapped.release(start, 2 ** bits * 4);
    const word = start / 4;
    this.#u32.fill(0, word, word + 2 ** bits);
    const oldStart = indexAt(inUse >>> 31, oldBits);
    const oldMask = this.#indexMask;
    const oldWord = this.#indexWord;
    this.#indexMask = 2 ** bits - 1;
    let filled = 0;
    for (let slot = 0; slot <= oldMask; slot++) {
      const entry = this.#u32[oldWord + slot] ?? 0;
      if (entry === 0 || entry === TOMBSTONE) continue;
      const at = this.#at(entry) + W.key;
      let place = hashOf(this.#u32.subarray(at, at + KEY_WORDS)) & this.#indexMask;
      while ((this.#u32[word + place] ?? 0) !== 0) place = (place + 1) & this.#indexMask;
      this.#u32[word + place] = entry;
      filled++;
    }
    this.#indexWord = word;
    // Filled too high for a moment is harmless (one more rebuild), too low is not: an index without a gap is searched for ever.
    this.#u32[HEADER.indexFilled] = Math.max(filled, this.#word(HEADER.indexFilled));
    this.#u32[HEADER.index] = ((copy << 31) | bits) >>> 0;
    this.#u32[HEADER.indexFilled] = filled;
    this.#memory.mapped.release(oldStart, 2 ** oldBits * 4);
  }
}

function hashOf(key: Uint32Array): number {
  let hash = 0x9e3779b9;
  for (let i = 0; i < KEY_WORDS; i++) {
    hash = Math.imul(hash ^ (key[i] ?? 0), 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  return hash >>> 0;
}
