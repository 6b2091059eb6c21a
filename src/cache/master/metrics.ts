// What /metrics of a master shows.
import { SECONDS_BUCKETS, type Metrics } from '../../base/index.ts';
import type { RpcHandler, RpcRoutes, TransferCounts } from '../rpc/index.ts';
import type { MasterSummary } from '../rpc/master/index.ts';
import type { ChangeLog } from './change-log.ts';

export interface Described {
  readonly summary: () => MasterSummary;
  readonly total: () => TransferCounts;
  readonly changes: Pick<ChangeLog, 'followers' | 'seq'>;
}

export function describeMaster(it: Metrics, { summary, total, changes }: Described): void {
  it.gauge('evermount_master_dataset_files', 'Files in the under storage.', () => summary().files);
  it.gauge('evermount_master_dataset_bytes', 'Bytes in the under storage.', () => summary().bytes);
  it.gauge('evermount_master_workers', 'Live workers.', () => summary().workers);
  it.gauge('evermount_master_cache_capacity_bytes', 'Quotas of all live workers.', () => summary().capacityBytes);
  it.gauge('evermount_master_cached_bytes', 'Bytes cached by all live workers.', () => summary().cachedBytes);
  it.gauge('evermount_master_followers', 'Followers of the feed that wait for changes.', () => changes.followers);
  it.counted('evermount_master_changes_total', 'Changes told since the start.', () => changes.seq);
  const help = 'Bytes that readers got, by where they came from.';
  it.counted('evermount_master_read_bytes_total', help, () => total().localHitBytes, { from: 'local' });
  it.counted('evermount_master_read_bytes_total', help, () => total().remoteHitBytes, { from: 'worker' });
  it.counted('evermount_master_read_bytes_total', help, () => total().missBytes, { from: 'storage' });
}

/** The same routes, each with a histogram of its own. */
export function timed(routes: RpcRoutes, metrics: Metrics): RpcRoutes {
  const help = 'Time until the answer began.';
  return Object.fromEntries(
    Object.entries(routes).map(([route, handler]): [string, RpcHandler] => {
      const seconds = metrics.histogram('evermount_master_request_seconds', help, SECONDS_BUCKETS, { route });
      return [
        route,
        async (request) => {
          const startMs = performance.now();
          try {
            return await handler(request);
          } finally {
            seconds.observe((performance.now() - startMs) / 1000);
          }
        },
      ];
    }),
  );
}
