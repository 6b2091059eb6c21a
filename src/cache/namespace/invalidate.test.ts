import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryUfs } from '../../../test/support/memory-ufs.ts';
import { listAll } from '../../../test/support/namespace-model.ts';
import { openerFor } from '../../../test/support/open-namespace.ts';
import { UfsError } from '../ufs/index.ts';
import { ROOT_INO, type OpenNamespace } from './index.ts';

const name = (text: string): Buffer => Buffer.from(text);
const away = (): never => {
  throw new UfsError('Cannot reach it', { code: 'unavailable', path: '', why: 'test' });
};

async function sizes(namespace: OpenNamespace, folder = ROOT_INO): Promise<Record<string, number>> {
  const all = await listAll(namespace, folder, 100);
  return Object.fromEntries(all.map((one) => [one.name, one.entry.sizeBytes]));
}

function storage(): MemoryUfs {
  const ufs = new MemoryUfs();
  ufs.put('file', 1);
  ufs.put('folder/in', 1);
  ufs.put('other', 1);
  return ufs;
}

test('invalidate() of a name makes the next lookup and the next listing ask, whatever the policy', async (t) => {
  const ufs = storage();
  const namespace = await openerFor(t, ufs, { policy: 'never' }).open();
  await namespace.refresh(ROOT_INO, true);
  assert.ok(namespace.isListed(ROOT_INO));
  ufs.put('file', 2);
  ufs.put('new', 2);
  namespace.invalidate({ folder: ROOT_INO, name: name('file') });
  assert.equal(ufs.requests.stat + ufs.requests.list, 0, 'it asks nothing itself');
  assert.ok(!namespace.isListed(ROOT_INO));
  assert.equal((await namespace.lookup(ROOT_INO, name('file')))?.sizeBytes, 2);
  assert.deepEqual(await sizes(namespace), { file: 2, folder: 0, new: 2, other: 1 });
  assert.ok(namespace.isListed(ROOT_INO));
  const { stat, list } = ufs.requests;
  await sizes(namespace);
  assert.deepEqual([ufs.requests.stat, ufs.requests.list], [stat, list], 'then it is trusted again');
});

test('invalidate() of a name leaves other folders trusted', async (t) => {
  const ufs = storage();
  const namespace = await openerFor(t, ufs, { policy: 'never' }).open();
  await namespace.refresh(ROOT_INO, true);
  const folder = namespace.known(ROOT_INO, name('folder'))?.ino ?? 0;
  namespace.invalidate({ folder: ROOT_INO, name: name('file') });
  assert.ok(namespace.isListed(folder));
  namespace.invalidate('all');
  assert.ok(!namespace.isListed(folder));
});

test("what invalidate('all') said survives reopening", async (t) => {
  const ufs = storage();
  const opener = openerFor(t, ufs, { policy: 'never' });
  let namespace = await opener.open();
  await namespace.refresh(ROOT_INO, true);
  namespace.invalidate('all');
  ufs.put('file', 2);
  namespace = await opener.open();
  assert.ok(!namespace.isListed(ROOT_INO));
  assert.equal((await namespace.lookup(ROOT_INO, name('file')))?.sizeBytes, 2);
  assert.deepEqual(await sizes(namespace), { file: 2, folder: 0, other: 1 });
  namespace = await opener.open();
  assert.ok(namespace.isListed(ROOT_INO), 'what was asked since is trusted');
});

test("invalidate('all') is not undone by a clock that is set back, or that stands still", async (t) => {
  const ufs = storage();
  let nowMs = 2_000_000;
  const namespace = await openerFor(t, ufs, { policy: 'never' }, { nowMs: () => nowMs }).open();
  await namespace.refresh(ROOT_INO, true);
  nowMs = 1_000_000;
  namespace.invalidate('all');
  assert.ok(!namespace.isListed(ROOT_INO));
  ufs.put('file', 2);
  assert.deepEqual(await sizes(namespace), { file: 2, folder: 0, other: 1 });
  assert.ok(namespace.isListed(ROOT_INO));
});

for (const what of ['all', { folder: ROOT_INO, name: name('file') }] as const) {
  const called = `invalidate(${what === 'all' ? "'all'" : 'name'})`;

  test(`${called}: an answer that is under way does not count as asked`, async (t) => {
    const ufs = storage();
    const namespace = await openerFor(t, ufs, { policy: 'never' }).open();
    const gate = Promise.withResolvers<undefined>();
    const asked = Promise.withResolvers<undefined>();
    ufs.before = ({ op }) => {
      if (op === 'stat') asked.resolve(undefined);
      return op === 'stat' ? gate.promise : undefined;
    };
    const early = namespace.lookup(ROOT_INO, name('file'));
    await asked.promise;
    namespace.invalidate(what);
    ufs.before = undefined;
    ufs.put('file', 2);
    const late = namespace.lookup(ROOT_INO, name('file'));
    assert.ok(late instanceof Promise);
    assert.equal((await late)?.sizeBytes, 2, 'who asks afterwards is not given the answer of before');
    ufs.put('file', 3);
    gate.resolve(undefined);
    await early;
    assert.equal((await namespace.lookup(ROOT_INO, name('file')))?.sizeBytes, 2, 'the early answer replaces nothing');
  });

  test(`${called}: a listing that is under way makes nothing complete, and is not joined`, async (t) => {
    const ufs = new MemoryUfs({ pageEntries: 1 });
    ufs.put('file', 1);
    ufs.put('other', 1);
    const namespace = await openerFor(t, ufs, { policy: 'never' }).open();
    const gate = Promise.withResolvers<undefined>();
    const asked = Promise.withResolvers<undefined>();
    ufs.before = ({ op, page }) => {
      if (op !== 'list' || page === 0) return;
      asked.resolve(undefined);
      return gate.promise;
    };
    const early = sizes(namespace);
    await asked.promise;
    namespace.invalidate(what);
    ufs.before = undefined;
    ufs.put('file', 2);
    ufs.put('new', 2);
    const late = sizes(namespace);
    gate.resolve(undefined);
    await early;
    assert.deepEqual(await late, { file: 2, new: 2, other: 1 });
    assert.equal((await namespace.lookup(ROOT_INO, name('file')))?.sizeBytes, 2);
  });

  test(`${called}: a walk that is under way makes nothing complete`, async (t) => {
    const ufs = new MemoryUfs({ pageEntries: 1 });
    for (const path of ['a/1', 'b/1', 'file']) ufs.put(path, 1);
    const namespace = await openerFor(t, ufs, { policy: 'never' }).open();
    ufs.before = ({ op, page }) => {
      if (op !== 'walk' || page !== 1) return;
      namespace.invalidate(what);
      ufs.put('b/2', 1);
    };
    await namespace.refresh(ROOT_INO, true);
    assert.ok(!namespace.isListed(ROOT_INO));
    const folder = namespace.known(ROOT_INO, name('b'))?.ino ?? 0;
    assert.equal(namespace.isListed(folder), what !== 'all');
  });

  test(`${called}: what is known is told while the storage is away`, async (t) => {
    const ufs = storage();
    const namespace = await openerFor(t, ufs, { policy: 'never' }).open();
    await namespace.refresh(ROOT_INO, true);
    namespace.invalidate(what);
    ufs.before = away;
    assert.deepEqual(await sizes(namespace), { file: 1, folder: 0, other: 1 });
    assert.equal((await namespace.lookup(ROOT_INO, name('file')))?.sizeBytes, 1);
    assert.equal(await namespace.lookup(ROOT_INO, name('none')), undefined);
    ufs.before = undefined;
    ufs.remove('file');
    assert.equal(await namespace.lookup(ROOT_INO, name('file')), undefined, 'asked as soon as it is back');
  });
}

test('invalidate() makes a name that was not there be asked for again', async (t) => {
  const ufs = storage();
  const namespace = await openerFor(t, ufs, { policy: 'never' }).open();
  assert.equal(await namespace.lookup(ROOT_INO, name('new')), undefined);
  ufs.put('new', 2);
  assert.equal(await namespace.lookup(ROOT_INO, name('new')), undefined);
  namespace.invalidate({ folder: ROOT_INO, name: name('new') });
  assert.equal((await namespace.lookup(ROOT_INO, name('new')))?.sizeBytes, 2);
});

test('isListed() is false where every use asks', async (t) => {
  const namespace = await openerFor(t, storage(), { policy: 'always' }).open();
  await namespace.refresh(ROOT_INO, true);
  assert.ok(!namespace.isListed(ROOT_INO));
});
