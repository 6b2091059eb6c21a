// Requests in flight: each is read from the kernel straight into a slot of the session memory.
//
// A slot whose first word (the frame's length) is not 0 holds a request that was taken and perhaps not answered. The word is
// cleared before the read and after the reply, so nothing the kernel handed out is ever outside a slot: what a killed daemon
// leaves here is all that was in flight, and where the kernel cannot RESEND, the successor serves these frames first.
//
// The upper half of a slot lists the nodes that the answer under way will tell the kernel of, each counted already: if the
// request turns out unanswered, the successor takes those counts back. Requests with such answers fit the lower half.
import { HEADER, SLOT_BYTES, SLOTS_AT, SLOTS_MAX, SUSPECTS_MAX } from './layout.ts';
import type { SessionMemory } from './memory.ts';

export type SlotIndex = number;

const GRANTS_AT = SLOT_BYTES / 2;
/** The most nodes one answer may tell of. */
export const GRANTS_MAX = (SLOT_BYTES - GRANTS_AT) / 4 - 1;

export class FrameSlots {
  readonly #u32: Uint32Array;
  readonly #views: readonly Buffer[];
  readonly #addresses: readonly bigint[];
  readonly #free: SlotIndex[];
  #suspects = 0;

  constructor(memory: SessionMemory) {
    this.#u32 = memory.u32;
    const slots = Array.from({ length: SLOTS_MAX }, (_, i) => SLOTS_AT + i * SLOT_BYTES);
    this.#views = slots.map((at) => memory.bytes.subarray(at, at + SLOT_BYTES));
    this.#addresses = slots.map((at) => memory.mapped.address + BigInt(at));
    this.#free = slots.map((_, i) => i).reverse();
  }

  /** Slots that hold a frame although nobody works on it: what the predecessor left. They are taken out of the free ones. */
  claimLeftovers(): SlotIndex[] {
    this.#suspects = 0;
    for (let i = 0; i < SUSPECTS_MAX; i++) if (this.#suspectWord(i, 2) > 0) this.#suspects++;
    const left = this.#views.flatMap((_, i) => (this.#u32[this.#word(i)] === 0 ? [] : [i]));
    for (const slot of left) this.#free.splice(this.#free.indexOf(slot), 1);
    return left;
  }

  get inFlight(): number {
    return SLOTS_MAX - this.#free.length;
  }

  /** An empty slot to read into, or -1 when every one is in use: then the kernel keeps the requests. */
  take(): SlotIndex {
    return this.#free.pop() ?? -1;
  }

  address(slot: SlotIndex): bigint {
    return this.#addresses[slot] ?? 0n;
  }

  frame(slot: SlotIndex): Buffer {
    return this.#views[slot] as Buffer;
  }

  /** Notes a node the answer will tell of. Call after it was counted: a crash in between leaves a count too high. */
  grant(slot: SlotIndex, node: number): void {
    const word = this.#grantsWord(slot);
    const count = this.#u32[word] ?? 0;
    if (count >= GRANTS_MAX) return;
    this.#u32[word + 1 + count] = node;
    this.#u32[word] = count + 1;
  }

  /** The nodes noted for the request in the slot. */
  granted(slot: SlotIndex): number[] {
    const word = this.#grantsWord(slot);
    const count = Math.min(this.#u32[word] ?? 0, GRANTS_MAX);
    return Array.from(this.#u32.subarray(word + 1, word + 1 + count));
  }

  /** Takes back what was noted: the request is about to be worked on again from the start. */
  clearGrants(slot: SlotIndex): void {
    this.#u32[this.#grantsWord(slot)] = 0;
  }

  /** The request in the slot is done with: its reply was written, or it needs none. */
  release(slot: SlotIndex): void {
    this.clearGrants(slot); // first: what is noted must belong to the frame that is there
    this.#u32[this.#word(slot)] = 0;
    this.#free.push(slot);
  }

  /** Notes that a daemon crashed by itself while this request was in flight. */
  suspect(unique: bigint): void {
    const low = Number(unique & 0xffffffffn);
    const high = Number((unique >> 32n) & 0x7fffffffn);
    let place = -1;
    for (let i = 0; i < SUSPECTS_MAX; i++) {
      const crashes = this.#suspectWord(i, 2);
      if (crashes === 0) place = i;
      else if (this.#suspectWord(i, 0) === low && this.#suspectWord(i, 1) === high) {
        this.#u32[HEADER.suspects + i * 3 + 2] = crashes + 1;
        return;
      }
    }
    if (place < 0) place = low % SUSPECTS_MAX;
    this.#u32[HEADER.suspects + place * 3 + 2] = 0;
    this.#u32[HEADER.suspects + place * 3] = low;
    this.#u32[HEADER.suspects + place * 3 + 1] = high;
    this.#u32[HEADER.suspects + place * 3 + 2] = 1;
    this.#suspects++;
  }

  /** How many daemons crashed by themselves while this request was in flight. */
  crashesOf(unique: bigint): number {
    if (this.#suspects === 0) return 0;
    const low = Number(unique & 0xffffffffn);
    const high = Number((unique >> 32n) & 0x7fffffffn);
    for (let i = 0; i < SUSPECTS_MAX; i++) {
      if (this.#suspectWord(i, 2) > 0 && this.#suspectWord(i, 0) === low && this.#suspectWord(i, 1) === high) {
        return this.#suspectWord(i, 2);
      }
    }
    return 0;
  }

  /** The request was answered: nothing is held against it any more. */
  clear(unique: bigint): void {
    if (this.#suspects === 0) return;
    const low = Number(unique & 0xffffffffn);
    for (let i = 0; i < SUSPECTS_MAX; i++) {
      if (this.#suspectWord(i, 2) > 0 && this.#suspectWord(i, 0) === low) {
        this.#u32[HEADER.suspects + i * 3 + 2] = 0;
        this.#suspects--;
      }
    }
  }

  #suspectWord(i: number, word: number): number {
    return this.#u32[HEADER.suspects + i * 3 + word] ?? 0;
  }

  #grantsWord(slot: SlotIndex): number {
    return this.#word(slot) + GRANTS_AT / 4;
  }

  #word(slot: SlotIndex): number {
    return (SLOTS_AT + slot * SLOT_BYTES) / 4;
  }
}
