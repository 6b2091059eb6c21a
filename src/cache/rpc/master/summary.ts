// What `GET /v1/summary` answers: figures of the whole dataset. What is not known (yet) is left out.
import { isRecord } from '../error-codec.ts';
import { badRequest } from '../errors.ts';

export interface MasterSummary {
  readonly epoch: string;
  /** Of the under storage; undefined while they are being counted. */
  readonly files: number | undefined;
  readonly bytes: number | undefined;
  readonly workers: number;
  /** Quotas and use of all live workers. */
  readonly capacityBytes: number;
  readonly cachedBytes: number;
  /** Shares of all bytes read so far, 0 to 1; undefined while nothing was read. */
  readonly cacheHitRatio: number | undefined;
  readonly localHitRatio: number | undefined;
  readonly remoteHitRatio: number | undefined;
}

/** Throws RpcError 'bad-request'. */
export function decodeSummary(value: unknown): MasterSummary {
  if (!isRecord(value) || typeof value['epoch'] !== 'string') throw badRequest('a summary is expected');
  return {
    epoch: value['epoch'],
    files: figure(value, 'files'),
    bytes: figure(value, 'bytes'),
    workers: figure(value, 'workers') ?? 0,
    capacityBytes: figure(value, 'capacityBytes') ?? 0,
    cachedBytes: figure(value, 'cachedBytes') ?? 0,
    cacheHitRatio: figure(value, 'cacheHitRatio'),
    localHitRatio: figure(value, 'localHitRatio'),
    remoteHitRatio: figure(value, 'remoteHitRatio'),
  };
}

/** A number that may be left out. Throws RpcError 'bad-request'. */
export function figure(from: Record<string, unknown>, name: string): number | undefined {
  const value = from[name];
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
  throw badRequest(`"${name}" must be a number`);
}
