import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryUfs } from '../../../test/support/memory-ufs.ts';
import { openerFor } from '../../../test/support/open-namespace.ts';
import { ROOT_INO, type OpenNamespace } from './index.ts';

async function counted(namespace: OpenNamespace): Promise<void> {
  while (namespace.totals().files === undefined) await new Promise((resolve) => setImmediate(resolve));
}

function storage(): MemoryUfs {
  const ufs = new MemoryUfs();
  for (const path of ['a/1', 'a/2', 'b/1']) ufs.put(path, 10);
  return ufs;
}

test('the storage is counted once, also where nothing is ever refreshed by itself', async (t) => {
  const ufs = storage();
  const opener = openerFor(t, ufs, { policy: 'never' }, { countsTotals: true });
  let namespace = await opener.open();
  await counted(namespace);
  assert.deepEqual(namespace.totals(), { files: 3, bytes: 30 });
  namespace = await opener.open();
  assert.deepEqual(namespace.totals(), { files: 3, bytes: 30 });
  assert.equal(ufs.requests.walk, 1);
});

test('files are in the totals as soon as a folder that has come since is listed, once', async (t) => {
  const ufs = storage();
  const opener = openerFor(t, ufs, { policy: 'never' }, { countsTotals: true });
  let namespace = await opener.open();
  await counted(namespace);
  await namespace.refresh(ROOT_INO, true);
  assert.deepEqual(namespace.totals(), { files: 3, bytes: 30 }, 'what the count has is not added');
  for (const path of ['new/1', 'new/deep/1', 'new/deep/2']) ufs.put(path, 100);
  await namespace.refresh(ROOT_INO, false);
  assert.deepEqual(namespace.totals(), { files: 3, bytes: 30 }, 'nobody has looked into it yet');
  const folder = namespace.known(ROOT_INO, Buffer.from('new'))?.ino ?? 0;
  assert.equal((await namespace.lookup(folder, Buffer.from('1')))?.sizeBytes, 100);
  assert.deepEqual(namespace.totals(), { files: 4, bytes: 130 });
  namespace = await opener.open(); // what is counted is written down
  await namespace.refresh(folder, false);
  assert.deepEqual(namespace.totals(), { files: 4, bytes: 130 });
  const deep = namespace.known(folder, Buffer.from('deep'))?.ino ?? 0;
  await namespace.refresh(deep, false);
  assert.deepEqual(namespace.totals(), { files: 6, bytes: 330 });
  await namespace.refresh(ROOT_INO, true);
  assert.deepEqual(namespace.totals(), { files: 6, bytes: 330 });
  for (const path of ['new/1', 'new/deep/1', 'new/deep/2']) ufs.remove(path);
  await namespace.refresh(ROOT_INO, true);
  assert.deepEqual(namespace.totals(), { files: 3, bytes: 30 });
});

test('the count gives way to readers, and comes to its end all the same', async (t) => {
  const ufs = new MemoryUfs({ pageEntries: 2 });
  for (const path of ['a/1', 'b/2', 'c/3']) ufs.put(path, 10);
  const opener = openerFor(t, ufs, { policy: 'always' }, { countsTotals: true });
  const namespace = await opener.open();
  let asked = 0;
  while (namespace.totals().files === undefined) {
    await namespace.lookup(ROOT_INO, Buffer.from('a'));
    asked += 1;
  }
  assert.deepEqual(namespace.totals(), { files: 3, bytes: 30 });
  assert.ok(asked > 100, `${asked} lookups`);
});
