// evermount evict over a real object store.
import assert from 'node:assert/strict';
// The proxy before the store lives in this process: nothing here may wait for the mount in a call that is not a promise.
import { open, readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { cacheOf, jsonOf, manyFiles } from '../support/caches.ts';
import { ObjectStore } from '../support/dataset.ts';
import { requireFuse } from '../support/require-fuse.ts';

const skip = requireFuse();
const FILES = manyFiles(20, 30_000);
const BYTES = 20 * 30_000;

let store: ObjectStore;
before(async () => {
  if (skip !== false) return;
  store = await ObjectStore.start();
  await store.bucket('files', FILES);
});
after(() => (skip === false ? store[Symbol.asyncDispose]() : undefined));

test('evict: forgets a folder and nothing else; what is read later is fetched again', { skip }, async () => {
  await using mount = await store.mount({ bucket: 'files' });
  await mount.run('load', mount.target);
  const before = await cacheOf(mount);
  assert.ok(before.cachedBytes >= BYTES);
  const { freedBytes } = jsonOf(await mount.run('evict', '--json', mount.at('folder-1'))) as { freedBytes: number };
  assert.ok(freedBytes >= BYTES / 2 && freedBytes < BYTES, String(freedBytes));
  assert.equal((await cacheOf(mount)).cachedBytes, before.cachedBytes - freedBytes);
  store.proxy.seen.length = 0;
  for (const [path, content] of Object.entries(FILES))
    assert.ok((await readFile(mount.at(path))).equals(content), path);
  const fetched = store.proxy.seen.flatMap(({ method, url }) => (method === 'GET' ? [url] : []));
  assert.ok(fetched.some((url) => url.includes('/folder-1/')));
  assert.ok(!fetched.some((url) => url.includes('/folder-0/')), fetched.join('\n'));
});

test('evict: of the whole mount leaves nothing, twice is no error', { skip }, async () => {
  await using mount = await store.mount({ bucket: 'files' });
  await mount.run('load', mount.target);
  const first = await mount.run('evict', mount.target);
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stdout, /^Evicted /);
  assert.equal((await cacheOf(mount)).cachedBytes, 0);
  const again = await mount.run('evict', mount.target);
  assert.equal(again.status, 0, again.stderr);
  assert.match(again.stdout, /^Nothing of /);
});

test('evict: a file that is open goes on being read', { skip }, async () => {
  await using mount = await store.mount({ bucket: 'files' });
  const path = 'folder-0/file-3';
  const file = await open(mount.at(path));
  try {
    await file.read(Buffer.alloc(1), 0, 1, 0);
    assert.equal((await mount.run('evict', mount.at(path))).status, 0);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(30_000), 0, 30_000, 0);
    assert.equal(bytesRead, 30_000);
    assert.ok(buffer.equals(FILES[path]!));
  } finally {
    await file.close();
  }
});
