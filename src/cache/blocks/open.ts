// Opens a block store on the tiers a user configured.
import type { Logger } from '../../base/index.ts';
import { DiskBlockStore } from './disk-store.ts';
import { BlocksError } from './errors.ts';
import { TierPath } from './tier-path.ts';

export interface BlockStoreConfig {
  /** In order of preference. */
  readonly tiers: readonly TierConfig[];
  /** No file system is filled beyond this by us. Default 0.05 kept free. */
  readonly keepFreeFraction?: number;
  /** Default 2000: the process before us is dead already, the kernel lets go of its locks. */
  readonly lockWaitMs?: number;
}

export interface TierConfig {
  readonly medium: 'MEM' | 'SSD' | 'HDD';
  readonly paths: readonly { readonly path: string; readonly quotaBytes: number }[];
  /** Fractions of each path's quota. Default 0.95 and 0.7. */
  readonly high?: number;
  readonly low?: number;
}

export interface BlockStoreDeps {
  readonly log: Logger;
  /** Milliseconds since 1970. Default: the system clock. */
  readonly nowMs?: () => number;
}

/** Throws BlocksError for what a person must put right. Nothing is scanned, locked or evicted before begin() or a write. */
export function openBlockStore(config: BlockStoreConfig, deps: BlockStoreDeps): DiskBlockStore {
  const { tiers, keepFreeFraction = 0.05, lockWaitMs = 2000 } = config;
  const { log, nowMs = Date.now } = deps;
  if (!(keepFreeFraction >= 0 && keepFreeFraction < 1)) throw badConfig(`a free fraction of ${keepFreeFraction}`);
  const names = tiers.flatMap((tier) => tier.paths.map(({ path }) => path));
  if (names.length === 0) throw badConfig('no path');
  if (new Set(names).size < names.length) throw badConfig(`one path twice in ${names.join(', ')}`);
  const opened = tiers.map(({ medium, paths, high = 0.95, low = 0.7 }) => {
    if (!(low > 0 && low <= high && high <= 1)) throw badConfig(`watermarks high ${high} and low ${low}`);
    return paths.map(({ path, quotaBytes }) => {
      if (!(quotaBytes > 0)) throw badConfig(`a quota of ${quotaBytes} bytes for "${path}"`);
      return new TierPath({ medium, path, quotaBytes, high, low, keepFreeFraction }, log, nowMs);
    });
  });
  return new DiskBlockStore({ lockWaitMs }, opened, { log, nowMs });
}

function badConfig(what: string): BlocksError {
  return new BlocksError(`Cannot keep a cache with ${what}`, { code: 'bad-config', what });
}
