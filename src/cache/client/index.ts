// cache/client: how a client reads from the workers of a runtime, and what it does when one is gone.
export {
  openRemoteBlocks,
  type RemoteBlocks,
  type RemoteBlocksConfig,
  type RemoteBlocksDeps,
  type RemoteBlocksStats,
} from './remote-blocks.ts';
export { PLACEMENT_BYTES, rank, seatOf, type Seat } from './rendezvous.ts';
export type { WorkerAddress } from './workers.ts';
