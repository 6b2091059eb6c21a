// One request on its way to its reply.
import type { InHeader } from '../protocol/index.ts';
import type { NodeIndex } from './nodes.ts';
import type { FrameSlots, SlotIndex } from './slots.ts';

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
  /** The reply tells the kernel of nodes, each counted once already and listed in the slot. */
  grants = false;
  /** Runs once the reply was written. */
  after: (() => void) | undefined;
  /** Runs when the kernel refused the reply. */
  refused: (() => void) | undefined;
  /** Somebody still writes to `out`, though the reply is given: it must not be used again. */
  outIsLost = false;
  readonly #slots: FrameSlots;
  #onInterrupt: (() => void) | undefined;

  constructor(slots: FrameSlots, slot: SlotIndex, header: InHeader, args: Buffer, again: boolean, out: Buffer) {
    this.#slots = slots;
    this.slot = slot;
    this.header = header;
    this.args = args;
    this.again = again;
    this.out = out;
  }

  /** Notes that the reply tells the kernel of the node. Call once the lookup was counted. */
  grant(node: NodeIndex): void {
    this.grants = true;
    this.#slots.grant(this.slot, node);
  }

  /** The result, or `interrupted` at once when nobody waits for it any more; then the reply's buffer is left to its writer. */
  unlessInterrupted<T>(result: Promise<T>, interrupted: T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#onInterrupt = () => {
        this.outIsLost = true;
        resolve(interrupted);
      };
      result.then(resolve, reject);
    });
  }

  /** The caller no longer waits. */
  interrupt(): void {
    this.#onInterrupt?.();
  }
}
