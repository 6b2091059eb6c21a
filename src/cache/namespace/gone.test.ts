import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MemoryUfs } from '../../../test/support/memory-ufs.ts';
import { listAll } from '../../../test/support/namespace-model.ts';
import { openerFor } from '../../../test/support/open-namespace.ts';
import { goneFolders, noteGoneFolder } from './gone.ts';
import { ROOT_INO } from './index.ts';
import { Tables } from './tables.ts';
import { write } from './writer.ts';

const MINUTE_MS = 60_000;

test('names that come and go take a bounded part of the file', async (t) => {
  const ufs = new MemoryUfs();
  let nowMs = 1e9;
  const opener = openerFor(t, ufs, { policy: 'never' }, { nowMs: () => nowMs });
  const namespace = await opener.open();
  const bytes = (): number => statSync(join(opener.folder, 'namespace/data.mdb')).size;
  let early = 0;
  for (let turn = 0; turn < 24; turn++) {
    for (let i = 0; i < 500; i++) {
      ufs.remove(`folder/a-file-that-comes-and-goes-${turn - 1}-${i}`);
      ufs.put(`folder/a-file-that-comes-and-goes-${turn}-${i}`, 1);
    }
    await namespace.refresh(ROOT_INO, true);
    nowMs += 5 * MINUTE_MS;
    if (turn === 7) early = bytes();
  }
  assert.ok(bytes() <= early * 1.3, `${early} bytes grew to ${bytes()}`);
  const folder = namespace.known(ROOT_INO, Buffer.from('folder'))?.ino ?? 0;
  assert.equal((await listAll(namespace, folder, 100)).length, 500);
  for (const { name, entry } of await listAll(namespace, folder, 1000)) {
    assert.equal(namespace.pathOf(entry.ino).toString(), `folder/${name}`);
  }
});

test('a number whose name went is a cookie for a while, also where others of its row stay', async (t) => {
  const ufs = new MemoryUfs();
  for (const file of ['a', 'b', 'c', 'd']) ufs.put(file, 1);
  let nowMs = 1e9;
  const namespace = await openerFor(t, ufs, { policy: 'never' }, { nowMs: () => nowMs }).open();
  const after = async (cookie: number): Promise<string[]> => {
    const names: string[] = [];
    await namespace.list(ROOT_INO, cookie, (name) => names.push(name.toString()) > 0);
    return names;
  };
  assert.equal((await after(0)).length, 4);
  const cookie = namespace.known(ROOT_INO, Buffer.from('b'))?.ino ?? 0;
  ufs.remove('b');
  await namespace.refresh(ROOT_INO, false);
  for (const minutes of [0, 14, 60]) {
    nowMs += minutes * MINUTE_MS;
    ufs.remove(minutes === 60 ? 'c' : 'none');
    await namespace.refresh(ROOT_INO, false);
    assert.deepEqual(await after(cookie), minutes === 60 ? ['d'] : ['c', 'd']);
  }
});

test('what was below a folder that went is cleared away by the next process if the first was killed meanwhile', async (t) => {
  const ufs = new MemoryUfs();
  for (const path of ['gone/deep/file', 'gone/file', 'stays/file']) ufs.put(path, 1);
  const opener = openerFor(t, ufs, { policy: 'never' });
  const namespace = await opener.open();
  await namespace.refresh(ROOT_INO, true);
  const folder = namespace.known(ROOT_INO, Buffer.from('gone'))?.ino ?? 0;
  const deep = namespace.known(folder, Buffer.from('deep'))?.ino ?? 0;
  const deepFile = Buffer.from('file');
  await opener.close();
  // The first of its transactions, as it stands when the kill comes before the second.
  const place = join(opener.folder, 'namespace');
  let tables = new Tables(place, Date.now);
  await write(tables, (writer) => {
    writer.remove(ROOT_INO, Buffer.from('gone'));
    noteGoneFolder(tables, folder);
  });
  await tables.close();
  await opener.open();
  await opener.close();
  tables = new Tables(place, Date.now);
  try {
    assert.deepEqual(goneFolders(tables), []);
    assert.ok(!tables.hasNames(folder) && !tables.hasNames(deep));
    assert.equal(tables.known(deep, deepFile), undefined);
    assert.equal(Array.from(tables.names.getKeys()).length, 2);
  } finally {
    await tables.close();
  }
});
