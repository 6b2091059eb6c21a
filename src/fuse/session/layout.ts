// Where everything lies in a session's shared memory, version 1.
//
// The memory is the session's journal: the daemon works in it directly, so what a SIGKILL leaves behind is what the
// successor continues from. Invariants that make this safe at any instruction:
//  - every change becomes visible by one aligned 4- or 8-byte store, made after everything it makes reachable;
//  - a count is raised before the kernel may learn of it and lowered after the kernel can no longer rely on it, so a
//    crash leaves a count too high (space is lost until the unmount) and never too low;
//  - space is sparse: regions are sized for the largest session, pages are taken only when written.
import { Fault } from '../../base/index.ts';

export const LAYOUT_VERSION = 1;
export const MAGIC = 0x544d5645; // "EVMT"

export const HEADER_BYTES = 4096;
export const SLOT_BYTES = 8192;
export const SLOTS_MAX = 64;
export const HANDLE_BYTES = 32;
export const HANDLES_MAX = 1 << 20;
export const NODE_BYTES = 64;
export const NODES_MAX = 1 << 24;
/** Names are addressed in units of 8 bytes. */
export const NAME_UNIT_BYTES = 8;
export const NAMES_BYTES = 2 ** 31;
/** The smallest and the largest index, as powers of two of entries. */
export const INDEX_BITS_MIN = 10;
export const INDEX_BITS_MAX = 25;

export const SLOTS_AT = HEADER_BYTES;
export const HANDLES_AT = SLOTS_AT + SLOTS_MAX * SLOT_BYTES;
export const NODES_AT = HANDLES_AT + HANDLES_MAX * HANDLE_BYTES;
export const NAMES_AT = NODES_AT + NODES_MAX * NODE_BYTES;
/** Two copies of the index, each with a place for every size: a new one is built beside the one in use. */
export const INDEX_COPY_BYTES = 2 ** (INDEX_BITS_MAX + 1) * 4;
export const INDEXES_AT = NAMES_AT + NAMES_BYTES;
export const MEMORY_BYTES = INDEXES_AT + 2 * INDEX_COPY_BYTES;

/** The header's words, as indexes into a Uint32Array. */
export const HEADER = {
  magic: 0,
  version: 1,
  slotBytes: 2,
  slots: 3,
  /** Daemons that have begun to serve. */
  generation: 4,
  /** Requests answered, modulo 2^32: lets a supervisor see progress. */
  answered: 5,
  nodesUsed: 8, // record numbers ever used; the next new one
  nodesFree: 9, // head of the list of freed records, 0 = none
  nodesLive: 10,
  handlesUsed: 12,
  handlesFree: 13,
  handlesLive: 14,
  namesUsed: 16, // in units of NAME_UNIT_BYTES
  /** The index in use: its bits, and in bit 31 which copy. */
  index: 20,
  indexFilled: 21, // entries that are not empty, tombstones included
  /** Heads of the lists of freed names, one for each length in units (1..NAME_CLASSES). */
  namesFree: 64,
  /** Requests that were in flight when a daemon crashed by itself: low word, high word, crashes; SUSPECTS_MAX of them. */
  suspects: 256,
} as const;

/** Name blocks: 8 bytes of header and up to 255 bytes of name, in units. */
export const NAME_HEADER_BYTES = 8;
export const NAME_CLASSES = Math.ceil((NAME_HEADER_BYTES + 255) / NAME_UNIT_BYTES);
export const SUSPECTS_MAX = 64;

/** What is wrong with a session memory, or that it is full. */
export type MemoryFault =
  | { code: 'memory-too-small'; sizeBytes: number; needBytes: number }
  | { code: 'memory-not-ours'; magic: number }
  | { code: 'memory-version'; version: number; ours: number }
  | { code: 'memory-damaged'; what: string }
  | { code: 'table-full'; what: string; limit: number };

export class MemoryError extends Fault<MemoryFault> {}

/** Byte offset of the index with 2^bits entries in one of the two copies. */
export function indexAt(copy: number, bits: number): number {
  return INDEXES_AT + copy * INDEX_COPY_BYTES + 2 ** bits * 4;
}
