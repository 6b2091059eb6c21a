import assert from 'node:assert/strict';
import test from 'node:test';
import { MemoryUfs } from '../../../../test/support/memory-ufs.ts';
import { scratchNamespaces } from '../../../../test/support/scratch-namespace.ts';
import type { Change } from '../../namespace/index.ts';
import { FollowedNames } from './followed-names.ts';

const openNames = scratchNamespaces();

async function world() {
  const ufs = new MemoryUfs();
  ufs.put('d/a', 1);
  const inner = await openNames(ufs);
  const distrusted: string[] = [];
  const names = new FollowedNames(inner, { distrust: (path) => void distrusted.push(path.toString()) });
  const told: Change[][] = [];
  names.onChange((changes) => void told.push([...changes]));
  await names.refresh(1, true);
  told.length = 0;
  return { ufs, names, distrusted, told, d: names.known(1, Buffer.from('d'))?.ino ?? 0 };
}

test('what the feed tells reaches the kernel, and is not told back to the master', async () => {
  const { names, told, distrusted, d } = await world();
  const a = names.known(d, Buffer.from('a'))?.ino;
  names.told([{ path: Buffer.from('d/a'), what: 'changed' }]);
  assert.deepEqual(told, [[{ folder: d, name: Buffer.from('a'), ino: a, what: 'changed' }]]);
  assert.deepEqual(distrusted, []);
});

test('a resync makes the kernel look up every name again', async () => {
  const { names, told, d } = await world();
  names.told('resync');
  assert.deepEqual(told, [[]]);
  assert.equal(names.isListed(d), false);
});

test('what a reader found to be wrong is told to the master, and asked for again', async () => {
  const { ufs, names, distrusted, d } = await world();
  ufs.put('d/a', 2);
  names.invalidate({ folder: d, name: Buffer.from('a') });
  names.invalidate({ folder: 1, name: Buffer.from('d') });
  assert.deepEqual(distrusted, ['d/a', 'd']);
  assert.equal((await names.lookup(d, Buffer.from('a')))?.sizeBytes, 2);
});

test('a reader of a folder that is gone meanwhile is not answered with an error', async () => {
  const { names, distrusted } = await world();
  names.invalidate({ folder: 999, name: Buffer.from('a') });
  assert.deepEqual(distrusted, []);
});
