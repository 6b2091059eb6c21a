// What /metrics of a mount with its cache on its own machine shows.
import type { Metrics } from '../../base/index.ts';
import type { TierUsage } from '../../cache/blocks/index.ts';
import type { FillStats } from '../../cache/fill/index.ts';
import type { TransferCounts } from '../../cache/rpc/index.ts';
import type { CacheSummary } from './cache-summary.ts';

export interface Described {
  readonly summary: () => CacheSummary;
  readonly stats: () => FillStats;
  readonly total: () => TransferCounts;
}

export function describeCache(it: Metrics, { summary, stats, total }: Described): void {
  it.gauge('evermount_cache_dataset_files', 'Files in the under storage.', () => summary().files);
  it.gauge('evermount_cache_dataset_bytes', 'Bytes in the under storage.', () => summary().bytes);
  const help = 'Bytes that readers got since the mount was made, by where they came from.';
  it.counted('evermount_cache_read_bytes_total', help, () => total().localHitBytes, { from: 'cache' });
  it.counted('evermount_cache_read_bytes_total', help, () => total().missBytes, { from: 'storage' });
  it.counted(
    'evermount_cache_fetched_bytes_total',
    'Bytes this daemon fetched from the under storage, loads and reading ahead included.',
    () => stats().fetchedBytes,
  );
  it.counted('evermount_cache_fetch_errors_total', 'Requests that failed.', () => stats().fetchErrors);
  it.gauge('evermount_cache_in_flight_bytes', 'Bytes asked of the under storage.', () => stats().inFlightBytes);
  it.gauge('evermount_cache_memory_bytes', 'Bytes of blocks in memory.', () => stats().memoryBytes);
  it.counted(
    'evermount_cache_blocks_not_stored_total',
    'Blocks that were served and could not be kept.',
    () => stats().notStoredBlocks,
  );
  const store = (): NonNullable<CacheSummary['store']> =>
    summary().store ?? { tiers: [], segments: 0, evictedBytes: 0, damagedBlocks: 0 };
  it.counted('evermount_cache_evicted_bytes_total', 'Bytes given up to make room.', () => store().evictedBytes);
  it.counted(
    'evermount_cache_damaged_blocks_total',
    'Blocks that did not match their checksum when they were read from disk. None was served.',
    () => store().damagedBlocks,
  );
  for (const { medium, path } of store().tiers) {
    const tier = (): TierUsage | undefined => store().tiers.find((each) => each.path === path);
    const labels = { medium, path };
    it.gauge('evermount_cache_used_bytes', 'Bytes on the tier.', () => tier()?.usedBytes, labels);
    it.gauge('evermount_cache_quota_bytes', 'Bytes the tier may hold.', () => tier()?.quotaBytes, labels);
    it.gauge(
      'evermount_cache_tier_failed',
      '1 while nothing more is written to the tier.',
      () => Number(tier()?.failed !== undefined),
      labels,
    );
  }
}
