// The routes that warm and empty a cache, the same for a master and for a mount that has its cache on its own machine.
//
//     POST /v1/refresh      {path, deep}                 → {}: the storage was asked anew
//     POST /v1/load         LoadSpec                     → LoadStatus
//     GET  /v1/load         ?id, or none for all         → LoadStatus, or a list of them
//     POST /v1/load/cancel  {id}                         → LoadStatus
//     POST /v1/evict        {path}                       → {freedBytes}
//
// Paths are base64url.
import {
  badRequest,
  decodeBytes,
  isRecord,
  RpcError,
  type RpcAnswer,
  type RpcHandler,
  type RpcRoutes,
} from '../rpc/index.ts';
import { decodeLoadSpec, encodeLoadStatus, type LoadStatus } from '../rpc/master/index.ts';
import { MasterError } from './errors.ts';
import { refreshPath } from './load-job.ts';
import type { LoadJobs } from './load-jobs.ts';
import type { Names } from './names.ts';

export interface CacheRoutesDeps {
  readonly names: Names;
  readonly loads: LoadJobs;
  /** Forgets what is cached of the file, or of all files below the folder. Returns bytes freed. */
  readonly evict: (path: Buffer, signal: AbortSignal) => Promise<number>;
}

export function cacheRoutes({ names, loads, evict }: CacheRoutesDeps): RpcRoutes {
  return {
    'POST /v1/refresh': async ({ body, signal }) => {
      await refreshPath(names, pathIn(body), fieldsOf(body)['deep'] === true, signal);
      return json({});
    },
    'POST /v1/load': bounded(({ body }) => json(encodeLoadStatus(loads.start(decodeLoadSpec(body))))),
    'GET /v1/load': ({ query }) => {
      const id = query.get('id');
      return json(id === null ? loads.list().map(encodeLoadStatus) : jobOf(id, loads.status(id)));
    },
    'POST /v1/load/cancel': ({ body }) => {
      const { id } = fieldsOf(body);
      if (typeof id !== 'string') throw badRequest('"id" is missing');
      return json(jobOf(id, loads.cancel(id)));
    },
    'POST /v1/evict': async ({ body, signal }) => json({ freedBytes: await evict(pathIn(body), signal) }),
  };
}

export function json(value: unknown): RpcAnswer {
  return { kind: 'json', value };
}

/** What is refused because there is too much of it is 'busy' to the caller. */
export function bounded(handler: (request: Parameters<RpcHandler>[0]) => RpcAnswer): RpcHandler {
  return (request) => {
    try {
      return handler(request);
    } catch (err) {
      if (!(err instanceof MasterError) || err.code !== 'too-many') throw err;
      throw new RpcError(err.message, { code: 'busy', why: err.message }, { cause: err });
    }
  };
}

export function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(body)) throw badRequest('the body is no object');
  return body;
}

export function pathIn(body: unknown): Buffer {
  return decodeBytes(fieldsOf(body)['path']);
}

function jobOf(id: string, status: LoadStatus | undefined): unknown {
  if (status === undefined) throw badRequest(`there is no load job "${id}"`);
  return encodeLoadStatus(status);
}
