// The contract of under storages over several mounted as one, and what shows where one is mounted in another.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { openLocal } from '../../src/cache/ufs/local/index.ts';
import { MountTable, UfsError, WholeMount, type Ufs } from '../../src/cache/ufs/index.ts';
import { MemoryUfs } from '../support/memory-ufs.ts';
import {
  listAll,
  readBytes,
  rejectsWith,
  ufsContract,
  versionOf,
  walkAll,
  type UfsStore,
  type UfsTraits,
} from './ufs.ts';

const TRAITS: UfsTraits = {
  hasFolders: true,
  hasPosix: true,
  isWritableByTest: true,
  walkIsOrdered: false,
  canKeep: () => true,
  secrets: [],
};

/** Folders of this machine at these paths; the deepest one on the way to a path gets what is put there. */
async function storeOf(paths: readonly string[]): Promise<UfsStore> {
  const base = mkdtempSync(join(tmpdir(), 'evermount-table-'));
  const roots = new Map<string, string>();
  const mounts: { path: string; ufs: Ufs }[] = [];
  for (const [each, path] of paths.entries()) {
    const root = join(base, `storage-${each}`);
    mkdirSync(root);
    roots.set(path, root);
    mounts.push({
      path,
      ufs: await openLocal({ mountPoint: `local:${root}`, path, options: {}, secretFiles: {} }, {}),
    });
  }
  const deepest = [...paths].sort((one, other) => other.length - one.length);
  const place = (path: Buffer): string => {
    const whole = `/${path.toString('latin1')}`;
    const mount = deepest.find((each) => each === '/' || whole.startsWith(`${each}/`)) ?? '/';
    return join(roots.get(mount)!, mount === '/' ? whole : whole.slice(mount.length));
  };
  const ufs = new MountTable(mounts);
  let puts = 0;
  return {
    ufs,
    async put(path, bytes) {
      mkdirSync(Buffer.from(dirname(place(path)), 'latin1'), { recursive: true });
      puts += 1;
      writeFileSync(join(base, `put-${puts}`), bytes);
      renameSync(join(base, `put-${puts}`), Buffer.from(place(path), 'latin1'));
    },
    async remove(path) {
      rmSync(Buffer.from(place(path), 'latin1'));
    },
    async makeFolder(path) {
      mkdirSync(Buffer.from(place(path), 'latin1'), { recursive: true });
    },
    async close() {
      await ufs.close();
      rmSync(base, { recursive: true });
    },
  };
}

ufsContract('a mount table of one', () => storeOf(['/']), TRAITS);
ufsContract(
  'a mount table of several, one within another',
  () =>
    storeOf(['/', '/walked/f1', '/walked/f1/g2', '/odd-folders', '/many', '/nested/one/two', '/crowd/d3', '/edges']),
  TRAITS,
);

suite('mount table', () => {
  const bytes = (text: string): Buffer => Buffer.from(text);
  const memory = (identity: string, ...paths: string[]): MemoryUfs => {
    const ufs = new MemoryUfs({ identity, pageEntries: 3 });
    for (const path of paths) {
      if (path.endsWith('/')) ufs.makeFolder(path.slice(0, -1));
      else ufs.put(path, bytes(`${identity} ${path}`));
    }
    return ufs;
  };
  const names = async (ufs: Ufs, folder: string): Promise<string[]> =>
    [...(await listAll(ufs, bytes(folder)))].map(([name, { kind }]) => (kind === 'folder' ? `${name}/` : name)).sort();
  const text = async (ufs: Ufs, path: string): Promise<string> => {
    const entry = await ufs.stat(bytes(path));
    assert.equal(entry?.kind, 'file', path);
    return (await readBytes(ufs, bytes(path), entry.version, 0, entry.sizeBytes)).toString();
  };

  test('without a mount at the root, folders lead to where the mounts are', async () => {
    const table = new MountTable([
      { path: '/a/b', ufs: memory('one', 'file') },
      { path: '/c', ufs: memory('two', 'x/file') },
    ]);
    assert.deepEqual(await names(table, ''), ['a/', 'c/']);
    assert.deepEqual(await names(table, 'a'), ['b/']);
    assert.deepEqual(await names(table, 'a/b'), ['file']);
    assert.equal((await table.stat(bytes('')))?.kind, 'folder');
    assert.deepEqual((await table.stat(bytes('a')))?.name, bytes('a'));
    assert.deepEqual((await table.stat(bytes('a/b')))?.name, bytes('b'));
    assert.equal(await table.stat(bytes('d')), undefined);
    assert.equal(await table.stat(bytes('a/x')), undefined);
    assert.equal(await text(table, 'a/b/file'), 'one file');
    assert.equal(await text(table, 'c/x/file'), 'two x/file');
    await rejectsWith('not-found', listAll(table, bytes('d')));
    await rejectsWith('not-found', listAll(table, bytes('a/x')));
    await rejectsWith('changed', readBytes(table, bytes('a'), 'any', 0, 1));
    assert.equal(table.identity, '/a/b=one /c=two');
  });

  test('at and below a mount point nothing shows of what it stands in', async () => {
    const outer = memory('outer', 'a/hidden', 'a/b/hidden', 'a-b', 'c', 'd/shown');
    const table = new MountTable([
      { path: '/', ufs: outer },
      { path: '/a', ufs: memory('inner', 'file') },
      { path: '/c/deep', ufs: memory('deep', 'file') },
      { path: '/d/e', ufs: memory('beside', 'file') },
    ]);
    assert.deepEqual(await names(table, ''), ['a-b', 'a/', 'c/', 'd/']);
    assert.deepEqual(await names(table, 'a'), ['file']);
    assert.deepEqual(await names(table, 'c'), ['deep/']);
    assert.deepEqual(await names(table, 'd'), ['e/', 'shown']);
    assert.equal(await table.stat(bytes('a/hidden')), undefined);
    assert.equal((await table.stat(bytes('c')))?.kind, 'folder');
    const hidden = await new WholeMount(outer).stat(bytes('c'));
    await rejectsWith('changed', readBytes(table, bytes('c'), hidden!.version, 0, 1));
    const walked = (await walkAll(table, bytes(''))).map(({ path }) => path);
    assert.deepEqual(walked, ['a-b', 'a/file', 'c/deep/file', 'd/e/file', 'd/shown']);
    assert.deepEqual(
      (await walkAll(table, bytes('c'))).map(({ path }) => path),
      ['deep/file'],
    );
  });

  test('a version is that of one storage: another one at the same path has none of its files', async () => {
    const one = new MemoryUfs({ identity: 'one' });
    const other = new MemoryUfs({ identity: 'other' });
    for (const ufs of [one, other]) ufs.put('file', bytes('same'), { version: 'same' });
    const before = new MountTable([{ path: '/a', ufs: one }]);
    const after = new MountTable([{ path: '/a', ufs: other }]);
    const version = await versionOf(before, bytes('a/file'));
    assert.notEqual(await versionOf(after, bytes('a/file')), version);
    await rejectsWith('changed', readBytes(after, bytes('a/file'), version, 0, 4));
    assert.equal((await readBytes(before, bytes('a/file'), version, 0, 4)).toString(), 'same');
  });

  test('a walk over ordered storages is ordered, and goes on after any path', async () => {
    const table = new MountTable([
      { path: '/', ufs: memory('outer', 'a', 'b-', 'b/hidden', 'b0', 'c/x', 'c/z', 'd/', 'm/hidden', 'z') },
      { path: '/b', ufs: memory('inner', '0', '1', '2', '3', '4', 'e/') },
      { path: '/c/y', ufs: memory('deep', 'file', 'file2') },
      { path: '/m', ufs: memory('empty') },
    ]);
    assert.ok(table.walkIsOrdered);
    const walked = await walkAll(table, bytes(''));
    const paths = walked.map(({ path, kind }) => (kind === 'folder' ? `${path}/` : path));
    const expected = ['a', 'b-', 'b/0', 'b/1', 'b/2', 'b/3', 'b/4', 'b/e/', 'b0', 'c/x', 'c/y/file', 'c/y/file2'];
    expected.push('c/z', 'd/', 'm/', 'z');
    assert.deepEqual(paths, expected);
    for (const [each, path] of expected.entries()) {
      const rest: string[] = [];
      for await (const page of table.walk(bytes(''), undefined, bytes(path)))
        rest.push(
          ...page.entries.map(({ path: at, entry }) => `${at.toString()}${entry.kind === 'folder' ? '/' : ''}`),
        );
      assert.deepEqual(rest, expected.slice(each + 1), `after ${path}`);
    }
  });

  test('a storage that is away does not take the folder it is mounted in with it', async () => {
    const away = memory('away', 'file');
    away.before = () => {
      throw new UfsError('away', { code: 'unavailable', path: '/', why: 'away' });
    };
    const table = new MountTable([
      { path: '/', ufs: memory('here', 'file') },
      { path: '/away', ufs: away },
    ]);
    assert.deepEqual(await names(table, ''), ['away/', 'file']);
    assert.equal(await text(table, 'file'), 'here file');
    await rejectsWith('unavailable', listAll(table, bytes('away')));
    await rejectsWith('unavailable', table.stat(bytes('away/file')));
    await rejectsWith('unavailable', walkAll(table, bytes('')));
  });

  test('paths to mount at are whole, and each is taken once', () => {
    const ufs = memory('one');
    for (const path of ['', 'a', '/a/', '//', '/a//b', '/..', '/a/.']) {
      assert.throws(() => new MountTable([{ path, ufs }]), { code: 'bad-config' }, path);
    }
    const twice = [ufs, ufs].map((each) => ({ path: '/a', ufs: each }));
    assert.throws(() => new MountTable(twice), { code: 'bad-config' });
    assert.throws(() => new MountTable([]), { code: 'bad-config' });
  });
});
