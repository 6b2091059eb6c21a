// evermount load over a real object store: what it says is cached is, whatever dies meanwhile.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cacheOf, jsonOf, manyFiles } from '../support/caches.ts';
import { ObjectStore } from '../support/dataset.ts';
import { mountSource, type TestMount } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const skip = requireFuse();
const BIN = fileURLToPath(new URL('../../bin/evermount.js', import.meta.url));
const BIG = 'folder-0/big';
const FILES: Readonly<Record<string, Buffer>> = {
  ...manyFiles(30, 20_000),
  [BIG]: Buffer.alloc(9_000_001, 'a file of several blocks '),
};
const BYTES = Object.values(FILES).reduce((sum, { length }) => sum + length, 0);

interface Loaded {
  state: string;
  foundFiles: number;
  loadedFiles: number;
  loadedBytes: number;
  hadBytes: number;
  failedFiles: number;
  failures: { path: string; why: string }[];
}

let store: ObjectStore;
before(async () => {
  if (skip !== false) return;
  store = await ObjectStore.start();
  await store.bucket('files', FILES);
});
after(() => (skip === false ? store[Symbol.asyncDispose]() : undefined));

async function load(mount: TestMount, ...args: string[]): Promise<Loaded> {
  return jsonOf(await mount.run('load', '--json', ...args, mount.target)) as Loaded;
}

/** `evermount load` that goes on while the test does something. */
function startLoad(
  mount: TestMount,
  ...args: string[]
): { child: ChildProcess; ended: Promise<number>; said: () => string } {
  const child = spawn(process.execPath, [BIN, 'load', ...args, mount.target], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, EVERMOUNT_STATE_DIR: mount.state },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number>((resolve) => child.on('close', (status) => resolve(status ?? -1)));
  return { child, ended, said: () => said };
}

function getsOf(key: string): number {
  return store.proxy.seen.filter(({ method, url }) => method === 'GET' && url.startsWith(`/files/${key}`)).length;
}

test('load: what it loaded is read without the storage, and is not fetched a second time', { skip }, async () => {
  await using mount = await store.mount({ bucket: 'files' });
  const first = await load(mount);
  assert.deepEqual(
    [first.state, first.loadedFiles, first.loadedBytes, first.hadBytes, first.failedFiles],
    ['done', Object.keys(FILES).length, BYTES, 0, 0],
  );
  store.proxy.seen.length = 0;
  const again = await load(mount);
  assert.deepEqual([again.loadedBytes, again.hadBytes], [BYTES, BYTES]);
  store.proxy.use({ fault: { do: 'refuse', status: 503, code: 'SlowDown' } });
  try {
    for (const [path, content] of Object.entries(FILES))
      assert.ok((await readFile(mount.at(path))).equals(content), path);
  } finally {
    store.proxy.clear();
  }
  assert.equal(store.proxy.seen.filter(({ method, url }) => method === 'GET' && !url.includes('list-type')).length, 0);
});

test('load: goes on when its daemon is killed, and loads nothing twice that was there', { skip }, async () => {
  await using mount = await store.mount({ bucket: 'files' });
  store.proxy.seen.length = 0;
  const held = Promise.withResolvers<undefined>();
  store.proxy.use({ method: 'GET', url: /\/folder-2\//, fault: { do: 'hold', until: () => held.promise } });
  const { ended, said } = startLoad(mount, '--json');
  try {
    await until(
      'all but some files to be loaded',
      async () => (await cacheOf(mount)).cachedBytes >= BYTES - 10 * 20_000,
    );
    for (let kills = 0; kills < 3; kills++) {
      const pid = await mount.kill('daemon');
      await mount.untilServing(pid);
    }
  } finally {
    store.proxy.clear();
    held.resolve(undefined);
  }
  assert.equal(await ended, 0, said());
  const loaded = JSON.parse(said().slice(said().indexOf('{'))) as Loaded;
  assert.deepEqual([loaded.loadedBytes, loaded.failedFiles], [BYTES, 0]);
  assert.ok(loaded.hadBytes >= BYTES - 10 * 20_000, said());
  assert.ok(getsOf(BIG) <= 4, `the large file was fetched by ${getsOf(BIG)} requests`);
});

test('load: a file that cannot be loaded is told, and the others are loaded', { skip }, async () => {
  await using mount = await store.mount({ bucket: 'files' });
  const fault = { do: 'refuse', status: 403, code: 'AccessDenied' } as const;
  store.proxy.use({ method: 'GET', url: /file-7$/, fault });
  try {
    const { status, stdout, stderr } = await mount.run('load', mount.target);
    assert.equal(status, 1, stdout);
    assert.match(stderr, /Cannot load 1 of them:\n {2}\/folder-0\/file-7: .*403/);
    assert.match(stderr, /Loaded 30 files/);
  } finally {
    store.proxy.clear();
  }
});

test('load: of one folder loads that folder, of names only loads no data', { skip }, async () => {
  await using mount = await store.mount({ bucket: 'files' });
  store.proxy.seen.length = 0;
  const names = await load(mount, '--metadata-only');
  assert.deepEqual([names.foundFiles, names.loadedFiles], [Object.keys(FILES).length, 0]);
  assert.equal((await cacheOf(mount)).cachedBytes, 0);
  const { loadedFiles, loadedBytes } = jsonOf(await mount.run('load', '--json', mount.at('folder-1'))) as Loaded;
  assert.deepEqual([loadedFiles, loadedBytes], [10, 200_000]);
  assert.equal(getsOf('folder-0/'), 0);
});

test('load: with --refresh loads what the mount would not have asked for yet', { skip }, async () => {
  const bucket = await store.bucket('growing', { one: '1' });
  await using mount = await store.mount({ bucket: 'growing', options: ['--refresh', 'never'] });
  assert.equal((await load(mount)).foundFiles, 1);
  await bucket.put('two', '2');
  assert.equal((await load(mount)).foundFiles, 1);
  assert.equal((await load(mount, '--refresh')).foundFiles, 2);
  assert.equal(await readFile(mount.at('two'), 'utf8'), '2');
});

test('load: Ctrl-C calls it off', { skip }, async () => {
  await using mount = await store.mount({ bucket: 'files' });
  store.proxy.use({ method: 'GET', url: /\/folder-\d\/(file|big)/, fault: { do: 'stall', afterBytes: 0 } });
  try {
    const { child, ended, said } = startLoad(mount);
    await until('a load that is under way', async () => (await cacheOf(mount)).loads.length === 1);
    child.kill('SIGINT');
    assert.equal(await ended, 130, said());
    await until('no load under way', async () => (await cacheOf(mount)).loads.length === 0);
  } finally {
    store.proxy.clear();
  }
});

test('load: in the background returns at once, and the load goes on', { skip }, async () => {
  await using mount = await store.mount({ bucket: 'files' });
  const { status, stdout } = await mount.run('load', '--background', mount.target);
  assert.equal(status, 0);
  assert.match(stdout, /in the background/);
  await until('everything to be cached', async () => (await cacheOf(mount)).cachedBytes >= BYTES);
});

test('load: says what is wrong where there is nothing to load into', { skip }, async () => {
  await using mount = await mountSource();
  const local = await mount.run('load', mount.target);
  assert.equal(local.status, 2);
  assert.match(local.stderr, /^evermount: Cannot load ".*": local:.* has no cache\n$/);
  assert.equal((await mount.run('load', mount.source)).status, 3);
  assert.equal((await mount.run('load')).status, 2);
  assert.equal((await mount.run('load', '--replicas', '2', mount.target)).status, 2);
  assert.equal((await mount.run('load', '--master', '127.0.0.1:1')).status, 2);
});
