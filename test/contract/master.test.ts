// The master and what asks it, over a real socket.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openTestNamespace } from '../support/scratch-namespace.ts';
import { MemoryUfs } from '../support/memory-ufs.ts';
import { until } from '../support/wait.ts';
import { createLogger } from '../../src/base/index.ts';
import { Changes, distrustNames, MasterLink, MasterUfs } from '../../src/cache/client/master/index.ts';
import type { OpenNamespace } from '../../src/cache/namespace/index.ts';
import { openMaster, type Master, type WorkerActions } from '../../src/cache/master/index.ts';
import { openRpcClient, type RpcClient } from '../../src/cache/rpc/index.ts';
import { decodeLoadStatus, decodeSummary, encodeLoadSpec, type NameChange } from '../../src/cache/rpc/master/index.ts';
import { UfsError, type ObjectRef, type Ufs, type UfsEntry } from '../../src/cache/ufs/index.ts';

const log = createLogger({ write: () => {} });
const MOUNT = { mountPoint: 's3://b/', path: '/', options: {}, secretFiles: {} };

interface World {
  readonly folder: string;
  readonly storage: MemoryUfs;
  readonly prefetched: ObjectRef[];
  readonly evicted: (readonly string[] | undefined)[];
  /** Of the master that runs. */
  names: OpenNamespace | undefined;
  master: Master | undefined;
  start(): Promise<Master>;
  rpc(): RpcClient;
  /** Runs before the master is closed. */
  atEnd(end: () => unknown): void;
  ufs(more?: { patienceMs?: number; isKnown?: () => boolean }): MasterUfs;
}

async function world(t: TestContext): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'evermount-master-'));
  chmodSync(folder, 0o700);
  const storage = new MemoryUfs({ pageEntries: 100 });
  const ends: (() => unknown)[] = [];
  const listen = join(folder, 'socket');
  const it: World = {
    folder,
    storage,
    prefetched: [],
    evicted: [],
    names: undefined,
    master: undefined,
    start: async () => {
      const workers: WorkerActions = {
        prefetchWhole: async (_workers, object) => void it.prefetched.push(object),
        evict: async (_workers, objects) => {
          it.evicted.push(objects);
          return 7;
        },
      };
      const metaDir = join(folder, 'meta');
      const openNamespace = async (ufs: Ufs): Promise<OpenNamespace> =>
        (it.names = await openTestNamespace(metaDir, ufs));
      const config = { metaDir, listen, mounts: [MOUNT] };
      it.master = await openMaster(config, { log, workers, openNamespace, openUfs: async (): Promise<Ufs> => storage });
      return it.master;
    },
    rpc: () => {
      const rpc = openRpcClient({ address: listen }, { log });
      ends.push(() => rpc.close());
      return rpc;
    },
    atEnd: (end) => void ends.push(end),
    ufs: ({ patienceMs = 20_000, isKnown = () => false } = {}) => {
      const link = new MasterLink({ patienceMs, shortPatienceMs: 0, probeMs: 5 }, { rpc: it.rpc(), log });
      ends.push(() => link.close());
      return new MasterUfs({ identity: 'test' }, { link, isKnown });
    },
  };
  t.after(async () => {
    for (const end of ends) await end();
    await it.master?.close();
    rmSync(folder, { recursive: true });
  });
  await it.start();
  return it;
}

async function listed(ufs: Ufs, folder = ''): Promise<UfsEntry[]> {
  const entries: UfsEntry[] = [];
  for await (const page of ufs.list(Buffer.from(folder))) entries.push(...page.entries);
  return entries;
}

const namesOf = (entries: readonly UfsEntry[]): string[] => entries.map((it) => it.name.toString('latin1'));

function away(): UfsError {
  return new UfsError('Cannot reach the storage', { code: 'unavailable', path: '', why: 'test' });
}

test('a client sees what the storage has, with the numbers of the master', async (t) => {
  const it = await world(t);
  it.storage.put('d/a', 5);
  it.storage.put('d/\xff\xfe', 6);
  const ufs = it.ufs();
  const [a, odd] = await listed(ufs, 'd');
  assert.deepEqual(namesOf([a!, odd!]), ['a', '\xff\xfe']);
  assert.equal((await ufs.stat(Buffer.from('d/\xff\xfe', 'latin1')))?.sizeBytes, 6);
  assert.deepEqual(await ufs.stat(Buffer.from('d/a')), a);
  const d = await ufs.stat(Buffer.from('d'));
  assert.equal(d?.kind, 'folder');
  assert.equal(new Set([1, d.ino, a?.ino, odd?.ino]).size, 4);
  assert.equal((await ufs.stat(Buffer.alloc(0)))?.ino, 1);
  assert.equal(await ufs.stat(Buffer.from('d/none')), undefined);
  assert.equal(await ufs.stat(Buffer.from('none/at/all')), undefined);
  await assert.rejects(listed(ufs, 'none'), { code: 'not-found' });
});

test('a folder of many pages arrives whole and in order', async (t) => {
  const it = await world(t);
  for (let at = 0; at < 5000; at++) it.storage.put(`f${String(at).padStart(5, '0')}`, at);
  const entries = await listed(it.ufs());
  assert.deepEqual(namesOf(entries), it.storage.keys());
  assert.deepEqual(
    entries.map((entry) => entry.sizeBytes),
    Array.from({ length: 5000 }, (_, at) => at),
  );
});

test('a listing that the master dies in goes on after the last name it gave', async (t) => {
  const it = await world(t);
  for (let at = 0; at < 20_000; at++) it.storage.put(`f${String(at).padStart(5, '0')}`, at);
  const got: UfsEntry[] = [];
  let pages = 0;
  for await (const page of it.ufs().list(Buffer.alloc(0))) {
    got.push(...page.entries);
    pages += 1;
    if (pages % 10 !== 1) continue;
    await it.master?.close();
    await it.start();
  }
  assert.ok(pages > 10);
  assert.deepEqual(namesOf(got), it.storage.keys());
});

test('a walk names everything below, folders before what is in them', async (t) => {
  const it = await world(t);
  for (const path of ['x/a', 'x/b/c/d', 'x/b/e', 'y']) it.storage.put(path, 1);
  const walked: string[] = [];
  for await (const page of it.ufs().walk(Buffer.from('x'))) {
    for (const { path } of page.entries) walked.push(path.toString());
  }
  assert.deepEqual(walked, ['a', 'b', 'b/c', 'b/e', 'b/c/d']);
});

test('what the storage says is wrong reaches the client as it was', async (t) => {
  const it = await world(t);
  it.storage.before = () => {
    throw new UfsError('Cannot enter', { code: 'denied', path: 'a', why: 'no right' });
  };
  await assert.rejects(it.ufs().stat(Buffer.from('a')), { code: 'denied', message: 'Cannot enter' });
});

test('names that are known are told while the storage is away', async (t) => {
  const it = await world(t);
  it.storage.put('d/a', 1);
  const ufs = it.ufs();
  await listed(ufs);
  await listed(ufs, 'd');
  it.names?.invalidate('all');
  it.storage.before = () => {
    throw away();
  };
  assert.deepEqual(namesOf(await listed(ufs, 'd')), ['a']);
  assert.equal((await ufs.stat(Buffer.from('d/a')))?.sizeBytes, 1);
});

test('a call waits for a master that is away, and goes on when it is back', async (t) => {
  const it = await world(t);
  it.storage.put('a', 1);
  await it.master?.close();
  const stat = it.ufs().stat(Buffer.from('a'));
  await it.start();
  assert.equal((await stat)?.sizeBytes, 1);
});

test('a call ends at its deadline when the master stays away', async (t) => {
  const it = await world(t);
  await it.master?.close();
  it.master = undefined;
  await assert.rejects(it.ufs({ patienceMs: 30 }).stat(Buffer.from('a')), { code: 'unavailable' });
});

test('a call that the master does not answer ends too, though it answers others', async (t) => {
  const it = await world(t);
  const silence = Promise.withResolvers<undefined>();
  it.atEnd(() => silence.resolve(undefined));
  it.storage.before = () => silence.promise;
  const link = new MasterLink({ patienceMs: 50, answerMs: 20, probeMs: 5 }, { rpc: it.rpc(), log });
  const stat = new MasterUfs({ identity: 'test' }, { link }).stat(Buffer.from('a'));
  await assert.rejects(stat, { code: 'unavailable' });
  link.close();
});

test('a call about what is known does not wait for a master that is known to be away', async (t) => {
  const it = await world(t);
  await it.master?.close();
  it.master = undefined;
  const ufs = it.ufs({ patienceMs: 3_600_000, isKnown: () => true });
  await assert.rejects(ufs.stat(Buffer.from('a')), { code: 'unavailable' });
});

interface Client {
  readonly names: OpenNamespace;
  readonly told: (readonly NameChange[] | 'resync')[];
  readonly changes: Changes;
  workers: readonly { id: string }[] | undefined;
}

async function client(it: World, own = 'client'): Promise<Client> {
  const names = await openTestNamespace(join(it.folder, own), it.ufs());
  it.atEnd(() => names.close());
  const self: Client = {
    names,
    told: [],
    workers: undefined,
    changes: new Changes(
      { placeFile: join(it.folder, 'place'), retryMs: 5 },
      {
        rpc: it.rpc(),
        log,
        onNames: (changes) => {
          self.told.push(changes);
          distrustNames(names, changes);
        },
        onWorkers: (workers) => (self.workers = workers),
      },
    ),
  };
  it.atEnd(() => self.changes.close());
  self.changes.follow();
  return self;
}

test('a change that the master finds reaches a client that trusts what it knows', async (t) => {
  const it = await world(t);
  it.storage.put('d/a', 1);
  const self = await client(it);
  await until('the client follows', () => self.changes.health().following);
  const d = await self.names.lookup(1, Buffer.from('d'));
  await self.names.list(d!.ino, 0, () => true);
  it.storage.put('d/a', 2);
  it.storage.put('d/b', 3);
  assert.equal((await self.names.lookup(d!.ino, Buffer.from('a')))?.sizeBytes, 1, 'nobody asked the storage');
  self.told.length = 0;
  await it.ufs().refresh(Buffer.from('d'), false);
  await until('the changes arrive', () =>
    self.told.flat().some((change) => change !== 'resync' && change.path.equals(Buffer.from('d/b'))),
  );
  assert.equal((await self.names.lookup(d!.ino, Buffer.from('a')))?.sizeBytes, 2);
  assert.equal((await self.names.lookup(d!.ino, Buffer.from('b')))?.sizeBytes, 3);
});

test('a client resyncs when the master was restarted, and knows its workers', async (t) => {
  const it = await world(t);
  const self = await client(it);
  const counts = { localHitBytes: 0, remoteHitBytes: 6, missBytes: 2 };
  const report = { id: 'w', instance: 'i', address: 'w:1', usedBytes: 1, quotaBytes: 2, counts };
  await it.rpc().json({ path: '/v1/workers', body: report });
  await until('the worker is told', () => self.workers?.[0]?.id === 'w');
  const { resyncs } = self.changes.health();
  await it.master?.close();
  self.workers = undefined;
  it.storage.put('new', 1);
  await it.start();
  await until('the client resyncs', () => self.changes.health().resyncs > resyncs);
  assert.equal((self.workers as Client['workers'])?.[0]?.id, 'w', 'the new master knows the worker at once');
});

test('a client daemon that takes over goes on where the one before it was', async (t) => {
  const it = await world(t);
  it.storage.put('a', 1);
  const before = await client(it);
  await until('the first one follows', () => before.changes.health().following);
  await before.changes.close();
  await it.ufs().stat(Buffer.from('a'));
  it.storage.put('a', 2);
  await it.ufs().refresh(Buffer.from('a'), false);
  const after = await client(it, 'client-2');
  await until('the successor is told', () => after.told.length > 0);
  assert.ok(!after.told.includes('resync'));
  assert.ok(after.workers !== undefined, 'it was told the workers, though they did not change');
});

test('an old version that the master was restored with is healed by a refresh', async (t) => {
  const it = await world(t);
  it.storage.put('a', 1, { version: 'old' });
  const ufs = it.ufs();
  await ufs.stat(Buffer.from('a'));
  it.storage.put('a', 2, { version: 'new' }); // the copy that was restored does not know
  const stale = await ufs.stat(Buffer.from('a'));
  assert.equal(stale?.version, 'old');
  const read = it.storage.read(Buffer.from('a'), 'old', 0, 1, () => {});
  await assert.rejects(read, { code: 'changed' });
  await ufs.refresh(Buffer.from('a'), false);
  assert.equal((await ufs.stat(Buffer.from('a')))?.version, 'new');
});

test('a path that a reader distrusts is asked of the storage before any answer on it', async (t) => {
  const it = await world(t);
  it.storage.put('d/a', 1, { version: 'old' });
  it.storage.put('d/b', 1, { version: 'old' });
  const ufs = it.ufs();
  await listed(ufs, 'd');
  for (const name of ['a', 'b']) it.storage.put(`d/${name}`, 2, { version: 'new' });
  assert.equal((await ufs.stat(Buffer.from('d/a')))?.version, 'old', 'the master trusts what it knows');
  ufs.distrust(Buffer.from('d/a'));
  assert.equal((await ufs.stat(Buffer.from('d/a')))?.version, 'new');
  ufs.distrust(Buffer.from('d/b'));
  assert.deepEqual(
    (await listed(ufs, 'd')).map(({ version }) => version),
    ['new', 'new'],
  );
});

test('the metrics tell of workers and of the routes that were used', async (t) => {
  const it = await world(t);
  await it.ufs().stat(Buffer.from('a'));
  const text = await new Promise<string>((resolve, reject) => {
    get({ socketPath: it.master?.address, path: '/metrics' }, (answer) => {
      let got = '';
      answer.on('data', (chunk: Buffer) => (got += chunk.toString()));
      answer.on('end', () => resolve(got));
    }).on('error', reject);
  });
  assert.match(text, /^evermount_master_workers 0$/m);
  assert.match(text, /^evermount_master_request_seconds_count\{route="POST \/v1\/lookup"\} 1$/m);
  assert.doesNotMatch(text, /evermount_master_dataset_files \d/, 'they are not counted yet');
});

test('a load job has workers fetch every file, and tells how far it is', async (t) => {
  const it = await world(t);
  for (let at = 0; at < 20; at++) it.storage.put(`d/f${at}`, 10);
  const rpc = it.rpc();
  const counts = { localHitBytes: 0, remoteHitBytes: 6, missBytes: 2 };
  const report = { id: 'w', instance: 'i', address: 'w:1', usedBytes: 1, quotaBytes: 2, counts };
  await rpc.json({ path: '/v1/workers', body: report });
  const body = encodeLoadSpec({ paths: [Buffer.from('d')], refresh: true, replicas: 1 });
  const { id } = decodeLoadStatus(await rpc.json({ path: '/v1/load', body }));
  await until('the job ends', async () => {
    const { progress } = decodeLoadStatus(await rpc.json({ path: '/v1/load', query: { id } }));
    return progress.state === 'done' && progress.loadedBytes === 200;
  });
  assert.equal(it.prefetched.length, 20);
  const summary = decodeSummary(await rpc.json({ path: '/v1/summary' }));
  assert.deepEqual([summary.workers, summary.cachedBytes, summary.cacheHitRatio], [1, 1, 0.75]);
  assert.deepEqual(await rpc.json({ path: '/v1/evict', body: { path: '' } }), { freedBytes: 7 });
  await rpc.json({ path: '/v1/evict', body: { path: Buffer.from('d').toString('base64url') } });
  assert.deepEqual(
    it.evicted.map((ids) => ids?.length),
    [undefined, 20],
  );
});

test('a load job that had not ended is run again by the next master', async (t) => {
  const it = await world(t);
  it.storage.put('f', 10);
  const rpc = it.rpc();
  const body = encodeLoadSpec({ paths: [Buffer.alloc(0)], refresh: false, replicas: 1 });
  const { id } = decodeLoadStatus(await rpc.json({ path: '/v1/load', body })); // waits for a worker
  await it.master?.close();
  await it.start();
  const counts = { localHitBytes: 0, remoteHitBytes: 0, missBytes: 0 };
  const report = { id: 'w', instance: 'i', address: 'w:1', usedBytes: 1, quotaBytes: 2, counts };
  await rpc.json({ path: '/v1/workers', body: report });
  await until('the job ends', async () => {
    const { progress } = decodeLoadStatus(await rpc.json({ path: '/v1/load', query: { id } }));
    return progress.state === 'done' && progress.loadedFiles === 1;
  });
});
