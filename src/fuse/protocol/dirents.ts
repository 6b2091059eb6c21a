// dirents: the answers to READDIR and READDIRPLUS: records padded to 8 bytes, as many as fit in the size asked for.
import type { Buffer } from 'node:buffer';
import { encodeEntryOut, ENTRY_OUT_BYTES } from './attr.ts';
import type { EntryOut } from './attr.ts';

export const DIRENT_BYTES = 24;

export interface Dirent {
  readonly ino: bigint;
  /** Where to go on after this entry: the `offset` of the next READDIR. All 64 bits are ours, but 0 means the start. */
  readonly off: bigint;
  /** `mode >> 12`, or 0 for unknown. */
  readonly type: number;
  readonly name: Uint8Array;
}

/**
 * Fills one reply. Once an entry did not fit, stop: a later, shorter one would leave a gap. A reply without any entry
 * means the end of the directory.
 */
export class DirentWriter {
  readonly #buf: Buffer;
  readonly #start: number;
  readonly #limit: number;
  #at: number;

  /** Writes from `start` on, at most `sizeMax` bytes (read_in.size). */
  constructor(buf: Buffer, start: number, sizeMax: number) {
    this.#buf = buf;
    this.#start = start;
    this.#limit = Math.min(start + sizeMax, buf.length);
    this.#at = start;
  }

  /** How much was written so far. */
  get bytes(): number {
    return this.#at - this.#start;
  }

  /** For READDIR. False, and nothing written, if the entry does not fit. */
  append(dirent: Dirent): boolean {
    const end = this.#at + direntBytes(dirent.name.length);
    if (end > this.#limit) return false;
    this.#writeDirent(dirent, end);
    return true;
  }

  /**
   * For READDIRPLUS. `entry` counts as one lookup of its nodeid, only if this returns true. Without `entry` the kernel
   * learns the name but looks it up itself: right for "." and "..".
   */
  appendPlus(dirent: Dirent, entry?: EntryOut): boolean {
    const end = this.#at + direntplusBytes(dirent.name.length);
    if (end > this.#limit) return false;
    if (entry) encodeEntryOut(this.#buf, this.#at, entry);
    else this.#buf.fill(0, this.#at, this.#at + ENTRY_OUT_BYTES);
    this.#at += ENTRY_OUT_BYTES;
    this.#writeDirent(dirent, end);
    return true;
  }

  #writeDirent(dirent: Dirent, end: number): void {
    // The kernel fails the whole READDIR with EIO over an empty name.
    if (dirent.name.length === 0) throw new RangeError('Cannot write a directory entry: its name is empty');
    const at = this.#at;
    this.#buf.writeBigUInt64LE(dirent.ino, at);
    this.#buf.writeBigUInt64LE(dirent.off, at + 8);
    this.#buf.writeUInt32LE(dirent.name.length, at + 16);
    this.#buf.writeUInt32LE(dirent.type, at + 20);
    this.#buf.set(dirent.name, at + DIRENT_BYTES);
    this.#buf.fill(0, at + DIRENT_BYTES + dirent.name.length, end);
    this.#at = end;
  }
}

export function direntBytes(nameBytes: number): number {
  return alignTo8(DIRENT_BYTES + nameBytes);
}

export function direntplusBytes(nameBytes: number): number {
  return alignTo8(ENTRY_OUT_BYTES + DIRENT_BYTES + nameBytes);
}

function alignTo8(bytes: number): number {
  return (bytes + 7) & ~7;
}
