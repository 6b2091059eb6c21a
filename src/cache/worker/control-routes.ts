// What else a worker does when it is told to: fetch ranges into its cache, let go of objects, say what it holds.
//
//     POST /v1/prefetch  {ranges: [{path, version, size, offset, length}]}  → {ranges: [{bytes} or {error}]}, when it is done
//     POST /v1/cached    {objects: [id]}                                    → {bytes: [number]}
//     POST /v1/evict     {objects: [id]}, or {} for all                     → {freedBytes}
//     GET  /v1/usage                                                        → {id, instance, usage}
import type { BlockStore } from '../blocks/index.ts';
import {
  badRequest,
  decodeDataQuery,
  encodeError,
  FRAME_BYTES,
  isRecord,
  type DataRange,
  type RpcRoutes,
} from '../rpc/index.ts';
import type { Frames } from './frames.ts';
import type { OpenFiles } from './open-files.ts';

export interface ControlDeps {
  readonly files: OpenFiles;
  readonly frames: Frames;
  readonly store: Pick<BlockStore, 'evict' | 'usage' | 'cachedBytes'>;
  readonly id: string;
  readonly instance: string;
}

const RANGES_MAX = 64;
const OBJECTS_MAX = 10_000;
const OBJECT_ID = /^[0-9a-f]{24}$/;

export function controlRoutes(deps: ControlDeps): RpcRoutes {
  return {
    'POST /v1/prefetch': async ({ body, signal }) => {
      const ranges: object[] = [];
      for (const range of decodeRanges(body)) {
        try {
          await readThrough(range, signal, deps);
          ranges.push({ bytes: range.length });
        } catch (err) {
          signal.throwIfAborted();
          ranges.push({ error: encodeError(err).body }); // One that fails is no reason to leave out the others.
        }
      }
      return { kind: 'json', value: { ranges } };
    },
    'POST /v1/cached': ({ body }) => {
      const objects = decodeObjects(body) ?? [];
      return { kind: 'json', value: { bytes: objects.map((id) => deps.store.cachedBytes(id)) } };
    },
    'POST /v1/evict': async ({ body }) => {
      const objects = decodeObjects(body);
      deps.files.release(objects);
      return { kind: 'json', value: { freedBytes: await deps.store.evict(objects) } };
    },
    'GET /v1/usage': () => ({
      kind: 'json',
      value: { id: deps.id, instance: deps.instance, usage: deps.store.usage() },
    }),
  };
}

/** Reads the range and forgets what it read: the cache has kept it. */
async function readThrough(
  { object, offset, length }: DataRange,
  signal: AbortSignal,
  deps: ControlDeps,
): Promise<void> {
  const file = deps.files.take(object);
  const scratch = deps.frames.take(Math.min(length, FRAME_BYTES));
  try {
    file.prefetch(offset, length);
    for (let at = 0; at < length; at += scratch.length) {
      signal.throwIfAborted();
      await file.read(offset + at, scratch.subarray(0, length - at));
    }
    deps.frames.give(scratch);
  } finally {
    deps.files.give(object);
  }
}

function decodeRanges(body: unknown): DataRange[] {
  const ranges = isRecord(body) ? body['ranges'] : undefined;
  if (!Array.isArray(ranges) || ranges.length > RANGES_MAX)
    throw badRequest(`ranges must be a list of at most ${RANGES_MAX}`);
  return ranges.map((range: unknown) => {
    if (!isRecord(range)) throw badRequest('a range is none');
    return decodeDataQuery(
      new URLSearchParams(Object.entries(range).map(([name, value]): [string, string] => [name, String(value)])),
    );
  });
}

/** Undefined: all. */
function decodeObjects(body: unknown): string[] | undefined {
  const objects = isRecord(body) ? body['objects'] : undefined;
  if (objects === undefined) return undefined;
  if (!Array.isArray(objects) || objects.length > OBJECTS_MAX) {
    throw badRequest(`objects must be a list of at most ${OBJECTS_MAX}`);
  }
  return objects.map((id: unknown) => {
    if (typeof id !== 'string' || !OBJECT_ID.test(id)) throw badRequest('an object is named by its id');
    return id;
  });
}
