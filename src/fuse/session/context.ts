// What a handler may use of the server that calls it.
import type { Agreed, Unique } from '../protocol/index.ts';
import type { FileSystem, Stat } from './filesystem.ts';
import type { HandleTable } from './handles.ts';
import type { NodeTable } from './nodes.ts';
import type { OpenFiles } from './open-files.ts';

/** How long the kernel may use what it was told without asking again, milliseconds. */
export interface CachePolicy {
  entryMs: number;
  attrMs: number;
  negativeMs: number;
}

export interface ServerConfig {
  agreed: Agreed;
  cache: CachePolicy;
  /** The most one READ may ask for, bytes. */
  readBytesMax: number;
  /** Files at least this large are read by the kernel straight from the source; Infinity for none. */
  passthroughMinBytes: number;
}

export interface ServerContext {
  readonly config: ServerConfig;
  readonly nodes: NodeTable;
  readonly handles: HandleTable;
  readonly files: OpenFiles;
  readonly filesystem: FileSystem;
  /** A request the caller interrupted: tells its handler, if it is still at work. */
  interrupt(unique: Unique): void;
  /** A scratch Stat; give it back with returnStat when nothing reads it any more. */
  borrowStat(): Stat;
  returnStat(stat: Stat): void;
}
