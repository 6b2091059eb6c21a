// What a mount of a dataset needs to know besides its source: written into the session's record, read by every daemon of it.
// Nothing in it is secret: credentials and tokens are named by the files that hold them.
import { join } from 'node:path';
import type { RefreshPolicy } from '../../cache/namespace/index.ts';
import type { MountSpec } from '../../cache/ufs/index.ts';

/** Everything on this machine: evermount mount. */
export interface DatasetConfig {
  readonly kind: 'embedded';
  readonly mounts: readonly MountSpec[];
  /** Holds "meta", the namespace, and "blocks", the data. */
  readonly cacheFolder: string;
  readonly cacheBytes: number;
  readonly refresh: RefreshPolicy;
  readonly look: Look;
}

/** Names from a master, data from its workers: evermount fuse. */
export interface ClientConfig {
  readonly kind: 'client';
  /** "host:port" or the absolute path of a socket. */
  readonly master: string;
  readonly tokenFile: string;
  /** The same as the master's, with credentials: where workers cannot help, data is read from here. May be empty. */
  readonly mounts: readonly MountSpec[];
  readonly claims: Readonly<Record<string, string>>;
  /** Holds "meta", the names that are known, and the place in the feed of changes. */
  readonly cacheFolder: string;
  /** 'never': names are asked for again when the master tells that they changed. */
  readonly refresh: RefreshPolicy;
  /** How long applications wait for a master that is away, when they ask for what is not known. */
  readonly patienceMs: number;
  /** For data that is read ahead. */
  readonly memoryBytes: number;
  /** Where /healthz and /metrics are answered, if at all. */
  readonly listen: string | undefined;
  readonly metricsOpen: boolean;
  readonly look: Look;
}

/** How files and folders appear that have no owner and permissions of their own. */
export interface Look {
  readonly uid: number;
  readonly gid: number;
  readonly fmode: number;
  readonly dmode: number;
}

export function encodeDatasetConfig(config: DatasetConfig | ClientConfig): string {
  return JSON.stringify(config);
}

/** What encodeDatasetConfig wrote. Only what this very program wrote into its own private folder is ever read here. */
export function decodeDatasetConfig(text: string): DatasetConfig | ClientConfig {
  return JSON.parse(text) as DatasetConfig | ClientConfig;
}

/** Where the namespace is kept. */
export function metaFolder(cacheFolder: string): string {
  return join(cacheFolder, 'meta');
}
