// filesystems/cachefs: a dataset of the cache engine, as a file system.
export { CacheFs, type CacheFsConfig, type CacheFsDeps } from './cachefs.ts';
export type { Appearance } from './stat.ts';
