// Keys that no file system can show as they are, and listings that cannot be right: over a bucket in memory, as MinIO takes
// no such keys.
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { createLogger } from '../../src/base/index.ts';
import type { Ufs, UfsEntry } from '../../src/cache/ufs/index.ts';
import { DEFAULT_RETRY } from '../../src/cache/ufs/retry.ts';
import { openS3 } from '../../src/cache/ufs/s3/index.ts';
import { PlainS3, type PlainS3Options } from '../support/plain-s3.ts';
import { listAll, readBytes, rejectsWith, versionOf, walkAll } from './ufs.ts';

const at = (path: string): Buffer => Buffer.from(path);

async function fresh(
  t: TestContext,
  keys: readonly string[],
  options: PlainS3Options = {},
  prefix = '',
): Promise<{ s3: PlainS3; ufs: Ufs }> {
  const s3 = await PlainS3.start(options);
  for (const key of keys) s3.put(key);
  const spec = {
    mountPoint: `s3://bucket/${prefix}`,
    path: '/',
    options: { 'fs.s3.endpoint': `127.0.0.1:${s3.port}` },
    secretFiles: {},
  };
  const ufs = openS3(spec, {
    logger: createLogger({ write: () => {} }),
    retry: { ...DEFAULT_RETRY, sleep: () => Promise.resolve() },
  });
  t.after(async () => {
    await ufs.close();
    await s3[Symbol.asyncDispose]();
  });
  return { s3, ufs };
}

interface Shown {
  names: Record<string, UfsEntry['kind']>;
  skipped: number;
}

async function shown(ufs: Ufs, folder: string): Promise<Shown> {
  const names: Shown['names'] = {};
  let skipped = 0;
  for await (const page of ufs.list(at(folder))) {
    for (const { name, kind } of page.entries) names[name.toString()] = kind;
    skipped += page.skipped;
  }
  return { names, skipped };
}

async function walked(ufs: Ufs, folder: string): Promise<{ paths: string[]; skipped: number }> {
  const paths: string[] = [];
  let skipped = 0;
  for await (const page of ufs.walk(at(folder))) {
    for (const { path, entry } of page.entries) {
      assert.deepEqual(entry.name, path.subarray(path.lastIndexOf('/') + 1));
      paths.push(path.toString());
    }
    skipped += page.skipped;
  }
  return { paths, skipped };
}

suite('keys of a bucket', () => {
  test('what has no name in a file system is left out and counted', async (t) => {
    const long = 'n'.repeat(256);
    const odd = [
      '/',
      '/lead',
      'a//b',
      'a/./c',
      'a/../d',
      './e',
      '../f',
      `a/${long}`,
      `${long}/g`,
      'nul\0',
      'a/nul\0/h',
    ];
    const { ufs } = await fresh(t, [...odd, 'a/fine', 'z']);
    const root = await shown(ufs, '');
    assert.deepEqual(root.names, { a: 'folder', z: 'file' });
    assert.equal(root.skipped, 5, 'the empty name, ".", "..", the long one and the one with NUL');
    assert.deepEqual(await shown(ufs, 'a'), { names: { fine: 'file' }, skipped: 5 });
    assert.deepEqual(await walked(ufs, ''), { paths: ['a/fine', 'z'], skipped: odd.length });
    for (const path of odd) assert.equal(await ufs.stat(at(path)), undefined, path);
  });

  test('control characters and any UTF-8 are shown as they are, and names may have 255 bytes', async (t) => {
    const names = [
      'a\x01\x1b\n\r\t\x7f',
      '\u{10ffff}',
      '\ufffe\uffff',
      'é',
      'e\u0301',
      'n'.repeat(255),
      '+ +',
      '%2F',
      '&lt;',
    ];
    const { ufs } = await fresh(
      t,
      names.map((each) => `in/${each}`),
    );
    const listed = await shown(ufs, 'in');
    assert.deepEqual(Object.keys(listed.names).sort(), [...names].sort());
    assert.equal(listed.skipped, 0);
    for (const name of names) {
      const path = at(`in/${name}`);
      const version = await versionOf(ufs, path);
      const { length } = path;
      assert.deepEqual(await readBytes(ufs, path, version, 0, length), path);
    }
  });

  test('a path that is not UTF-8, or longer than any key, is not there', async (t) => {
    const { s3, ufs } = await fresh(t, ['file']);
    for (const path of [Buffer.from([0x66, 0xff]), at('n/'.repeat(600) + 'n')]) {
      assert.equal(await ufs.stat(path), undefined);
      await rejectsWith('not-found', listAll(ufs, path));
      await rejectsWith('changed', readBytes(ufs, path, 'any', 0, 1));
    }
    assert.deepEqual(s3.seen, []);
  });

  for (const pageKeys of [1, 2, 3, 1000]) {
    test(`where a file and a folder have one name the folder is shown, in pages of ${pageKeys}`, async (t) => {
      const between = Array.from({ length: 9 }, (_, each) => `a-${each}`);
      const keys = ['a', ...between, 'a.txt', 'a/b', 'a/c', 'ab', 'b', 'b/c/d', 'b/c', 'c', 'd', 'd-', 'd-/x'];
      const { ufs } = await fresh(t, keys, { pageKeys });
      const root = await shown(ufs, '');
      assert.equal(root.names['a'], 'folder');
      assert.equal(root.names['b'], 'folder');
      assert.equal(root.names['c'], 'file');
      assert.equal(root.names['d'], 'file');
      assert.equal(root.names['d-'], 'folder');
      assert.equal(Object.keys(root.names).length, 16);
      assert.equal(root.skipped, 3);
      assert.deepEqual(await shown(ufs, 'b'), { names: { c: 'folder' }, skipped: 1 });
      const all = await walked(ufs, '');
      assert.deepEqual(all.paths, [...between, 'a.txt', 'a/b', 'a/c', 'ab', 'b/c/d', 'c', 'd', 'd-/x']);
      assert.equal(all.skipped, 4);
      for (const [path, kind] of Object.entries(root.names)) assert.equal((await ufs.stat(at(path)))?.kind, kind, path);
    });
  }

  test('a folder of odd keys only is an empty folder', async (t) => {
    const { ufs } = await fresh(t, ['a//b', 'b']);
    assert.deepEqual(await shown(ufs, 'a'), { names: {}, skipped: 1 });
    assert.equal((await ufs.stat(at('a')))?.kind, 'folder');
  });

  test('an object that is the folder itself is no entry, and counted only when it has bytes', async (t) => {
    const { s3, ufs } = await fresh(t, [], {}, 'prefix');
    s3.put('prefix/', '');
    s3.put('prefix/a/', 'bytes');
    assert.deepEqual(await shown(ufs, ''), { names: { a: 'folder' }, skipped: 0 });
    assert.deepEqual(await shown(ufs, 'a'), { names: {}, skipped: 1 });
  });

  test('keys beside the prefix are not in it', async (t) => {
    const { ufs } = await fresh(t, ['pre', 'pre/in', 'prefix', 'prefix/out'], {}, 'pre');
    assert.deepEqual(await shown(ufs, ''), { names: { in: 'file' }, skipped: 0 });
    assert.deepEqual(await walked(ufs, ''), { paths: ['in'], skipped: 0 });
  });

  test('a walk begins after a path, and with the next one', async (t) => {
    const keys = ['in/a', 'in/a-b', 'in/a/', 'in/a/x', 'in/b', 'in/c'];
    const { s3, ufs } = await fresh(t, keys, { pageKeys: 2 });
    const all = ['a-b', 'a', 'a/x', 'b', 'c'];
    const marks = ['a-b', 'a/', 'a/x', 'b', 'c'];
    for (const [each, mark] of marks.entries()) {
      const found: string[] = [];
      for await (const page of ufs.walk(at('in'), undefined, at(mark))) {
        found.push(...page.entries.map(({ path }) => path.toString()));
      }
      assert.deepEqual(found, all.slice(each + 1), mark);
    }
    assert.ok(s3.seen.some((request) => request.endsWith('&prefix=in%2F&start-after=in%2Fa%2F')));
  });

  test('the next page is asked for while one is looked at, and none beyond that', async (t) => {
    const keys = Array.from({ length: 10 }, (_, each) => `k${each}`);
    const { s3, ufs } = await fresh(t, keys, { pageKeys: 1 });
    for await (const _page of ufs.walk(at(''))) break;
    assert.ok(s3.seen.length <= 4, `${s3.seen.length} requests`);
    const found = await walkAll(ufs, at(''));
    assert.equal(found.length, 10);
  });
});

suite('listings that cannot be right', () => {
  const cases: Record<string, (xml: string) => string> = {
    'cut short': (xml) => xml.slice(0, xml.length - 30),
    'cut within a key': (xml) => xml.slice(0, xml.indexOf('<Key>') + 7),
    empty: () => '',
    'a page for people': () => '<html><body>Log in, please</body></html>',
    'without a size': (xml) => xml.replace(/<Size>\d+<\/Size>/, ''),
    'with a size that is none': (xml) => xml.replace(/<Size>\d+<\/Size>/, '<Size>-1</Size>'),
    'without an ETag': (xml) => xml.replace(/<ETag>.*?<\/ETag>/, ''),
    'with keys from elsewhere': (xml) => xml.replace('<Key>in/', '<Key>out/'),
    'without a token to go on': (xml) => xml.replace(/<NextContinuationToken>.*?<\/NextContinuationToken>/, ''),
    'in a circle': (xml) => xml.replace(/<NextContinuationToken>.*?</, '<NextContinuationToken>in/a<'),
    'out of order': (xml) => xml.replace(/(<Contents>.*?<\/Contents>)(<Contents>.*?<\/Contents>)/, '$2$1'),
  };
  for (const [what, listing] of Object.entries(cases)) {
    test(`${what}: bad-answer`, async (t) => {
      const { ufs } = await fresh(t, ['in/a', 'in/b', 'in/c', 'in/d'], { pageKeys: 2, listing });
      await rejectsWith('bad-answer', listAll(ufs, at('in')));
      await rejectsWith('bad-answer', walkAll(ufs, at('in')));
    });
  }

  test('keys that are not escaped though it was asked for are taken as they are', async (t) => {
    const listing = (xml: string): string =>
      xml.replace('<EncodingType>url</EncodingType>', '').replace('%C3%BC', '%41ü+');
    const { ufs } = await fresh(t, ['ü'], { listing });
    assert.deepEqual(await shown(ufs, ''), { names: { '%41ü+': 'file' }, skipped: 0 });
  });

  test('a page that fails is asked for again, and no name is given twice', async (t) => {
    let requests = 0;
    const answer: PlainS3Options['answer'] = (_request, response) => {
      requests += 1;
      if (requests % 2 === 0) return false;
      response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>');
      return true;
    };
    const keys = Array.from({ length: 20 }, (_, each) => `k${String(each).padStart(2, '0')}`);
    const { ufs } = await fresh(t, keys, { pageKeys: 3, answer });
    assert.deepEqual([...(await listAll(ufs, at(''))).keys()], keys);
    assert.deepEqual(
      (await walkAll(ufs, at(''))).map(({ path }) => path),
      keys,
    );
  });
});
