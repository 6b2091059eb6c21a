// fuse/session: one FUSE session from INIT to unmount, in memory that outlives the daemon serving it.
// A daemon opens the session memory, takes over, and serves requests through a FileSystem.
// Never mounts and never opens /dev/fuse: both are handed to it.
export {
  emptyStat,
  then,
  type EntrySink,
  type Errno,
  type Eventually,
  type FileSystem,
  type KernelNotices,
  type NodeNames,
  type OpenFile,
  type Stat,
} from './filesystem.ts';
export { answerInit, type SessionWishes } from './handshake.ts';
export { NO_KEEPER, type Keeper } from './keeper.ts';
export { HEADER, LAYOUT_VERSION, MEMORY_BYTES, MemoryError, type MemoryFault } from './layout.ts';
export { createSessionMemory, openSessionMemory, type SessionMemory } from './memory.ts';
export { NodeTable, ROOT_INDEX, type NodeIndex } from './nodes.ts';
export { HandleTable } from './handles.ts';
export type { CachePolicy, ServerConfig, ServerContext } from './context.ts';
export { rehearse } from './rehearsal.ts';
export { Server, type TakeoverCause, type TakeoverMode } from './server.ts';
