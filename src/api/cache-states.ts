// The cache of a Dataset in the numbers its status and its columns show.
import { CALCULATING, formatPercentage, formatSize } from './sizes.ts';

export interface CacheNumbers {
  readonly cachedBytes: number;
  readonly capacityBytes: number;
  /** Of all data in the storages. Absent until it is known. */
  readonly totalBytes?: number;
  /** Absent where nobody counts them. */
  readonly reads?: { readonly hits: number; readonly misses: number };
}

/** `cacheStates` of a Dataset and of its runtime. Of what is not known there is no field, and the column is empty. */
export function cacheStates({ cachedBytes, capacityBytes, totalBytes, reads }: CacheNumbers): Record<string, string> {
  return {
    cached: formatSize(cachedBytes),
    cacheCapacity: formatSize(capacityBytes),
    ...(totalBytes === undefined ? {} : { cachedPercentage: formatPercentage(cachedBytes, totalBytes) }),
    ...(reads === undefined ? {} : { cacheHitRatio: formatPercentage(reads.hits, reads.hits + reads.misses) }),
  };
}

/** `ufsTotal` of a Dataset. */
export function ufsTotal(totalBytes: number | undefined): string {
  return totalBytes === undefined ? CALCULATING : formatSize(totalBytes);
}

/** `fileNum` of a Dataset. */
export function fileNumber(files: number | undefined): string {
  return files === undefined ? CALCULATING : String(files);
}
