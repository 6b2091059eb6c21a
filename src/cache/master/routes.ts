// What the master answers, as one table. Names that are known are answered without the storage; errors are UfsError of the
// storage, or RpcError.
//
//     POST /v1/lookup       {path}                       → {entry: record | null}
//     POST /v1/list         {path, after?}               → lines of records, in the order of their names
//     GET  /v1/changes      ?epoch&since&waitMs          → FeedAnswer, when there is something to tell
//     POST /v1/workers      WorkerReport                 → WorkerAnswer
//     GET  /v1/workers                                   → WorkerInfo[]
//     POST /v1/clients      ClientReport                 → {}
//     GET  /v1/summary                                   → MasterSummary
// and those of cache-routes.ts.
//
// Paths and records are base64url.
import { UfsError } from '../ufs/index.ts';
import {
  badRequest,
  decodeBytes,
  decodeClientReport,
  decodeWorkerReport,
  encodeBytes,
  type RpcRoutes,
} from '../rpc/index.ts';
import { encodeFeedAnswer, EntryWriter, FEED_WAIT_MS_MAX, type MasterSummary } from '../rpc/master/index.ts';
import type { Accounting } from './accounting.ts';
import { bounded, cacheRoutes, fieldsOf, json, pathIn, type CacheRoutesDeps } from './cache-routes.ts';
import type { ChangeLog } from './change-log.ts';
import { listingOf } from './listing.ts';
import type { Members } from './members.ts';
import { findEntry, findFolder } from './resolve.ts';

export interface RoutesDeps extends CacheRoutesDeps {
  readonly changes: ChangeLog;
  readonly members: Members;
  readonly accounting: Accounting;
  readonly summary: () => MasterSummary;
}

export function masterRoutes(deps: RoutesDeps): RpcRoutes {
  const { names, changes, members, accounting } = deps;
  const writer = new EntryWriter(0);
  return {
    'POST /v1/lookup': async ({ body }) => {
      const path = pathIn(body);
      const entry = await findEntry(names, path);
      if (entry === undefined) return json({ entry: null });
      writer.put(path.subarray(path.lastIndexOf('/') + 1), entry);
      return json({ entry: encodeBytes(writer.take()) });
    },
    'POST /v1/list': async ({ body, signal }) => {
      const path = pathIn(body);
      const { after } = fieldsOf(body);
      const folder = await findFolder(names, path);
      if (folder === undefined) throw notFound(path);
      return {
        kind: 'lines',
        values: listingOf(names, folder, after === undefined ? after : decodeBytes(after), signal),
      };
    },
    'GET /v1/changes': async ({ query, signal }) => {
      const place = { epoch: query.get('epoch') ?? '', seq: numberIn(query, 'since') };
      const waitMs = Math.min(numberIn(query, 'waitMs'), FEED_WAIT_MS_MAX);
      return json(encodeFeedAnswer(await changes.after(place, waitMs, signal)));
    },
    'POST /v1/workers': bounded(({ body }) => {
      const report = decodeWorkerReport(body);
      const answer = members.heard(report);
      if (answer.accepted) accounting.told(report.instance, report.counts);
      return json(answer);
    }),
    'GET /v1/workers': () => json(members.list()),
    'POST /v1/clients': ({ body }) => {
      const { instance, counts } = decodeClientReport(body);
      accounting.told(instance, counts);
      return json({});
    },
    'GET /v1/summary': () => json(deps.summary()),
    ...cacheRoutes(deps),
  };
}

function numberIn(query: URLSearchParams, name: string): number {
  const value = Number(query.get(name) ?? 0);
  if (!Number.isSafeInteger(value) || value < 0) throw badRequest(`"${name}" must be a whole number`);
  return value;
}

function notFound(path: Buffer): UfsError {
  const text = path.toString();
  return new UfsError(`Cannot list "${text}": there is no such folder`, { code: 'not-found', path: text });
}
