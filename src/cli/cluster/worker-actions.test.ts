import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { createLogger } from '../../base/index.ts';
import { PLACEMENT_BYTES, rank, seatOf } from '../../cache/client/index.ts';
import { createRpcServer, encodeError, type RpcServer, type WorkerInfo } from '../../cache/rpc/index.ts';
import { objectRef, UfsError } from '../../cache/ufs/index.ts';
import { openWorkerActions, type OpenWorkerActions } from './worker-actions.ts';

const NEVER = new AbortController().signal;
const MIB = 2 ** 20;
const log = createLogger({ write: () => {} });
const scratch = mkdtempSync(join(tmpdir(), 'evermount-actions-')); // mode 0700: no token is needed
const servers: RpcServer[] = [];
const opened: OpenWorkerActions[] = [];
after(async () => {
  for (const actions of opened) actions.close();
  for (const server of servers) await server.close();
  rmSync(scratch, { recursive: true });
});

interface Asked {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** Workers that note what they are asked to fetch, and fail with the given error if there is one. */
async function world(count: number): Promise<{
  infos: WorkerInfo[];
  asked: Asked[][];
  actions: OpenWorkerActions;
  failure: { error: UfsError | undefined };
}> {
  const asked: Asked[][] = Array.from({ length: count }, () => []);
  const failure: { error: UfsError | undefined } = { error: undefined };
  const infos: WorkerInfo[] = [];
  for (const [at, mine] of asked.entries()) {
    const listen = join(scratch, `worker-${servers.length}`);
    const routes = {
      'POST /v1/prefetch': ({ body }: { body: unknown }) => {
        const { ranges } = body as { ranges: Asked[] };
        mine.push(...ranges);
        const { error } = failure;
        const told = ranges.map((range) =>
          error === undefined ? { bytes: range.length } : { error: encodeError(error).body },
        );
        return { kind: 'json', value: { ranges: told } } as const;
      },
      'POST /v1/evict': () => ({ kind: 'json', value: { freedBytes: 10 + at } }) as const,
    };
    servers.push(await createRpcServer({ listen }, { routes, log }));
    infos.push({ id: `id-${at}`, address: listen, usedBytes: 0, quotaBytes: 0 });
  }
  const actions = openWorkerActions({ log, token: undefined });
  opened.push(actions);
  return { infos, asked, actions, failure };
}

test('every byte is fetched once by each of the workers that clients will ask for it', async () => {
  const { infos, asked, actions } = await world(3);
  const object = objectRef(Buffer.from('a/b'), 'v', 2 * PLACEMENT_BYTES + 12_345);
  await actions.prefetchWhole(infos, object, 2, NEVER);
  const seats = infos.map(({ id }) => seatOf(id));
  for (const [at, ranges] of asked.entries()) {
    const owned = [0, 1, 2].filter((piece) => rank(seats, object.id, piece, 2).some(({ id }) => id === infos[at]?.id));
    const bytes = owned.reduce(
      (sum, piece) => sum + Math.min(PLACEMENT_BYTES, object.sizeBytes - piece * PLACEMENT_BYTES),
      0,
    );
    assert.equal(
      ranges.reduce((sum, it) => sum + it.length, 0),
      bytes,
    );
    assert.ok(ranges.every((it) => it.length <= 8 * MIB && owned.includes(Math.floor(it.offset / PLACEMENT_BYTES))));
    assert.equal(new Set(ranges.map((it) => it.offset)).size, ranges.length);
  }
});

test('an empty object needs nobody', async () => {
  const { infos, asked, actions } = await world(1);
  await actions.prefetchWhole(infos, objectRef(Buffer.from('a'), 'v', 0), 1, NEVER);
  assert.deepEqual(asked, [[]]);
});

test('what a worker says went wrong with a range is thrown as it was', async () => {
  const { infos, actions, failure } = await world(1);
  failure.error = new UfsError('Cannot read it', { code: 'changed', path: 'a', version: 'v' });
  const object = objectRef(Buffer.from('a'), 'v', 5);
  await assert.rejects(actions.prefetchWhole(infos, object, 1, NEVER), { code: 'changed' });
});

test('a worker that is gone makes it unavailable, not final', async () => {
  const { infos, actions } = await world(1);
  const gone = infos.map((info) => ({ ...info, address: join(scratch, 'nobody') }));
  await assert.rejects(actions.prefetchWhole(gone, objectRef(Buffer.from('a'), 'v', 5), 1, NEVER), {
    code: 'unavailable',
  });
});

test('all workers forget, and what that freed is added up', async () => {
  const { infos, actions } = await world(3);
  assert.equal(await actions.evict(infos, undefined, NEVER), 33);
});
