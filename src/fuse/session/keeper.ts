// Who keeps the descriptors of open files while daemons come and go: in production the vault.
import type { NodeId } from '../protocol/index.ts';

export interface Keeper {
  /**
   * Keeps a duplicate of the descriptor under the node, so that a successor can have it: from the return on, or where the
   * keeper is behind, from when the promise resolves.
   */
  keep(node: NodeId, fd: number): void | Promise<void>;
  /** Lets go of the node's descriptor. */
  drop(node: NodeId): void;
  /** The descriptor kept under the node, or undefined. Never waits for ever. */
  take(node: NodeId): Promise<number | undefined>;
  /** The backing id of the node's kept descriptor, registered if it is not; 0 when passthrough is not to be had. */
  backingOpen(node: NodeId): Promise<number>;
  /** Unregisters the node's backing id. */
  backingClose(node: NodeId, backingId: number): void;
}

/** For a session without a vault: nothing outlives the daemon. */
export const NO_KEEPER: Keeper = {
  keep: () => {},
  drop: () => {},
  take: () => Promise.resolve(undefined),
  backingOpen: () => Promise.resolve(0),
  backingClose: () => {},
};
