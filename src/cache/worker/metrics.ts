// What a worker tells Prometheus.
import type { Metrics } from '../../base/index.ts';
import type { BlockStore, TierUsage } from '../blocks/index.ts';

export interface WorkerCounts {
  served(sizeBytes: number): void;
  servedBytes(): number;
}

export function describeWorker(
  metrics: Metrics,
  deps: { readonly store: Pick<BlockStore, 'usage'>; readonly fetchedBytes: () => number },
): WorkerCounts {
  let servedBytes = 0;
  const usage = (): ReturnType<BlockStore['usage']> => deps.store.usage();
  metrics.counted('evermount_worker_served_bytes_total', 'Bytes sent to clients.', () => servedBytes);
  metrics.counted(
    'evermount_worker_fetched_bytes_total',
    'Bytes fetched from the under storage because they were not cached.',
    deps.fetchedBytes,
  );
  metrics.counted('evermount_worker_evicted_bytes_total', 'Bytes given up to make room.', () => usage().evictedBytes);
  metrics.counted(
    'evermount_worker_damaged_blocks_total',
    'Blocks that did not match their checksum when they were read from disk. None was served.',
    () => usage().damagedBlocks,
  );
  metrics.gauge('evermount_worker_segments', 'Segments of objects on disk.', () => usage().segments);
  for (const { medium, path } of usage().tiers) {
    const tier = (): TierUsage | undefined => usage().tiers.find((it) => it.path === path);
    const labels = { medium, path };
    metrics.gauge('evermount_worker_used_bytes', 'Bytes on the tier.', () => tier()?.usedBytes, labels);
    metrics.gauge('evermount_worker_quota_bytes', 'Bytes the tier may hold.', () => tier()?.quotaBytes, labels);
    metrics.gauge(
      'evermount_worker_tier_failed',
      '1 while nothing more is written to the tier.',
      () => Number(tier()?.failed !== undefined),
      labels,
    );
  }
  return {
    served: (sizeBytes) => void (servedBytes += sizeBytes),
    servedBytes: () => servedBytes,
  };
}
