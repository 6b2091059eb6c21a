import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { MemoryUfs } from '../../../test/support/memory-ufs.ts';
import { listAll } from '../../../test/support/namespace-model.ts';
import { createLogger } from '../../base/index.ts';
import { UfsError } from '../ufs/index.ts';
import { openNamespace, ROOT_INO, type Change, type OpenNamespace, type RefreshPolicy } from './index.ts';

const logger = createLogger({ write: () => {} });
const name = (text: string): Buffer => Buffer.from(text);

async function open(t: TestContext, ufs: MemoryUfs, refresh: RefreshPolicy, nowMs = Date.now): Promise<OpenNamespace> {
  const folder = mkdtempSync(join(tmpdir(), 'evermount-namespace-'));
  const namespace = await openNamespace({ folder, refresh }, { ufs, logger, nowMs });
  namespace.begin();
  t.after(async () => {
    await namespace.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return namespace;
}

test('lookup() asks the storage once however many ask, then answers at once until the time is over', async (t) => {
  const ufs = new MemoryUfs();
  ufs.put('file', 7);
  let nowMs = 1_000_000;
  const namespace = await open(t, ufs, { policy: 'ttl', ttlMs: 5_000 }, () => nowMs);
  const [one, two] = await Promise.all([
    namespace.lookup(ROOT_INO, name('file')),
    namespace.lookup(ROOT_INO, name('file')),
  ]);
  assert.deepEqual(one, two);
  assert.equal(ufs.requests.stat, 1);
  const again = namespace.lookup(ROOT_INO, name('file'));
  assert.ok(!(again instanceof Promise) && again?.sizeBytes === 7);
  nowMs += 5_000;
  ufs.put('file', 8);
  const changes: Change[] = [];
  namespace.onChange((found) => changes.push(...found));
  const later = await namespace.lookup(ROOT_INO, name('file'));
  assert.equal(later?.sizeBytes, 8);
  assert.equal(later.ino, one?.ino);
  assert.deepEqual(changes, [{ folder: ROOT_INO, name: name('file'), ino: one?.ino, what: 'changed' }]);
});

test('what is known is told while the storage does not answer, what is not known is refused', async (t) => {
  const ufs = new MemoryUfs();
  ufs.put('folder/file', 7);
  const namespace = await open(t, ufs, { policy: 'always' });
  await namespace.refresh(ROOT_INO, true);
  const before = await namespace.lookup(ROOT_INO, name('folder'));
  ufs.put('folder/new', 1);
  ufs.before = () => {
    throw new UfsError('Cannot reach it', { code: 'unavailable', path: '', why: 'test' });
  };
  assert.equal((await namespace.lookup(ROOT_INO, name('folder')))?.ino, before?.ino);
  assert.deepEqual(
    (await listAll(namespace, before?.ino ?? 0, 10)).map((one) => one.name),
    ['file'],
  );
  assert.equal(await namespace.lookup(before?.ino ?? 0, name('never')), undefined);
});

test('a storage that does not answer at all: what is known is told after a while, and from then on soon', async (t) => {
  const ufs = new MemoryUfs();
  ufs.put('folder/file', 7);
  ufs.put('other', 1);
  const namespace = await open(t, ufs, { policy: 'always' });
  await namespace.refresh(ROOT_INO, true);
  const known = await namespace.lookup(ROOT_INO, name('folder'));
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { promise: silence, resolve: speak } = Promise.withResolvers<undefined>();
  ufs.before = () => silence;
  const asked = namespace.lookup(ROOT_INO, name('folder'));
  t.mock.timers.tick(3_000);
  assert.equal((await asked)?.ino, known?.ino);
  const soon = async <T>(answer: T | Promise<T>): Promise<T> => {
    setImmediate(() => t.mock.timers.tick(200));
    return await answer;
  };
  for (let i = 0; i < 20; i++) assert.equal(await soon(namespace.lookup(ROOT_INO, name(`absent-${i}`))), undefined);
  assert.equal((await soon(namespace.lookup(ROOT_INO, name('other'))))?.sizeBytes, 1);
  assert.deepEqual(
    (await soon(listAll(namespace, known?.ino ?? 0, 10))).map((one) => one.name),
    ['file'],
  );
  ufs.before = undefined;
  ufs.put('other', 2);
  speak(undefined);
  await namespace.refresh(ROOT_INO, false);
  assert.equal((await namespace.lookup(ROOT_INO, name('other')))?.sizeBytes, 2);
});

test('a listing that breaks off leaves the folder incomplete and what was known known', async (t) => {
  const ufs = new MemoryUfs({ pageEntries: 2 });
  for (const file of ['a', 'b', 'c', 'd']) ufs.put(file, 1);
  const namespace = await open(t, ufs, { policy: 'never' });
  ufs.before = ({ op, page }) => {
    if (op === 'list' && page === 1) throw new UfsError('Cannot list', { code: 'unavailable', path: '', why: 'test' });
  };
  await assert.rejects(async () => await listAll(namespace, ROOT_INO, 10), UfsError);
  assert.ok(namespace.known(ROOT_INO, name('a')) !== undefined);
  ufs.before = undefined;
  assert.deepEqual(
    (await listAll(namespace, ROOT_INO, 2)).map((one) => one.name),
    ['a', 'b', 'c', 'd'],
  );
});

test('reading on after a name that has gone gives every name that stayed, once', async (t) => {
  const ufs = new MemoryUfs();
  for (const file of ['a', 'b', 'c', 'd']) ufs.put(file, 1);
  const namespace = await open(t, ufs, { policy: 'never' });
  const given: string[] = [];
  let cookie = 0;
  const take = (many: number) => async (): Promise<void> => {
    let left = many;
    await namespace.list(ROOT_INO, cookie, (file, _entry, next) => {
      if (left-- === 0) return false;
      given.push(file.toString());
      cookie = next;
      return true;
    });
  };
  await take(2)();
  ufs.remove('b');
  await namespace.refresh(ROOT_INO, false);
  await take(9)();
  await take(9)();
  assert.deepEqual(given, ['a', 'b', 'c', 'd']);
});

test('a walk through many folders costs about one flat listing', async (t) => {
  const ufs = new MemoryUfs({ pageEntries: 100 });
  for (let folder = 0; folder < 100; folder++) {
    for (let file = 0; file < 20; file++) ufs.put(`folder-${100 + folder}/file-${100 + file}`, 1);
  }
  const namespace = await open(t, ufs, { policy: 'never' });
  while (namespace.totals().files === undefined) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(namespace.totals(), { files: 2000, bytes: 2000 });
  const counted = ufs.requests.walk;
  let files = 0;
  for (const { entry } of await listAll(namespace, ROOT_INO, 1000)) {
    files += (await listAll(namespace, entry.ino, 1000)).length;
  }
  assert.equal(files, 2000);
  assert.ok(ufs.requests.list + ufs.requests.walk - counted <= 26, JSON.stringify(ufs.requests));
});

test('numbers that are skipped are never given out, and what has a number keeps it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'evermount-namespace-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const ufs = new MemoryUfs();
  const seen: (number | undefined)[] = [];
  for (const [file, numbersFrom] of [
    ['a', 1000],
    ['b', 5000],
    ['c', 2000], // a clock that was set back
  ] as const) {
    ufs.put(file, 1);
    const config = { folder, refresh: { policy: 'always' }, countsTotals: false, numbersFrom } as const;
    const namespace = await openNamespace(config, { ufs, logger });
    namespace.begin();
    seen.push((await namespace.lookup(ROOT_INO, name(file)))?.ino, (await namespace.lookup(ROOT_INO, name('a')))?.ino);
    await namespace.close();
  }
  assert.deepEqual(seen, [1000, 1000, 5000, 1000, 5001, 1000]);
});

test('lookup() of one name after another in a folder has it listed, so that the storage is not asked for each', async (t) => {
  const ufs = new MemoryUfs();
  for (let i = 0; i < 1_500; i++) ufs.put(`file-${i}`, i);
  const namespace = await open(t, ufs, { policy: 'never' });
  for (let i = 0; i < 1_500; i++) {
    assert.equal((await namespace.lookup(ROOT_INO, name(`file-${i}`)))?.sizeBytes, i);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(namespace.isListed(ROOT_INO));
  assert.equal(await namespace.lookup(ROOT_INO, name('missing')), undefined);
  assert.ok(ufs.requests.stat < 1_000, `${ufs.requests.stat} names were asked for`);
  assert.equal(ufs.requests.list, 2);
});

test('lookup() has no more than ten pages of a folder listed, and answers all of it', async (t) => {
  const ufs = new MemoryUfs({ pageEntries: 2 });
  for (let i = 10; i < 60; i++) ufs.put(`file-${i}`, i);
  const namespace = await open(t, ufs, { policy: 'never' });
  for (let i = 10; i < 60; i++) {
    assert.equal((await namespace.lookup(ROOT_INO, name(`file-${i}`)))?.sizeBytes, i);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.ok(!namespace.isListed(ROOT_INO));
  assert.ok(ufs.requests.list <= 11 && ufs.requests.stat >= 30, JSON.stringify(ufs.requests));
});
