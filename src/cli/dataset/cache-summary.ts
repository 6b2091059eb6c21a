// What is cached of a dataset, as `GET /v1/summary` tells it: of a mount with its cache on its own machine, or of a master,
// which knows less of the disks. What is not known (yet) is left out.
import { badRequest, isRecord } from '../../cache/rpc/index.ts';
import type { StoreUsage, TierUsage } from '../../cache/blocks/index.ts';
import { decodeSummary, figure, type MasterSummary } from '../../cache/rpc/master/index.ts';

export interface CacheSummary extends MasterSummary {
  readonly cacheFolder?: string;
  /** Since the mount was made; of a master not known. */
  readonly readBytes?: number;
  readonly store?: StoreUsage;
  /** Of the process that answers. */
  readonly fetch?: FetchSummary;
}

export interface FetchSummary {
  readonly pid: number;
  readonly fetchedBytes: number;
  readonly inFlightBytes: number;
  readonly errors: number;
}

/** Throws RpcError 'bad-request'. */
export function decodeCacheSummary(value: unknown): CacheSummary {
  const summary = decodeSummary(value);
  const { cacheFolder, store, fetch, readBytes } = value as Record<string, unknown>;
  return {
    ...summary,
    ...given('cacheFolder', typeof cacheFolder === 'string' ? cacheFolder : undefined),
    ...given('readBytes', figure({ readBytes }, 'readBytes')),
    ...given('store', isRecord(store) ? decodeStore(store) : undefined),
    ...given('fetch', isRecord(fetch) ? decodeFetch(fetch) : undefined),
  };
}

function decodeStore(value: Record<string, unknown>): StoreUsage {
  const { tiers } = value;
  if (!Array.isArray(tiers)) throw badRequest('"tiers" must be a list');
  return {
    tiers: tiers.map(decodeTier),
    segments: figure(value, 'segments') ?? 0,
    evictedBytes: figure(value, 'evictedBytes') ?? 0,
    damagedBlocks: figure(value, 'damagedBlocks') ?? 0,
  };
}

function decodeTier(value: unknown): TierUsage {
  if (!isRecord(value)) throw badRequest('a tier is expected');
  const { path, failed } = value;
  const medium = (['MEM', 'SSD', 'HDD'] as const).find((it) => it === value['medium']);
  if (medium === undefined || typeof path !== 'string') throw badRequest('a tier without medium or path');
  return {
    medium,
    path,
    quotaBytes: figure(value, 'quotaBytes') ?? 0,
    usedBytes: figure(value, 'usedBytes') ?? 0,
    failed: typeof failed === 'string' ? failed : undefined,
  };
}

function decodeFetch(value: Record<string, unknown>): FetchSummary {
  return {
    pid: figure(value, 'pid') ?? 0,
    fetchedBytes: figure(value, 'fetchedBytes') ?? 0,
    inFlightBytes: figure(value, 'inFlightBytes') ?? 0,
    errors: figure(value, 'errors') ?? 0,
  };
}

function given<K extends string, V>(name: K, value: V | undefined): { [N in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [N in K]?: V });
}
