import assert from 'node:assert/strict';
import test from 'node:test';
import { MemoryUfs } from '../../../../test/support/memory-ufs.ts';
import { scratchNamespaces } from '../../../../test/support/scratch-namespace.ts';
import type { Namespace } from '../../namespace/index.ts';
import { distrustNames } from './distrust.ts';

const openNames = scratchNamespaces();

async function known(): Promise<{ ufs: MemoryUfs; names: Namespace; d: number }> {
  const ufs = new MemoryUfs();
  ufs.put('d/a', 1);
  ufs.put('d/b', 1);
  const names = await openNames(ufs);
  await names.refresh(1, true);
  const d = names.known(1, Buffer.from('d'))?.ino ?? 0;
  ufs.put('d/a', 2);
  ufs.put('d/b', 2);
  return { ufs, names, d };
}

const size = async (names: Namespace, d: number, name: string): Promise<number | undefined> =>
  (await names.lookup(d, Buffer.from(name)))?.sizeBytes;

test('only the names that changed are asked for again', async () => {
  const { ufs, names, d } = await known();
  const before = ufs.requests.stat;
  distrustNames(names, [{ path: Buffer.from('d/a'), what: 'changed' }]);
  assert.equal(await size(names, d, 'a'), 2);
  assert.equal(await size(names, d, 'b'), 1);
  assert.equal(ufs.requests.stat, before + 1);
});

test('names in folders that are not known need nothing', async () => {
  const { ufs, names, d } = await known();
  const before = ufs.requests.stat;
  for (const path of ['none/at/all', 'd/a/under-a-file']) {
    distrustNames(names, [{ path: Buffer.from(path), what: 'added' }]);
  }
  assert.equal(await size(names, d, 'a'), 1);
  assert.equal(ufs.requests.stat, before);
});

test('whoever may have missed something asks for everything again', async () => {
  const { names, d } = await known();
  distrustNames(names, 'resync');
  assert.equal(await size(names, d, 'a'), 2);
  assert.equal(await size(names, d, 'b'), 2);
});
