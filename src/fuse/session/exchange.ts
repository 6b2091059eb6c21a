// One request on its way to its reply.
import type { InHeader } from '../protocol/index.ts';
import type { NodeIndex } from './nodes.ts';
import type { SlotIndex } from './slots.ts';

/** A handler's result instead of a length or a negative errno: the kernel expects nothing. */
export const NO_REPLY = Number.MIN_SAFE_INTEGER;

export class Exchange {
  readonly slot: SlotIndex;
  readonly header: InHeader;
  readonly args: Buffer;
  /** The request was handed out before, to a daemon that died: look for what that one already did. */
  readonly again: boolean;
  /** The reply's buffer: the payload starts at OUT_HEADER_BYTES. */
  out: Buffer;
  /** Nodes the reply tells the kernel of, each counted once already. Given back if the kernel refuses the reply. */
  granted: NodeIndex[] | undefined;
  /** Runs once the reply was written. */
  after: (() => void) | undefined;
  /** Runs when the kernel refused the reply. */
  refused: (() => void) | undefined;
  #abort: AbortController | undefined;

  constructor(slot: SlotIndex, header: InHeader, args: Buffer, again: boolean, out: Buffer) {
    this.slot = slot;
    this.header = header;
    this.args = args;
    this.again = again;
    this.out = out;
  }

  grant(node: NodeIndex): void {
    if (this.granted === undefined) this.granted = [node];
    else this.granted.push(node);
  }

  /** Aborts when the caller no longer waits. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  interrupt(): void {
    this.#abort?.abort();
  }
}
