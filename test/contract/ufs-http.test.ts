// The contract of under storages, over the indexes of real web servers; and what only web servers do.
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { openHttp } from '../../src/cache/ufs/http/index.ts';
import type { MountSpec } from '../../src/cache/ufs/index.ts';
import { requireProgram, startApache, startNginx, type HttpServer } from '../support/http-servers.ts';
import { listAll, readBytes, rejectsWith, ufsContract, versionOf, type UfsStore, type UfsTraits } from './ufs.ts';

const TRAITS: UfsTraits = {
  hasFolders: true,
  hasPosix: false,
  isWritableByTest: true,
  walkIsOrdered: false,
  canKeep: () => true,
  secrets: ['a secret'],
};
const DOT = 0x2e;
/** Servers tell times to the second, so each put has a second of its own, all of them in the past. */
const OLDEST_S = Math.floor(Date.now() / 1000) - 80_000;

function spec(mountPoint: string): MountSpec {
  return { mountPoint, path: '/', options: {}, secretFiles: {} };
}

async function storeOf(server: HttpServer, below: string): Promise<UfsStore> {
  const root = join(server.root, below);
  mkdirSync(root, { recursive: true });
  const ufs = await openHttp(spec(`${server.url}${encodeURI(below)}`));
  const at = (path: Buffer): Buffer => Buffer.concat([Buffer.from(`${root}/`), path]);
  let puts = 0;
  return {
    ufs,
    async put(path, bytes) {
      mkdirSync(at(path.subarray(0, Math.max(0, path.lastIndexOf('/')))), { recursive: true });
      puts += 1;
      const temporary = join(server.root, '..', `put-${puts}`);
      writeFileSync(temporary, bytes);
      utimesSync(temporary, OLDEST_S + puts, OLDEST_S + puts);
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
      await server.stop();
    },
  };
}

const nginx = { skip: requireProgram('nginx') };
const apache = { skip: requireProgram('apache2') };

ufsContract('http, nginx', async () => storeOf(await startNginx(), 'data set 100%/'), {
  ...TRAITS,
  ...nginx,
  canKeep: (name) => name[0] !== DOT,
});
for (const options of ['', 'FancyIndexing', 'FancyIndexing HTMLTable IconsAreLinks FoldersFirst']) {
  const title = `http, Apache, IndexOptions ${options === '' ? 'none' : options}`;
  ufsContract(title, async () => storeOf(await startApache(options), ''), { ...TRAITS, ...apache });
}

suite('under storage: what only web servers do', () => {
  const bytes = (text: string): Buffer => Buffer.from(text);

  test('one file is a folder with that file in it', nginx, async (t) => {
    const server = await startNginx();
    t.after(() => server.stop());
    writeFileSync(join(server.root, 'one 100%.bin'), 'twelve bytes');
    writeFileSync(join(server.root, 'other'), 'other');
    const ufs = await openHttp(spec(`${server.url}one%20100%25.bin`));
    t.after(() => ufs.close());
    const name = bytes('one 100%.bin');
    assert.equal((await ufs.stat(bytes('')))?.kind, 'folder');
    const entries = await listAll(ufs, bytes(''));
    assert.deepEqual([...entries.keys()], ['one 100%.bin']);
    assert.deepEqual(await ufs.stat(name), entries.get('one 100%.bin'));
    assert.equal((await readBytes(ufs, name, await versionOf(ufs, name), 7, 5)).toString(), 'bytes');
    assert.equal(await ufs.stat(bytes('other')), undefined);
    await rejectsWith('changed', readBytes(ufs, bytes('other'), 'any', 0, 1));
    await rejectsWith('not-found', listAll(ufs, name));
  });

  test('a folder may be named without the slash at its end', nginx, async (t) => {
    const server = await startNginx();
    t.after(() => server.stop());
    mkdirSync(join(server.root, 'folder'));
    writeFileSync(join(server.root, 'folder', 'file'), 'twelve bytes');
    const ufs = await openHttp(spec(`${server.url}folder`));
    t.after(() => ufs.close());
    assert.deepEqual([...(await listAll(ufs, bytes(''))).keys()], ['file']);
    assert.equal((await ufs.stat(bytes('file')))?.sizeBytes, 12);
  });

  test('what the server redirects to elsewhere is denied, within itself it is followed', apache, async (t) => {
    const server = await startApache(
      '',
      'Redirect /away http://elsewhere.invalid/\nRedirect /moved /file\nRedirect /loop /loop',
    );
    t.after(() => server.stop());
    writeFileSync(join(server.root, 'file'), 'twelve bytes');
    const ufs = await openHttp(spec(server.url));
    t.after(() => ufs.close());
    await rejectsWith('denied', ufs.stat(bytes('away')));
    await rejectsWith('denied', ufs.stat(bytes('loop')));
    assert.equal((await ufs.stat(bytes('moved')))?.sizeBytes, 12);
    const version = await versionOf(ufs, bytes('moved'));
    assert.equal((await readBytes(ufs, bytes('moved'), version, 0, 6)).toString(), 'twelve');
  });

  test('a server without ranges is read from its beginning', apache, async (t) => {
    const server = await startApache('', 'MaxRanges none\nHeader unset Accept-Ranges');
    t.after(() => server.stop());
    const whole = Buffer.from(Array.from({ length: 500_000 }, (_, each) => each % 251));
    writeFileSync(join(server.root, 'file'), whole);
    const ufs = await openHttp(spec(server.url));
    t.after(() => ufs.close());
    const version = await versionOf(ufs, bytes('file'));
    for (const [offset, length] of [
      [0, 10],
      [123_456, 100_000],
      [499_999, 1],
    ] as const) {
      const found = await readBytes(ufs, bytes('file'), version, offset, length);
      assert.ok(found.equals(whole.subarray(offset, offset + length)), `${length} bytes from ${offset}`);
    }
  });

  test('what is listed and not given is left out of the listing, and counted', nginx, async (t) => {
    const server = await startNginx('location /closed { return 403; }');
    t.after(() => server.stop());
    for (const name of ['open', 'closed']) writeFileSync(join(server.root, name), 'x');
    symlinkSync('nowhere', join(server.root, 'dangling'));
    const ufs = await openHttp(spec(server.url));
    t.after(() => ufs.close());
    let skipped = 0;
    const names: string[] = [];
    for await (const page of ufs.list(bytes(''))) {
      skipped += page.skipped;
      names.push(...page.entries.map((entry) => entry.name.toString()));
    }
    assert.deepEqual(names, ['open']);
    assert.equal(skipped, 1);
    await rejectsWith('denied', ufs.stat(bytes('closed')));
  });

  test('a server that refuses for now is unavailable, and tells for how long', nginx, async (t) => {
    const server = await startNginx('location / { add_header Retry-After 7 always; return 503; }');
    t.after(() => server.stop());
    const ufs = await openHttp(spec(server.url));
    t.after(() => ufs.close());
    await assert.rejects(ufs.stat(bytes('file')), (err: { fault?: unknown }) => {
      const why = 'the server answers 503';
      assert.deepEqual(err.fault, { code: 'unavailable', path: '/file', why, retryAfterMs: 7000 });
      return true;
    });
    await rejectsWith('unavailable', listAll(ufs, bytes('')));
    await rejectsWith('unavailable', readBytes(ufs, bytes('file'), 'any', 0, 1));
  });

  test('a server that is not there is unavailable', nginx, async (t) => {
    const server = await startNginx();
    const ufs = await openHttp(spec(server.url));
    t.after(() => ufs.close());
    writeFileSync(join(server.root, 'file'), 'x');
    assert.equal((await ufs.stat(bytes('file')))?.sizeBytes, 1);
    await server.stop();
    await rejectsWith('unavailable', ufs.stat(bytes('file')));
    await rejectsWith('unavailable', listAll(ufs, bytes('')));
  });
});
