// A whole runtime under verified load: MinIO, a master, three workers and two clients as processes on loopback. Workers and the
// master are killed in turn, a worker's disk is filled, a block of another is flipped on disk: no reader meets an error or a
// wrong byte. Then what operators do to it: restore the master from yesterday's copy, change the token, start a worker twice.
import assert from 'node:assert/strict';
import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { TOKEN } from '../support/cluster.ts';
import { sha256 } from '../support/readers.ts';
import { decodeLoadStatus } from '../../src/cache/rpc/master/index.ts';
import { startMinio, type Minio } from '../support/minio.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { befall, progress, Runtime } from '../support/runtime.ts';
import { until } from '../support/wait.ts';

const KILLS = Number(process.env['CLUSTER_KILLS'] ?? 2);
/** libuv has no name for it. */
const ESTALE = -116;
const FEW = [1, 5000, 70_000, 3_000_000];

suite('a runtime of many processes', { skip: requireFuse(), timeout: 900_000 }, () => {
  let minio: Minio;

  before(async () => {
    minio = await startMinio();
  });
  after(() => minio.stop());

  for (const direct of [false, true]) {
    const way = direct ? 'with' : 'without';
    test(`nobody notices ${KILLS} kills of each worker and of the master, clients ${way} credentials`, async (t) => {
      await using runtime = await Runtime.start(minio, { direct });
      const readers = await runtime.startReaders();
      try {
        const met = await befall(runtime, readers, KILLS);
        const { reads, bytes, kills, damagedBlocks, longestStallMs } = met;
        t.diagnostic(`${kills} kills, ${reads} reads, ${bytes} bytes, longest stall ${Math.round(longestStallMs)} ms`);
        assert.deepEqual([met.errors, met.wrong, met.remarks], [0, 0, []]);
        assert.equal(damagedBlocks, 1);
      } finally {
        for (const reader of readers) await reader[Symbol.asyncDispose]();
      }
    });
  }

  test('a master restored from an older copy never lends a number twice, and clients heal', async () => {
    await using runtime = await Runtime.start(minio, { sizes: FEW, clients: 1, masterOptions: ['--rescan', '1s'] });
    const { cluster, scratch, bucket } = runtime;
    const target = cluster.clients[0]!.target;
    const content = (name: string): Promise<string | undefined> => readFile(join(target, name), 'utf8').catch(notYet);
    await bucket.put('before', 'before');
    await until('a new file', () => content('before'), 60_000);
    await cluster.stop(cluster.master);
    cpSync(cluster.metaDir, scratch.at('yesterday'), { recursive: true });
    await cluster.start(cluster.master);
    await bucket.put('since/a', 'a since');
    await bucket.put('before', 'before, changed');
    await until('the changed file', async () => (await content('before')) === 'before, changed', 60_000);
    assert.equal(await until('a file of a new folder', () => content('since/a')), 'a since');
    const numberOf = async (name: string): Promise<number> => (await stat(join(target, name))).ino;
    const lent = [await numberOf('since'), await numberOf('since/a')];
    const held = await open(join(target, 'since/a'));
    await cluster.kill(cluster.master);
    rmSync(cluster.metaDir, { recursive: true });
    renameSync(scratch.at('yesterday'), cluster.metaDir);
    await bucket.put('later/b', 'b later');
    await cluster.start(cluster.master);
    assert.equal(await until('what came later', () => content('later/b'), 60_000), 'b later');
    for (const name of ['later', 'later/b']) assert.ok(!lent.includes(await numberOf(name)), `the number of ${name}`);
    await until('the copy to be healed', async () => (await content('before')) === 'before, changed', 60_000);
    assert.equal(await content('since/a'), 'a since');
    const bytes = Buffer.alloc(7);
    const read = await held.read(bytes, 0, 7, 0).catch((err: unknown) => err as NodeJS.ErrnoException);
    if (read instanceof Error) orStale(read);
    else assert.equal(bytes.toString(), 'a since');
    await held.close();
  });

  test('a reader of a version that was replaced gets it, or ESTALE, never a mixture, though its daemon dies', async () => {
    await using runtime = await Runtime.start(minio, { sizes: FEW, clients: 1, masterOptions: ['--rescan', '1s'] });
    const { cluster, bucket } = runtime;
    const path = join(cluster.clients[0]!.target, 'replaced');
    await bucket.put('replaced', Buffer.alloc(3_000_000, 'old '));
    const held = await until('the file', () => open(path).catch(() => undefined), 60_000);
    await bucket.put('replaced', Buffer.alloc(3_000_000, 'new!'));
    const first = async (): Promise<string> => (await readFile(path)).subarray(0, 4).toString();
    await until('the new version', async () => (await first().catch(orStale)) === 'new!', 60_000);
    process.kill(await runtime.daemonOf(0), 'SIGKILL');
    const into = Buffer.alloc(3_000_000);
    const read = await held.read(into, 0, into.length, 0).catch((err: unknown) => err as NodeJS.ErrnoException);
    if (read instanceof Error) orStale(read);
    else assert.ok(into.equals(Buffer.alloc(into.length, 'old ')));
    await held.close();
    assert.ok((await readFile(path)).equals(Buffer.alloc(3_000_000, 'new!')));
  });

  test('no token, no byte; a wrong one neither; a changed one is followed without an error', async () => {
    await using runtime = await Runtime.start(minio, { sizes: FEW });
    const { cluster } = runtime;
    for (const part of [cluster.master, ...cluster.workers]) {
      for (const headers of [{}, { authorization: 'Bearer wrong-token-wrong-token' }, { authorization: TOKEN }]) {
        for (const route of ['/v1/summary', '/v1/usage', '/v1/data?path=&version=&size=1&offset=0&length=1']) {
          const answer = await fetch(`http://${part.address}${route}`, { headers });
          assert.deepEqual([answer.status, await answer.text()], [401, ''], `${part.name} ${route}`);
        }
      }
      const stranger = await fetch(`http://${part.address}/v1/none`, { headers: { authorization: `Bearer ${TOKEN}` } });
      assert.equal(stranger.status, 400);
      await stranger.text();
    }
    const readers = await runtime.startReaders();
    try {
      writeFileSync(`${cluster.tokenFile}.new`, 'another-token-for-this-runtime\n', { mode: 0o600 });
      renameSync(`${cluster.tokenFile}.new`, cluster.tokenFile);
      await progress(readers, 50);
      for (const part of [...cluster.workers, cluster.master]) {
        await cluster.kill(part); // the next one knows the new token only
        await cluster.start(part);
        await progress(readers, 20);
      }
      for (const reader of readers) {
        const { errors, wrong, remarks } = await reader.stop();
        assert.deepEqual([errors, wrong, remarks], [0, 0, []]);
      }
    } finally {
      for (const reader of readers) await reader[Symbol.asyncDispose]();
    }
    writeFileSync(runtime.scratch.at('wrong'), 'wrong-token-wrong-token');
    const refused = await runtime.evermount(
      'fuse',
      '--master',
      cluster.master.address,
      '--token-file',
      runtime.scratch.at('wrong'),
      runtime.scratch.at('data'),
    );
    assert.equal(refused.status, 77);
    assert.match(refused.stderr, /does not take our token/);
    const missing = await runtime.evermount(
      'master',
      '--listen',
      '127.0.0.1:0',
      '--meta-dir',
      runtime.scratch.at('other'),
      '--mounts',
      cluster.mountsFile,
    );
    assert.equal(missing.status, 2);
    assert.match(missing.stderr, /without a token nothing is served/);
  });

  test('a load job fetches every byte once, where clients then find it; evicting lets go of all of it', async () => {
    await using runtime = await Runtime.start(minio, { sizes: FEW, clients: 1 });
    const { cluster, files } = runtime;
    const ask = async (path: string, body?: object): Promise<unknown> => {
      const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
      const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
      return (await fetch(`http://${cluster.master.address}${path}`, { headers, ...post })).json();
    };
    const sum = async (metric: string): Promise<number> => {
      const each = await Promise.all(cluster.workers.map((worker) => cluster.metric(worker, metric)));
      return each.reduce<number>((total, it) => total + (it ?? 0), 0);
    };
    const wantedBytes = files.reduce((total, it) => total + it.sizeBytes, 0);
    const { id } = decodeLoadStatus(await ask('/v1/load', { paths: [''], refresh: true, replicas: 1 }));
    await until('the end of the load job', async () => {
      const { progress: it } = decodeLoadStatus(await ask(`/v1/load?id=${id}`));
      assert.ok(it.state !== 'failed' && it.failedFiles === 0, it.why);
      return it.state === 'done' && it.loadedBytes === wantedBytes;
    });
    assert.equal(await sum('evermount_worker_fetched_bytes_total'), wantedBytes);
    for (const { path, sha256: expected } of files) {
      assert.deepEqual([sha256(await readFile(join(cluster.clients[0]!.target, path)))], expected);
    }
    assert.equal(await sum('evermount_worker_fetched_bytes_total'), wantedBytes);
    await until('files to be closed', async () => {
      await ask('/v1/evict', { path: '' });
      return (await sum('evermount_worker_segments')) === 0;
    });
  });

  test('of two workers with one identity the younger ends and says why', async () => {
    await using runtime = await Runtime.start(minio, { sizes: FEW, clients: 1 });
    const { cluster, scratch } = runtime;
    const copy = scratch.at('copy');
    cpSync(scratch.at('tier-0'), copy, { recursive: true });
    const args = cluster.workers[0]!.args.map((arg) => (arg.startsWith('SSD:') ? `SSD:${copy}:48MiB` : arg));
    const listen = args.indexOf('--listen') + 1;
    const younger = await runtime.evermount(...args.with(listen, '127.0.0.1:0'));
    assert.equal(younger.status, 4, younger.stderr);
    assert.match(
      younger.stderr,
      /Cannot serve as worker "[0-9a-f-]+": another live process .* has that id\. Stop it, or remove/,
    );
    const same = await runtime.evermount(...cluster.workers[0]!.args.with(listen, '127.0.0.1:0'));
    assert.equal(same.status, 4, same.stderr);
    assert.equal(
      readFileSync(join(copy, 'worker-id'), 'utf8'),
      readFileSync(scratch.at('tier-0', 'worker-id'), 'utf8'),
    );
    assert.equal(await cluster.metric(cluster.master, 'evermount_master_workers'), 3);
  });
});

/** What was replaced a moment ago and opened by its old version. */
function orStale(err: unknown): undefined {
  assert.equal((err as NodeJS.ErrnoException).errno, ESTALE, String(err));
}

function notYet(err: unknown): undefined {
  if ((err as NodeJS.ErrnoException).code !== 'ENOENT') orStale(err);
}
