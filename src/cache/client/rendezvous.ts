// Which workers keep a piece of an object: rendezvous hashing (highest random weight). Everybody who knows the same workers
// gives the same answer without asking anybody; when a worker leaves only its pieces move, each to the worker that was next.
import { createHash } from 'node:crypto';

/** Pieces of this length of one object are kept together. */
export const PLACEMENT_BYTES = 64 * 1024 * 1024;

/** A worker as the hashing sees it. */
export interface Seat {
  readonly id: string;
  readonly seed: number;
}

export function seatOf(id: string): Seat {
  return { id, seed: createHash('sha256').update(id).digest().readUInt32LE(0) };
}

/** The seats for a piece, best first, at most `count`. `seats` have different ids. */
export function rank<T extends Seat>(seats: readonly T[], objectId: string, piece: number, count: number): T[] {
  const high = parseInt(objectId.slice(0, 8), 16);
  const low = parseInt(objectId.slice(8, 16), 16);
  const best: { seat: T; weight: number }[] = [];
  for (const seat of seats) {
    const weight = weigh(seat.seed, high, low, piece);
    let at = best.length;
    while (at > 0 && isAbove(seat, weight, best[at - 1])) at -= 1;
    if (at < count) best.splice(at, 0, { seat, weight });
    if (best.length > count) best.pop();
  }
  return best.map(({ seat }) => seat);
}

/** Equal weights are rare, and decided by the id so that the order of the list never matters. */
function isAbove(seat: Seat, weight: number, other: { seat: Seat; weight: number } | undefined): boolean {
  if (other === undefined || weight > other.weight) return true;
  return weight === other.weight && seat.id > other.seat.id;
}

/** 32 bits that depend on every bit of the arguments. */
function weigh(seed: number, high: number, low: number, piece: number): number {
  return mix(mix(mix(mix(seed) ^ high) ^ low) ^ piece);
}

/** The finalizer of MurmurHash3 after a step, so that zero is not mapped to zero. */
function mix(value: number): number {
  let bits = (value + 0x9e3779b9) | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
