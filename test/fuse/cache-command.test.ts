// evermount cache: figures that are right, and a removal that takes nothing that is used.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, symlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { cacheOf, jsonOf, manyFiles, type CacheRow } from '../support/caches.ts';
import { evermount } from '../support/command-line.ts';
import { ObjectStore } from '../support/dataset.ts';
import { makeScratch, mountSource } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const skip = requireFuse();
const FILES = manyFiles(10, 100_000);
const BYTES = 10 * 100_000;

let store: ObjectStore;
before(async () => {
  if (skip !== false) return;
  store = await ObjectStore.start();
  await store.bucket('files', FILES);
});
after(() => (skip === false ? store[Symbol.asyncDispose]() : undefined));

test(
  'cache: tells what is cached, and where what was read came from, over the deaths of daemons',
  { skip },
  async () => {
    await using mount = await store.mount({ bucket: 'files', options: ['--passthrough', 'off'] });
    for (const path of Object.keys(FILES)) await readFile(mount.at(path));
    const cold = await until('all to be cached and counted', async () => {
      const row = await cacheOf(mount);
      return row.cachedBytes >= BYTES && row.files !== undefined && row;
    });
    assert.deepEqual([cold.files, cold.bytes, cold.source], [10, BYTES, 's3://files']);
    assert.equal(cold.readBytes, BYTES);
    assert.ok((cold.cacheHitRatio ?? 1) < 0.01, JSON.stringify(cold));
    await until('the counts to be on disk', () =>
      readdirSync(join(mount.state, readdirSync(mount.state)[0]!)).includes('cache-reads.json'),
    );
    const pid = await mount.kill('daemon');
    await mount.untilServing(pid);
    const later = await until('a successor that answers', async () => {
      const row = await cacheOf(mount).catch(() => undefined);
      return row !== undefined && row.cachedBytes >= BYTES && row;
    });
    assert.notEqual(later.fetch.pid, cold.fetch.pid);
    assert.equal(later.readBytes, BYTES);
  },
);

test(
  'cache: is found by a path below the mount and through a link, and lists mounts that have a cache',
  { skip },
  async () => {
    await using mount = await store.mount({ bucket: 'files' });
    using scratch = makeScratch();
    symlinkSync(mount.at('folder-0'), scratch.at('link'));
    for (const given of [mount.at('folder-0'), scratch.at('link'), join(scratch.at('link'), 'file-1')]) {
      const [row] = jsonOf(await mount.run('cache', '--json', given)) as CacheRow[];
      assert.equal(row?.target, mount.target, given);
    }
    const table = await mount.run('cache');
    assert.match(table.stdout, /^TARGET .*\n.* s3:\/\/files .* 20 GiB /);
    const details = await mount.run('cache', mount.target);
    assert.match(details.stdout, /tier SSD +.*\/blocks, 0 B of 20 GiB/);
    assert.equal((await mount.run('cache', scratch.path)).status, 3);
  },
);

test('cache: a mount without a cache is refused, and is not listed', { skip }, async () => {
  await using mount = await mountSource();
  const one = await mount.run('cache', mount.target);
  assert.deepEqual([one.status, one.stdout], [2, '']);
  const all = await mount.run('cache');
  assert.deepEqual([all.status, all.stdout], [0, 'No mounts with a cache.\n']);
});

test('cache: --prune removes what nobody uses, and only that', { skip }, async () => {
  using scratch = makeScratch();
  const cacheDir = scratch.at('cache');
  const prune = async (state: string): Promise<{ path: string; sources: string[]; outcome: string }[]> =>
    jsonOf(await evermount(state, ['cache', '--prune', '--json', '--cache-dir', cacheDir])) as never;
  let folder: string;
  {
    await using mount = await store.mount({ bucket: 'files', cacheDir });
    await mount.run('load', mount.target);
    folder = (await cacheOf(mount)).cacheFolder;
    assert.deepEqual(await prune(mount.state), []);
    // Somebody with another state folder does not know of the mount, but of its lock.
    const [other] = await prune(scratch.at('state'));
    assert.deepEqual([other?.path, other?.outcome], [folder, 'in use']);
    assert.equal((await cacheOf(mount)).cachedBytes >= BYTES, true);
    await mount.umount();
    const [gone] = await prune(mount.state);
    assert.deepEqual([gone?.path, gone?.outcome, gone?.sources], [folder, 'removed', ['s3://files']]);
  }
  assert.ok(!existsSync(folder));
  assert.deepEqual(readdirSync(cacheDir), []);
});

test('cache: the control socket tells Prometheus and is for its owner alone', { skip }, async () => {
  await using mount = await store.mount({ bucket: 'files', options: ['--passthrough', 'off'] });
  await readFile(mount.at('folder-0/file-1'));
  const session = join(mount.state, readdirSync(mount.state)[0]!);
  const socketPath = join(session, 'cache.sock');
  const text = await until('the metrics', () => get(socketPath, '/metrics').catch(() => undefined));
  assert.match(text, /^evermount_cache_fetched_bytes_total [1-9]/m);
  assert.match(text, /^evermount_cache_quota_bytes\{medium="SSD",path=".*\/blocks"\} 21474836480$/m);
  assert.equal(await get(socketPath, '/healthz'), 'ok\n');
});

function get(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, timeout: 5_000 }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve(text));
    });
    asked.on('error', reject);
    asked.end();
  });
}
