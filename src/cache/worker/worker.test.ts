import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { emptyStore, PlainBlocks } from '../../../test/support/plain-blocks.ts';
import { MemoryUfs } from '../../../test/support/memory-ufs.ts';
import { until } from '../../../test/support/wait.ts';
import { createLogger } from '../../base/index.ts';
import {
  createRpcServer,
  dataQuery,
  decodeWorkerReport,
  FRAME_BYTES,
  framedBytes,
  FrameReader,
  openRpcClient,
  RpcError,
  type RpcClient,
  type WorkerAnswer,
  type WorkerReport,
} from '../rpc/index.ts';
import { objectRef, UfsError, type ObjectRef } from '../ufs/index.ts';
import { ensureWorkerId } from './identity.ts';
import { openWorker, type Worker, type WorkerConfig } from './worker.ts';
import { WorkerError } from './errors.ts';

const scratch = mkdtempSync(join(tmpdir(), 'evermount-worker-'));
const tokenFile = join(scratch, 'token');
writeFileSync(tokenFile, 'the-token-of-this-test');
const log = createLogger({ write: () => {} });
const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing) await close();
  rmSync(scratch, { recursive: true });
});

const content = randomBytes(3 * FRAME_BYTES + 1234);
let folders = 0;

interface Rig {
  worker: Worker;
  client: RpcClient;
  blocks: PlainBlocks;
  store: ReturnType<typeof emptyStore>;
  ufs: MemoryUfs;
  object: ObjectRef;
}

async function rig(config: Partial<WorkerConfig> = {}): Promise<Rig> {
  folders += 1;
  const folder = join(scratch, `cache-${folders}`);
  mkdirSync(folder);
  const ufs = new MemoryUfs();
  ufs.put('a', content, { version: 'v' });
  const blocks = new PlainBlocks(ufs);
  const store = emptyStore();
  const worker = await openWorker(
    { listen: '127.0.0.1:0', tokenFile, folder, ...config },
    { source: blocks, store, fetchedBytes: () => blocks.readBytes, log },
  );
  const client = openRpcClient({ address: worker.address, tokenFile }, { log });
  worker.done.catch(() => {});
  closing.push(async () => {
    client.close();
    await worker.close();
  });
  return { worker, client, blocks, store, ufs, object: objectRef(Buffer.from('a'), 'v', content.length) };
}

async function get(client: RpcClient, object: ObjectRef, offset: number, length: number): Promise<Buffer> {
  const got: Buffer[] = [];
  const range = { object, offset, length };
  const frames = new FrameReader('worker', range, (chunk) => got.push(Buffer.from(chunk)));
  await client.bytes({ path: '/v1/data', query: dataQuery(range) }, framedBytes(length), (chunk) => frames.push(chunk));
  return Buffer.concat(got);
}

suite('GET /v1/data', () => {
  test('gives exactly the range that was asked for', async () => {
    const { client, object } = await rig();
    for (const [offset, length] of [
      [0, 1],
      [0, content.length],
      [FRAME_BYTES - 1, 2],
      [content.length - 1, 1],
      [77, 2 * FRAME_BYTES],
    ] as const) {
      assert.ok((await get(client, object, offset, length)).equals(content.subarray(offset, offset + length)));
    }
  });

  test('announces a long range before it reads it, and no short one', async () => {
    const { client, object, blocks } = await rig();
    await get(client, object, 0, FRAME_BYTES);
    assert.deepEqual(blocks.prefetched, []);
    await get(client, object, 10, FRAME_BYTES + 1);
    assert.deepEqual(blocks.prefetched, [{ path: 'a', offset: 10, length: FRAME_BYTES + 1 }]);
  });

  test('what the storage says arrives as it said it', async () => {
    const { client, object, ufs } = await rig();
    ufs.put('a', content, { version: 'w' });
    await assert.rejects(get(client, object, 0, 10), (err) => err instanceof UfsError && err.code === 'changed');
    const none = objectRef(Buffer.from('none'), 'v', 10);
    await assert.rejects(get(client, none, 0, 10), (err) => err instanceof UfsError && err.code === 'not-found');
  });

  test('a range outside of the object is refused before anything is read', async () => {
    const { client, object, ufs } = await rig();
    const bad = (err: unknown): boolean => err instanceof RpcError && err.code === 'bad-request';
    await assert.rejects(get(client, object, content.length, 1), bad);
    assert.equal(ufs.requests.read, 0);
  });

  test('an object is closed when nobody has asked for it in a while, or it is to be evicted', async () => {
    const { client, object, blocks, store } = await rig();
    await get(client, object, 0, 10);
    await get(client, object, 0, 10);
    assert.equal(blocks.openFiles, 1);
    await client.json({ path: '/v1/evict', body: { objects: [object.id] } });
    assert.equal(blocks.openFiles, 0);
    assert.deepEqual(store.evicted, [[object.id]]);
  });

  test('a client that does not read makes the worker read no further', async () => {
    const { worker, ufs, blocks } = await rig();
    const huge = objectRef(Buffer.from('huge'), 'v', 8 * 1024 * 1024);
    ufs.put('huge', Buffer.alloc(huge.sizeBytes), { version: 'v' });
    const query = Object.entries(dataQuery({ object: huge, offset: 0, length: huge.sizeBytes }));
    const path = `/v1/data?${query.map(([name, value]) => `${name}=${value}`).join('&')}`;
    const sockets = Array.from({ length: 4 }, () => {
      const socket = connect(Number(worker.address.split(':')[1]), '127.0.0.1');
      socket.pause();
      socket.on('error', () => {});
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer the-token-of-this-test\r\n\r\n`);
      return socket;
    });
    let before = -1;
    await until('reading to stop', async () => {
      const now = blocks.readBytes;
      const stopped = now > 0 && now === before;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return stopped;
    });
    // What the kernel took into its socket buffers, and two frames for each.
    assert.ok(blocks.readBytes < 4 * huge.sizeBytes, String(blocks.readBytes));
    for (const socket of sockets) socket.destroy();
  });
});

suite('other routes', () => {
  test('prefetch reads every range and says what became of each', async () => {
    const { client, object, blocks } = await rig();
    const none = objectRef(Buffer.from('none'), 'v', 10);
    const ranges = [
      dataQuery({ object, offset: 0, length: content.length }),
      dataQuery({ object: none, offset: 0, length: 10 }),
      dataQuery({ object, offset: 5, length: 10 }),
    ];
    const answer = (await client.json({ path: '/v1/prefetch', body: { ranges } })) as {
      ranges: Record<string, unknown>[];
    };
    assert.deepEqual(
      answer.ranges.map(({ bytes, error }) => bytes ?? (error as { code: string }).code),
      [content.length, 'not-found', 10],
    );
    assert.equal(blocks.readBytes, content.length + 10);
  });

  test('usage and cached bytes are told', async () => {
    const { client, worker, object } = await rig();
    const usage = (await client.json({ path: '/v1/usage' })) as Record<string, unknown>;
    assert.equal(usage['id'], worker.id);
    assert.deepEqual(await client.json({ path: '/v1/cached', body: { objects: [object.id] } }), { bytes: [7] });
    const bad = (err: unknown): boolean => err instanceof RpcError && err.code === 'bad-request';
    await assert.rejects(client.json({ path: '/v1/evict', body: { objects: ['../x'] } }), bad);
  });

  test('metrics count what was served', async () => {
    const { worker, client, object } = await rig({ metricsOpen: true });
    await get(client, object, 0, 1000);
    const answer = await fetch(`http://${worker.address}/metrics`);
    const text = await answer.text();
    assert.match(text, /^evermount_worker_served_bytes_total 1000$/m);
    assert.match(text, /^evermount_worker_used_bytes\{medium="MEM",path="\/cache"\} 40$/m);
  });
});

suite('identity', () => {
  test('stays with the folder', () => {
    const folder = join(scratch, 'identity');
    mkdirSync(folder);
    const id = ensureWorkerId(folder);
    assert.equal(ensureWorkerId(folder), id);
    assert.equal(readFileSync(join(folder, 'worker-id'), 'utf8'), `${id}\n`);
    writeFileSync(join(folder, 'worker-id'), '');
    assert.throws(() => ensureWorkerId(folder), /remove the file/);
  });

  test('the master is told again and again, through its failures, and ends a worker whose id is taken', async () => {
    const reports: WorkerReport[] = [];
    let answer: WorkerAnswer | undefined;
    const master = await createRpcServer(
      { listen: '127.0.0.1:0', tokenFile },
      {
        log,
        routes: {
          'POST /v1/workers': ({ body }) => {
            reports.push(decodeWorkerReport(body));
            if (answer === undefined) throw new Error('not now');
            return { kind: 'json', value: answer };
          },
        },
      },
    );
    closing.push(() => master.close());
    const { worker } = await rig({ master: master.address, heartbeatMs: 10 });
    await until('reports that fail', () => reports.length >= 3);
    answer = { accepted: true, leaseMs: 1000 };
    const failed = reports.length;
    await until('reports', () => reports.length >= failed + 3);
    const { id, instance, address } = worker;
    const counts = { localHitBytes: 0, remoteHitBytes: 0, missBytes: 0 };
    assert.deepEqual(reports.at(-1), { id, instance, address, usedBytes: 40, quotaBytes: 100, counts });
    answer = { accepted: false, heldBy: 'another' };
    await assert.rejects(worker.done, (err) => err instanceof WorkerError && err.code === 'conflict');
  });
});
