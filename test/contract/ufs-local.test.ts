// The contract of under storages, over folders of this machine; and what only folders have: links and other kinds of objects.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { openLocal } from '../../src/cache/ufs/local/index.ts';
import type { MountSpec, Ufs, UfsPage } from '../../src/cache/ufs/index.ts';
import { until } from '../support/wait.ts';
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

const FOLDER: UfsTraits = {
  hasFolders: true,
  hasPosix: true,
  isWritableByTest: true,
  walkIsOrdered: false,
  canKeep: () => true,
  secrets: [],
};

/** Puts by renaming over, as careful writers do. */
function folderStore(root: string, ufs: Ufs, end: () => void): UfsStore {
  const at = (path: Buffer): Buffer => Buffer.concat([Buffer.from(`${root}/`), path]);
  let puts = 0;
  return {
    ufs,
    async put(path, bytes) {
      const folder = path.subarray(0, Math.max(0, path.lastIndexOf('/')));
      mkdirSync(at(folder), { recursive: true });
      puts += 1;
      const temporary = `${root}.put-${puts}`;
      writeFileSync(temporary, bytes);
      renameSync(temporary, at(path));
    },
    async remove(path) {
      rmSync(at(path));
    },
    async makeFolder(path) {
      mkdirSync(at(path), { recursive: true });
    },
    async close() {
      await ufs.close();
      end();
    },
  };
}

function spec(mountPoint: string): MountSpec {
  return { mountPoint, path: '/', options: {}, secretFiles: {} };
}

ufsContract(
  'local',
  async () => {
    const base = mkdtempSync(join(tmpdir(), 'evermount-ufs-'));
    const root = join(base, 'root');
    mkdirSync(root);
    return folderStore(root, await openLocal(spec(`local://${root}`), {}), () => rmSync(base, { recursive: true }));
  },
  FOLDER,
);

ufsContract(
  'pvc',
  async () => {
    const base = mkdtempSync(join(tmpdir(), 'evermount-ufs-'));
    const root = join(base, 'claim', 'dir');
    mkdirSync(root, { recursive: true });
    const ufs = await openLocal(spec('pvc://data/dir'), { claims: { data: dirname(root) } });
    return folderStore(root, ufs, () => rmSync(base, { recursive: true }));
  },
  FOLDER,
);

suite('under storage: what only folders have', () => {
  async function openTree(t: TestContext): Promise<{ base: string; root: string; ufs: Ufs }> {
    const base = mkdtempSync(join(tmpdir(), 'evermount-ufs-'));
    const root = join(base, 'root');
    mkdirSync(root);
    const ufs = await openLocal(spec(`local:${root}`), {});
    t.after(async () => {
      await ufs.close();
      rmSync(base, { recursive: true });
    });
    return { base, root, ufs };
  }
  const bytes = (path: string): Buffer => Buffer.from(path);

  test('a link is an entry with its text, and nothing is read or listed through it', async (t) => {
    const { base, root, ufs } = await openTree(t);
    mkdirSync(join(base, 'outside'));
    writeFileSync(join(base, 'outside', 'secret'), 'secret');
    mkdirSync(join(root, 'inside'));
    writeFileSync(join(root, 'inside', 'file'), 'file');
    symlinkSync('../outside', join(root, 'out'));
    symlinkSync('../outside/secret', join(root, 'out-file'));
    symlinkSync('inside', join(root, 'in'));
    const entries = await listAll(ufs, bytes(''));
    assert.deepEqual([...entries.keys()].sort(), ['in', 'inside', 'out', 'out-file']);
    assert.equal(entries.get('out')?.kind, 'link');
    assert.deepEqual(entries.get('out')?.target, bytes('../outside'));
    assert.deepEqual(await ufs.stat(bytes('out-file')), entries.get('out-file'));
    for (const path of ['out/secret', 'in/file']) {
      assert.equal(await ufs.stat(bytes(path)), undefined, path);
      await rejectsWith('changed', readBytes(ufs, bytes(path), 'any', 0, 1), path);
    }
    await rejectsWith('changed', readBytes(ufs, bytes('out-file'), 'any', 0, 1));
    await rejectsWith('not-found', listAll(ufs, bytes('out')));
    await rejectsWith('not-found', walkAll(ufs, bytes('in')));
    const walked = await walkAll(ufs, bytes(''));
    assert.deepEqual(walked.map(({ path }) => path).sort(), ['in', 'inside/file', 'out', 'out-file']);
  });

  test('pipes and sockets are left out, and counted', async (t) => {
    const { root, ufs } = await openTree(t);
    execFileSync('mkfifo', [join(root, 'pipe')]);
    writeFileSync(join(root, 'file'), 'x');
    const pages: UfsPage[] = [];
    for await (const page of ufs.list(bytes(''))) pages.push(page);
    assert.deepEqual(
      pages.flatMap((page) => page.entries.map((entry) => entry.name.toString())),
      ['file'],
    );
    assert.equal(
      pages.reduce((sum, page) => sum + page.skipped, 0),
      1,
    );
    assert.equal(await ufs.stat(bytes('pipe')), undefined);
    await rejectsWith('changed', readBytes(ufs, bytes('pipe'), 'any', 0, 1));
  });

  test('a walk names empty folders, and only those', async (t) => {
    const { root, ufs } = await openTree(t);
    mkdirSync(join(root, 'full/empty'), { recursive: true });
    mkdirSync(join(root, 'full/not-empty'));
    writeFileSync(join(root, 'full/not-empty/file'), 'x');
    const walked = await walkAll(ufs, bytes(''));
    assert.deepEqual(walked.map(({ path, kind }) => `${kind} ${path}`).sort(), [
      'file full/not-empty/file',
      'folder full/empty',
    ]);
  });

  test('owner and permission bits are those of the file', async (t) => {
    const { root, ufs } = await openTree(t);
    writeFileSync(join(root, 'file'), 'x');
    chmodSync(join(root, 'file'), 0o4750);
    const entry = await ufs.stat(bytes('file'));
    assert.deepEqual(entry?.posix, { mode: 0o4750, uid: process.getuid?.(), gid: process.getgid?.() });
  });

  test('a file rewritten in place, of the same size and with its old time, has another version', async (t) => {
    const { root, ufs } = await openTree(t);
    const file = join(root, 'file');
    writeFileSync(file, 'old bytes');
    utimesSync(file, 1_000_000_000, 1_000_000_000);
    const old = await versionOf(ufs, bytes('file'));
    writeFileSync(file, 'new bytes');
    utimesSync(file, 1_000_000_000, 1_000_000_000);
    assert.notEqual(await versionOf(ufs, bytes('file')), old);
    await rejectsWith('changed', readBytes(ufs, bytes('file'), old, 0, 9));
  });

  test('a file cut short while it is read is changed, and no byte is given after that', async (t) => {
    const { root, ufs } = await openTree(t);
    const file = join(root, 'file');
    writeFileSync(file, Buffer.alloc(5 * 1024 * 1024, 1));
    const version = await versionOf(ufs, bytes('file'));
    let chunks = 0;
    const reading = ufs.read(bytes('file'), version, 0, 5 * 1024 * 1024, () => {
      chunks += 1;
      truncateSync(file, 3);
    });
    await rejectsWith('changed', reading);
    assert.equal(chunks, 1);
  });

  test('a file rewritten in place while it is read is changed, and no byte of the new content is given', async (t) => {
    const { root, ufs } = await openTree(t);
    const file = join(root, 'file');
    writeFileSync(file, Buffer.alloc(5 * 1024 * 1024, 1));
    const version = await versionOf(ufs, bytes('file'));
    let given = 0;
    const reading = ufs.read(bytes('file'), version, 0, 5 * 1024 * 1024, (chunk) => {
      assert.ok(chunk.every((byte) => byte === 1));
      if (given === 0) writeFileSync(file, Buffer.alloc(5 * 1024 * 1024, 2), { flag: 'r+' });
      given += chunk.length;
    });
    await rejectsWith('changed', reading);
    assert.ok(given > 0);
  });

  test('no descriptor is left open, however a call ends', async (t) => {
    const { root, ufs } = await openTree(t);
    mkdirSync(join(root, 'a/b/c/d'), { recursive: true });
    for (let each = 0; each < 3000; each += 1) writeFileSync(join(root, 'a/b', `file-${each}`), 'x');
    const openNow = (): number => readdirSync('/proc/self/fd').length;
    const before = openNow();
    const version = await versionOf(ufs, bytes('a/b/file-1'));
    for await (const _ of ufs.list(bytes('a/b'))) break;
    for await (const _ of ufs.walk(bytes(''))) break;
    await walkAll(ufs, bytes(''));
    await readBytes(ufs, bytes('a/b/file-1'), version, 0, 1);
    await rejectsWith('changed', readBytes(ufs, bytes('a/b/file-1'), 'another', 0, 1));
    await rejectsWith('not-found', listAll(ufs, bytes('a/b/file-1')));
    await rejectsWith('changed', readBytes(ufs, bytes('a/b'), version, 0, 1));
    await until('as many descriptors as before', () => openNow() === before);
  });

  test('the root stays the folder it was when it was opened', async (t) => {
    const { base, root, ufs } = await openTree(t);
    writeFileSync(join(root, 'file'), 'the first');
    renameSync(root, join(base, 'moved'));
    mkdirSync(root);
    writeFileSync(join(root, 'other'), 'x');
    assert.deepEqual([...(await listAll(ufs, bytes(''))).keys()], ['file']);
  });

  test('what is no folder cannot be opened', async (t) => {
    const { root } = await openTree(t);
    writeFileSync(join(root, 'file'), 'x');
    symlinkSync('/', join(root, 'slash'));
    await rejectsWith('not-found', openLocal(spec(`local://${root}/missing`), {}));
    await rejectsWith('not-found', openLocal(spec(`local://${root}/file`), {}));
    for (const text of ['local://relative', 'local:relative', 'local:', 'local://'])
      await rejectsWith('bad-config', openLocal(spec(text), {}));
    await rejectsWith('bad-config', openLocal(spec('pvc://'), {}));
    await rejectsWith('bad-config', openLocal(spec('pvc://claim'), { claims: { other: root } }));
    await rejectsWith('not-found', openLocal(spec('pvc://claim/slash'), { claims: { claim: root } }));
    await rejectsWith('not-found', openLocal(spec('pvc://claim/..'), { claims: { claim: root } }));
  });
});
