// What every under storage owes, whoever keeps the bytes: run over each implementation against the real thing.
//
// One storage serves the whole suite; every test works in a folder of its own, so nothing has to be emptied in between.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { UfsError, type Ufs, type UfsEntry, type UfsFault } from '../../src/cache/ufs/index.ts';

export interface UfsStore {
  readonly ufs: Ufs;
  /** Places a file, with the folders above it where the storage has such; one that was there gets another version. */
  put(path: Buffer, bytes: Buffer): Promise<void>;
  /** The file is gone from the storage when this resolves. */
  remove(path: Buffer): Promise<void>;
  /** Makes an empty folder; only where `hasFolders`. */
  makeFolder?(path: Buffer): Promise<void>;
  close(): Promise<void>;
}

export interface UfsTraits {
  /** Why it cannot run here, for the report. */
  readonly skip?: string | false;
  /** A folder may be there without a file in it. */
  readonly hasFolders: boolean;
  /** Files have owners and permission bits. */
  readonly hasPosix: boolean;
  /** put and remove work on what was placed before. */
  readonly isWritableByTest: boolean;
  readonly walkIsOrdered: boolean;
  /** Whether the storage, and the program that lists it, can have a file of this name at all. */
  readonly canKeep: (name: Buffer) => boolean;
  /** Texts that must not show in the identity. */
  readonly secrets: readonly string[];
}

/** More than two pages of any storage's listing. */
const MANY = 2500;
const BIG_BYTES = 9 * 1024 * 1024 + 17;

const NAMES: readonly Buffer[] = [
  'with space',
  ' leading and trailing ',
  'grüße 漢字 🗻',
  'e\u0301 and \u00e9', // composed and not: other bytes, another name
  '100%',
  '%41',
  '%2F',
  '%00',
  '%zz%',
  'a+b',
  '#hash',
  'what?',
  '?C=N;O=D',
  'a&b&amp;c',
  '&lt;b&gt;<i>',
  `it's "quoted" \`so\``,
  'back\\slash',
  'semi;colon,comma',
  'a=b@c$d!e*f(g)',
  '[brackets]{braces}|^',
  'colon:in:name',
  'http:',
  '-dash',
  '~tilde',
  'a..b',
  'ends.',
  '.hidden',
  '...',
  'new\nline',
  'carriage\rreturn',
  'tab\tand \x01\x1b\x7f',
  'ü'.repeat(127),
  'n'.repeat(255),
]
  .map((name) => Buffer.from(name))
  .concat([Buffer.from([0x66, 0xff, 0xfe, 0x80, 0x2e, 0x62])]);

export function ufsContract(name: string, open: () => Promise<UfsStore>, traits: UfsTraits): void {
  suite(`under storage: ${name}`, { skip: traits.skip ?? false }, () => {
    let store: UfsStore;
    let close = async (): Promise<void> => {};
    before(async () => {
      store = await open();
      close = () => store.close();
    });
    after(() => close());

    test('the identity names the place and no secret', () => {
      const { identity } = store.ufs;
      assert.ok(identity.length > 0);
      for (const secret of traits.secrets) assert.ok(!identity.includes(secret), identity);
    });

    test('the root is a folder, and lists what is in it', async () => {
      await store.put(at('in-root'), Buffer.from('x'));
      const root = await store.ufs.stat(at(''));
      assert.equal(root?.kind, 'folder');
      assert.equal(root.version, '');
      assert.equal(root.sizeBytes, 0);
      const entries = await listAll(store.ufs, at(''));
      assert.equal(entries.get('in-root')?.kind, 'file');
    });

    test('folders within folders are listed one level at a time', async () => {
      await store.put(at('nested/one/two/three/leaf'), Buffer.from('leaf'));
      await store.put(at('nested/one/file'), Buffer.from('file'));
      await store.put(at('nested/one-more/file'), Buffer.from('more'));
      assert.deepEqual(await kinds(store.ufs, 'nested'), { one: 'folder', 'one-more': 'folder' });
      assert.deepEqual(await kinds(store.ufs, 'nested/one'), { two: 'folder', file: 'file' });
      assert.deepEqual(await kinds(store.ufs, 'nested/one/two'), { three: 'folder' });
      assert.deepEqual(await kinds(store.ufs, 'nested/one/two/three'), { leaf: 'file' });
    });

    test('a folder is told from a file that has its name as a beginning', async () => {
      for (const path of ['like/a/x', 'like/a.txt', 'like/a-b/x', 'like/ab'])
        await store.put(at(path), Buffer.from('x'));
      assert.deepEqual(await kinds(store.ufs, 'like'), { a: 'folder', 'a.txt': 'file', 'a-b': 'folder', ab: 'file' });
      assert.deepEqual(await kinds(store.ufs, 'like/a'), { x: 'file' });
      assert.equal(await store.ufs.stat(at('like/a-')), undefined);
      assert.equal((await store.ufs.stat(at('like/a')))?.kind, 'folder');
    });

    test(
      'an empty folder is there and lists nothing',
      { skip: unless(traits.hasFolders, 'no empty folders') },
      async () => {
        await store.makeFolder?.(at('hollow/empty'));
        assert.equal((await store.ufs.stat(at('hollow/empty')))?.kind, 'folder');
        assert.deepEqual(await kinds(store.ufs, 'hollow'), { empty: 'folder' });
        assert.deepEqual(await kinds(store.ufs, 'hollow/empty'), {});
      },
    );

    test('a folder of many entries lists each exactly once', async () => {
      const expected = Array.from({ length: MANY }, (_, each) => `entry-${each}`);
      await putAll(
        store,
        expected.map((each) => `many/${each}`),
      );
      await store.put(at('many/folder-among-them/file'), Buffer.from('x'));
      expected.push('folder-among-them');
      const found: string[] = [];
      let skipped = 0;
      for await (const page of store.ufs.list(at('many'))) {
        found.push(...page.entries.map((entry) => entry.name.toString()));
        skipped += page.skipped;
      }
      assert.equal(skipped, 0);
      assert.equal(found.length, expected.length);
      assert.deepEqual(found.sort(), expected.sort());
    });

    test('a listing can be left after its first page', async () => {
      await store.put(at('left/file'), Buffer.from('x'));
      for await (const page of store.ufs.list(at('left'))) {
        assert.ok(page.entries.length > 0);
        break;
      }
      assert.deepEqual(await kinds(store.ufs, 'left'), { file: 'file' });
    });

    test('stat says of a file what the listing says', async () => {
      await store.put(at('stat/file'), Buffer.from('twelve bytes'));
      const entry = await store.ufs.stat(at('stat/file'));
      const listed = (await listAll(store.ufs, at('stat'))).get('file');
      assert.ok(entry !== undefined && listed !== undefined);
      assert.deepEqual(entry, listed);
      assert.deepEqual(entry.name, Buffer.from('file'));
      assert.equal(entry.kind, 'file');
      assert.equal(entry.sizeBytes, 12);
      assert.ok(entry.version.length > 0);
      assert.ok(Math.abs(entry.mtimeMs - Date.now()) < 86_400_000, `modified at ${entry.mtimeMs}`);
      assert.equal(entry.posix === undefined, !traits.hasPosix);
    });

    test('stat of a folder has no size and no version', async () => {
      await store.put(at('stat-folder/inner/file'), Buffer.from('x'));
      const entry = await store.ufs.stat(at('stat-folder/inner'));
      assert.deepEqual(entry?.name, Buffer.from('inner'));
      assert.equal(entry.kind, 'folder');
      assert.equal(entry.sizeBytes, 0);
      assert.equal(entry.version, '');
    });

    test('stat of what is not there, also below a file, is nothing', async () => {
      await store.put(at('absent/file'), Buffer.from('x'));
      for (const path of ['absent/missing', 'absent/fil', 'absent/file/below', 'absent/no/such', 'absent/FILE']) {
        assert.equal(await store.ufs.stat(at(path)), undefined, path);
      }
    });

    test('a path that is none, or would lead out, is nothing', async () => {
      await store.put(at('inside/file'), Buffer.from('x'));
      for (const path of [
        '..',
        '../inside',
        'inside/..',
        'inside/../inside/file',
        '.',
        'inside/./file',
        'inside//file',
        '/inside',
        'inside/',
      ]) {
        assert.equal(await store.ufs.stat(at(path)), undefined, path);
        await rejectsWith('not-found', listAll(store.ufs, at(path)), path);
      }
      assert.equal(await store.ufs.stat(Buffer.from('inside/fi\0le')), undefined);
    });

    test('listing what is missing, or a file, is not-found', async () => {
      await store.put(at('unlisted/file'), Buffer.from('x'));
      await rejectsWith('not-found', listAll(store.ufs, at('unlisted/missing')));
      await rejectsWith('not-found', listAll(store.ufs, at('unlisted/file')));
      await rejectsWith('not-found', listAll(store.ufs, at('unlisted/file/below')));
    });

    test('reads at every edge give the bytes there', async () => {
      const whole = randomBytes(300_001);
      await store.put(at('edges/file'), whole);
      const version = await versionOf(store.ufs, at('edges/file'));
      const end = whole.length;
      const edges = [0, 1, 4095, 4096, 65_535, 65_536, 131_072, 150_000, 262_144, end - 4097, end - 1, end];
      for (const offset of edges) {
        for (const length of [0, 1, 4096, 65_537, end]) {
          const expected = whole.subarray(offset, Math.min(offset + length, end));
          const found = await readBytes(store.ufs, at('edges/file'), version, offset, expected.length);
          assert.ok(found.equals(expected), `${expected.length} bytes from ${offset}`);
        }
      }
    });

    test('a large file reads whole, in order', async () => {
      const whole = randomBytes(BIG_BYTES);
      await store.put(at('large/file'), whole);
      const version = await versionOf(store.ufs, at('large/file'));
      assert.ok((await readBytes(store.ufs, at('large/file'), version, 0, BIG_BYTES)).equals(whole));
    });

    test('many reads of one file at a time do not disturb each other', async () => {
      const whole = randomBytes(1_000_003);
      await store.put(at('together/file'), whole);
      const version = await versionOf(store.ufs, at('together/file'));
      const offsets = Array.from({ length: 24 }, (_, each) => each * 41_017);
      const found = await Promise.all(
        offsets.map((offset) => readBytes(store.ufs, at('together/file'), version, offset, 50_000)),
      );
      for (const [each, offset] of offsets.entries()) {
        assert.ok(found[each]!.equals(whole.subarray(offset, offset + 50_000)), `from ${offset}`);
      }
    });

    test('an empty file has size 0 and reads as nothing', async () => {
      await store.put(at('zero/file'), Buffer.alloc(0));
      const entry = await store.ufs.stat(at('zero/file'));
      assert.equal(entry?.kind, 'file');
      assert.equal(entry.sizeBytes, 0);
      assert.equal((await readBytes(store.ufs, at('zero/file'), entry.version, 0, 0)).length, 0);
    });

    test('a read beyond the end is an error, not fewer bytes', async () => {
      await store.put(at('beyond/file'), Buffer.from('twelve bytes'));
      const version = await versionOf(store.ufs, at('beyond/file'));
      await assert.rejects(readBytes(store.ufs, at('beyond/file'), version, 0, 13), UfsError);
      await assert.rejects(readBytes(store.ufs, at('beyond/file'), version, 12, 1), UfsError);
      await assert.rejects(readBytes(store.ufs, at('beyond/file'), version, 100, 4), UfsError);
    });

    const writable = { skip: unless(traits.isWritableByTest, 'its content cannot be changed by the test') };

    test('the version of a file stays while the file does', async () => {
      await store.put(at('stays/file'), Buffer.from('as it is'));
      const version = await versionOf(store.ufs, at('stays/file'));
      await readBytes(store.ufs, at('stays/file'), version, 0, 8);
      assert.equal(await versionOf(store.ufs, at('stays/file')), version);
    });

    test('a replaced file has another version, and the old one cannot be read: changed', writable, async () => {
      const path = at('replaced/file');
      await store.put(path, Buffer.from('old bytes'));
      const old = await versionOf(store.ufs, path);
      for (const next of ['new bytes', 'longer than they were', 'short']) {
        await store.put(path, Buffer.from(next));
        const version = await versionOf(store.ufs, path);
        assert.notEqual(version, old);
        await rejectsWith('changed', readBytes(store.ufs, path, old, 0, 5), next);
        assert.equal((await readBytes(store.ufs, path, version, 0, next.length)).toString(), next);
      }
    });

    test('a removed file cannot be read: changed', writable, async () => {
      await store.put(at('removed/file'), Buffer.from('gone soon'));
      await store.put(at('removed/other'), Buffer.from('stays'));
      const version = await versionOf(store.ufs, at('removed/file'));
      await store.remove(at('removed/file'));
      await rejectsWith('changed', readBytes(store.ufs, at('removed/file'), version, 0, 4));
      assert.equal(await store.ufs.stat(at('removed/file')), undefined);
      assert.deepEqual(await kinds(store.ufs, 'removed'), { other: 'file' });
    });

    test('a folder cannot be read as a file: changed', async () => {
      await store.put(at('no-file/inner/file'), Buffer.from('x'));
      await rejectsWith('changed', readBytes(store.ufs, at('no-file/inner'), 'some version', 0, 1));
    });

    test('odd names are listed, found and read byte by byte', async () => {
      const names = NAMES.filter((each) => traits.canKeep(each));
      const folder = at('odd names & more #1?/100%');
      const pathOf = (each: Buffer): Buffer => Buffer.concat([folder, Buffer.from('/'), each]);
      for (const each of names) await store.put(pathOf(each), each);
      const listed = await listAll(store.ufs, folder, 'latin1');
      assert.deepEqual([...listed.keys()].sort(), names.map((each) => each.toString('latin1')).sort());
      for (const each of names) {
        const entry = await store.ufs.stat(pathOf(each));
        assert.ok(entry !== undefined, `no ${JSON.stringify(each.toString())}`);
        assert.deepEqual(entry, listed.get(each.toString('latin1')));
        const found = await readBytes(store.ufs, pathOf(each), entry.version, 0, each.length);
        assert.ok(found.equals(each), JSON.stringify(each.toString()));
      }
    });

    test('folders may have odd names too', async () => {
      const names = NAMES.filter((each) => traits.canKeep(each));
      for (const each of names) await store.put(Buffer.concat([at('odd-folders/'), each, at('/leaf')]), each);
      const listed = await listAll(store.ufs, at('odd-folders'), 'latin1');
      assert.deepEqual([...listed.keys()].sort(), names.map((each) => each.toString('latin1')).sort());
      for (const each of names) {
        assert.equal(listed.get(each.toString('latin1'))?.kind, 'folder');
        const inner = await listAll(store.ufs, Buffer.concat([at('odd-folders/'), each]));
        assert.deepEqual([...inner.keys()], ['leaf'], JSON.stringify(each.toString()));
      }
    });

    test('a walk gives every file below once, by its path from there', async () => {
      const expected = new Map<string, number>();
      for (let each = 0; each < 120; each += 1) expected.set(`f${each % 7}/g${each % 3}/file-${each}`, each);
      for (const path of ['top', 'a/b/c/d/e/deep', 'a-b', 'a/b.txt', 'a.b/c', 'ü/é']) expected.set(path, 1);
      await putAll(
        store,
        [...expected.keys()].map((path) => `walked/${path}`),
      );
      await store.put(at('walked-not/file'), Buffer.from('x'));
      const found = await walkAll(store.ufs, at('walked'));
      const files = found.filter(({ kind }) => kind !== 'folder').map(({ path }) => path);
      assert.deepEqual([...files].sort(), [...expected.keys()].sort());
      const entry = found.find(({ path }) => path === 'a/b/c/d/e/deep')?.entry;
      assert.deepEqual(entry, await store.ufs.stat(at('walked/a/b/c/d/e/deep')));
      assert.equal(store.ufs.walkIsOrdered, traits.walkIsOrdered);
      if (traits.walkIsOrdered) {
        const bytes = found.map(({ path, kind }) => at(kind === 'folder' ? `${path}/` : path));
        for (const [each, path] of bytes.entries()) {
          assert.ok(each === 0 || Buffer.compare(bytes[each - 1]!, path) < 0, path.toString());
        }
      }
    });

    test('a walk of many files is complete', async () => {
      const expected = Array.from({ length: MANY }, (_, each) => `d${each % 5}/file-${each}`);
      await putAll(
        store,
        expected.map((each) => `crowd/${each}`),
      );
      const found = await walkAll(store.ufs, at('crowd'));
      const files = found.filter(({ kind }) => kind === 'file').map(({ path }) => path);
      assert.deepEqual(files.sort(), expected.sort());
    });

    test('a walk from the root finds what is deep below', async () => {
      await store.put(at('from-root/x/y'), Buffer.from('x'));
      const found = await walkAll(store.ufs, at(''));
      assert.equal(found.filter(({ path }) => path === 'from-root/x/y').length, 1);
    });

    test('a walk of what is missing finds nothing or says not-found', async () => {
      const found = await walkAll(store.ufs, at('nowhere/at/all')).catch((err: unknown) => {
        assert.ok(err instanceof UfsError && err.code === 'not-found', String(err));
        return [];
      });
      assert.deepEqual(found, []);
    });

    test('an aborted signal stops a read, before it and in its middle, with its reason', async () => {
      await store.put(at('abort/file'), randomBytes(BIG_BYTES));
      const version = await versionOf(store.ufs, at('abort/file'));
      const reason = new Error('enough');
      const ignore = (): void => {};
      const early = store.ufs.read(at('abort/file'), version, 0, 10, ignore, AbortSignal.abort(reason));
      await assert.rejects(early, (err) => err === reason);
      const stop = new AbortController();
      let given = 0;
      const late = store.ufs.read(
        at('abort/file'),
        version,
        0,
        BIG_BYTES,
        (chunk) => {
          given += chunk.length;
          stop.abort(reason);
        },
        stop.signal,
      );
      await assert.rejects(late, (err) => err === reason);
      assert.ok(given > 0 && given < BIG_BYTES, `${given} bytes were given`);
    });

    test('an aborted signal stops a stat, a listing and a walk with its reason', async () => {
      await store.put(at('abort-list/file'), Buffer.from('x'));
      const reason = new Error('enough');
      const signal = AbortSignal.abort(reason);
      await assert.rejects(store.ufs.stat(at('abort-list/file'), signal), (err) => err === reason);
      await assert.rejects(listAll(store.ufs, at('abort-list'), 'utf8', signal), (err) => err === reason);
      await assert.rejects(walkAll(store.ufs, at('abort-list'), signal), (err) => err === reason);
    });

    test('a sink that throws ends the read with what it threw', async () => {
      await store.put(at('sink/file'), Buffer.from('twelve bytes'));
      const version = await versionOf(store.ufs, at('sink/file'));
      const reason = new Error('no room');
      const sink = (): void => {
        throw reason;
      };
      await assert.rejects(store.ufs.read(at('sink/file'), version, 0, 12, sink), (err) => err === reason);
      assert.equal((await readBytes(store.ufs, at('sink/file'), version, 0, 12)).toString(), 'twelve bytes');
    });
  });
}

/** The bytes of a range; each chunk is copied, as it is the storage's own again. */
export async function readBytes(
  ufs: Ufs,
  path: Buffer,
  version: string,
  offset: number,
  length: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  await ufs.read(path, version, offset, length, (chunk) => chunks.push(Buffer.from(chunk)));
  return Buffer.concat(chunks);
}

export async function versionOf(ufs: Ufs, path: Buffer): Promise<string> {
  const entry = await ufs.stat(path);
  assert.equal(entry?.kind, 'file', `no file ${path.toString()}`);
  return entry.version;
}

/** Every entry of a folder by its name; a name given twice fails. */
export async function listAll(
  ufs: Ufs,
  folder: Buffer,
  encoding: 'utf8' | 'latin1' = 'utf8',
  signal?: AbortSignal,
): Promise<Map<string, UfsEntry>> {
  const found = new Map<string, UfsEntry>();
  for await (const page of ufs.list(folder, signal)) {
    for (const entry of page.entries) {
      const name = entry.name.toString(encoding);
      assert.ok(!found.has(name), `${JSON.stringify(name)} is listed twice`);
      found.set(name, entry);
    }
  }
  return found;
}

interface Walked {
  path: string;
  kind: UfsEntry['kind'];
  entry: UfsEntry;
}

export async function walkAll(ufs: Ufs, folder: Buffer, signal?: AbortSignal): Promise<Walked[]> {
  const found: Walked[] = [];
  for await (const page of ufs.walk(folder, signal)) {
    for (const { path, entry } of page.entries) found.push({ path: path.toString(), kind: entry.kind, entry });
  }
  return found;
}

export async function rejectsWith(code: UfsFault['code'], promise: Promise<unknown>, message?: string): Promise<void> {
  await assert.rejects(
    promise,
    (err: unknown) => {
      assert.ok(err instanceof UfsError, `${message ?? ''} ${String(err)}`);
      assert.equal(err.code, code, `${message ?? ''} ${err.message}`);
      return true;
    },
    message,
  );
}

function at(path: string): Buffer {
  return Buffer.from(path);
}

function unless(can: boolean, reason: string): string | false {
  return can ? false : reason;
}

async function kinds(ufs: Ufs, folder: string): Promise<Record<string, UfsEntry['kind']>> {
  return Object.fromEntries([...(await listAll(ufs, at(folder)))].map(([name, { kind }]) => [name, kind]));
}

/** Small files, some at a time. */
async function putAll(store: UfsStore, paths: readonly string[]): Promise<void> {
  const left = paths.values();
  const putNext = async (): Promise<void> => {
    for (const path of left) await store.put(at(path), Buffer.from(path));
  };
  await Promise.all(Array.from({ length: 16 }, putNext));
}
