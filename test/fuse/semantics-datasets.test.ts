// docs/SEMANTICS.md on datasets, executed: every numbered promise of that section has a test here with its number.
//
// The storage's proxy lives in this process, so nothing here may wait for a mount without the event loop: no ...Sync() on one.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { lstat, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { presentLink } from '../../src/filesystems/cachefs/links.ts';
import { pattern } from '../contract/posix.ts';
import { evermount, runProgram, type Outcome } from '../support/command-line.ts';
import { dropKernelCaches, ObjectStore, sourceOf } from '../support/dataset.ts';
import { clearMount, makeScratch, mountSource, processesOf, type Scratch, type TestMount } from '../support/mounts.ts';
import { PlainS3 } from '../support/plain-s3.ts';
import { statusOf } from '../support/processes.ts';
import { promisesOf } from '../support/promises.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { until, within } from '../support/wait.ts';

const ESTALE = -116;
const EACCES = 13;
const CACHE_BYTES = 64 * 2 ** 20;
const skip = requireFuse();
let store: ObjectStore;
let buckets = 0;

const PROMISES: Readonly<Record<number, () => Promise<void>>> = {
  26: async () => {
    await using mount = await mountOf({ 'a/b/c': 'deep', 'empty/': '', top: 'top' });
    assert.deepEqual((await readdir(mount.target)).sort(), ['a', 'empty', 'top']);
    assert.equal(await readFile(mount.at('a', 'b', 'c'), 'utf8'), 'deep');
    assert.deepEqual(await readdir(mount.at('empty')), []);
    assert.ok((await stat(mount.at('a', 'b'))).isDirectory());
  },

  27: async () => {
    const objects = { 'folder/file': 'x' };
    const startMs = Date.now() - 2_000;
    await using mount = await mountOf(objects);
    const [file, folder] = await Promise.all([stat(mount.at('folder', 'file')), stat(mount.at('folder'))]);
    assert.deepEqual([file.mode, folder.mode], [0o100775, 0o040775]);
    assert.deepEqual([file.uid, file.gid], [process.getuid?.(), process.getgid?.()]);
    for (const { mtimeMs } of [file, folder]) assert.ok(mtimeMs >= startMs && mtimeMs <= Date.now() + 1_000);
    const options = ['--uid', '123', '--gid', '456', '--fmode', '440', '--dmode', '551'];
    await using other = await mountOf(objects, options);
    const seen = await Promise.all([stat(other.at('folder', 'file')), stat(other.at('folder'))]);
    for (const { uid, gid } of seen) assert.deepEqual([uid, gid], [123, 456]);
    assert.deepEqual(
      seen.map(({ mode }) => mode & 0o7777),
      [0o440, 0o551],
    );
  },

  28: async () => {
    const shown = ['plain', 'line\nbreak', 'tab\tand \u0001', '\u00fc'.repeat(127), 'n'.repeat(255), '...', '+ %41'];
    const odd = ['f//x', '/f/x', 'f/./x', 'f/../x', `f/${'n'.repeat(256)}`, 'f/a\u0000b', '..'];
    await using s3 = await PlainS3.start();
    for (const key of [...shown.map((name) => `f/${name}`), ...odd]) s3.put(key, 'x');
    await using mount = await mountPlain(s3);
    assert.deepEqual(await readdir(mount.target), ['f']);
    assert.deepEqual((await readdir(mount.at('f'))).sort(), [...shown].sort());
    for (const name of shown) assert.equal(await readFile(mount.at('f', name), 'utf8'), 'x', name);
    await assert.rejects(stat(mount.at('f', 'n'.repeat(256))), { code: 'ENAMETOOLONG' });
  },

  29: async () => {
    await using s3 = await PlainS3.start();
    for (const key of ['a', 'a-1', 'a/b', 'c']) s3.put(key);
    await using mount = await mountPlain(s3);
    for (const _order of ['by name first', 'after listing']) {
      assert.ok((await lstat(mount.at('a'))).isDirectory());
      assert.equal(await readFile(mount.at('a', 'b'), 'utf8'), 'a/b');
      assert.deepEqual((await readdir(mount.target)).sort(), ['a', 'a-1', 'c']);
    }
  },

  30: async () => {
    const read = (target: string, depth: number): Buffer | number => presentLink(Buffer.from(target), depth);
    for (const [target, depth] of [
      ['file', 0],
      ['../file', 1],
      ['./a/b', 0],
      ['../../a', 2],
    ] as const)
      assert.equal(String(read(target, depth)), target);
    for (const [target, depth] of [
      ['/etc/passwd', 3],
      ['../file', 0],
      ['a/../b', 1],
      ['../../x', 1],
    ] as const)
      assert.equal(read(target, depth), EACCES, target);
    await Promise.resolve();
  },

  31: async () => {
    const numbers: number[] = [];
    const use: Use = async (target, bucket, kill) => {
      const path = join(target, 'folder', 'file');
      numbers.push((await stat(path)).ino);
      await bucket.put('folder/file', 'another');
      numbers.push((await stat(path)).ino);
      await kill();
      numbers.push((await stat(path)).ino);
    };
    await remounted({ 'folder/file': 'one' }, { use, options: ['--refresh', 'always'] });
    assert.equal(numbers.length, 6);
    assert.equal(new Set(numbers).size, 1, numbers.join());
  },

  32: async () => {
    const bucket = await newBucket({ file: 'first', gone: 'x' });
    await using mount = await store.mount({ bucket: bucket.name, options: ['--refresh', '2s'] });
    assert.deepEqual((await readdir(mount.target)).sort(), ['file', 'gone']);
    await bucket.put('file', 'the second');
    await bucket.put('new', 'new');
    await bucket.remove('gone');
    await until('what is new', async () => (await stat(mount.at('file'))).size === 10);
    assert.equal(await readFile(mount.at('file'), 'utf8'), 'the second');
    await until('what is gone', async () => (await readdir(mount.target)).sort().join() === 'file,new');
    await using byDefault = await store.mount({ bucket: bucket.name });
    await readdir(byDefault.target);
    await bucket.put('newer', 'newer');
    assert.deepEqual((await readdir(byDefault.target)).sort(), ['file', 'new']);
  },

  33: async () => {
    const bucket = await newBucket({ file: 'first', gone: 'x' });
    await using mount = await store.mount({ bucket: bucket.name, options: ['--refresh', 'always'] });
    assert.equal(await readFile(mount.at('file'), 'utf8'), 'first');
    await assert.rejects(stat(mount.at('new')), { code: 'ENOENT' });
    await bucket.put('file', 'the second');
    await bucket.put('new', 'new');
    await bucket.remove('gone');
    assert.equal(await readFile(mount.at('file'), 'utf8'), 'the second');
    assert.equal(await readFile(mount.at('new'), 'utf8'), 'new');
    await assert.rejects(stat(mount.at('gone')), { code: 'ENOENT' });
    assert.deepEqual((await readdir(mount.target)).sort(), ['file', 'new']);
  },

  34: async () => {
    const bucket = await newBucket({ file: 'first' });
    await using mount = await store.mount({ bucket: bucket.name, options: ['--refresh', 'never'] });
    assert.deepEqual(await readdir(mount.target), ['file']);
    await bucket.put('new', 'new');
    await mount.kill('daemon');
    dropKernelCaches();
    assert.deepEqual(await readdir(mount.target), ['file']);
  },

  35: () => replaced(),
  36: () => replaced(),

  37: async () => {
    await using mount = await mountOf({ 'folder/file': 'cached' }, ['--refresh', '1s', '--passthrough', 'off']);
    const look = async (): Promise<void> => {
      dropKernelCaches();
      assert.equal(await readFile(mount.at('folder', 'file'), 'utf8'), 'cached');
      assert.deepEqual(await readdir(mount.at('folder')), ['file']);
    };
    await look();
    const knownMs = performance.now();
    away();
    await until('what is known to be too old', () => performance.now() > knownMs + 2_500);
    await look();
    await mount.kill('daemon');
    await look();
  },

  38: async () => {
    const content = pattern(2_000_000);
    await using mount = await mountOf({ file: content, other: content });
    await readdir(mount.target);
    await stat(mount.at('file'));
    away();
    const waits = readFile(mount.at('file'));
    const killed = spawn('cat', [mount.at('other')], { stdio: 'ignore' });
    await until('both to have asked', () => new Set(store.proxy.seen.map(({ url }) => url)).size >= 2);
    const ended = statusOf(killed);
    killed.kill('SIGTERM');
    assert.equal((await within(5_000, 'the end of who was killed', ended)).signal, 'SIGTERM');
    store.proxy.clear();
    assert.ok((await within(20_000, 'who waits', waits)).equals(content));
  },

  39: async () => {
    await using mount = await mountOf({ secret: 'secret', file: 'open to all' });
    store.proxy.use({ url: /\/secret/, fault: { do: 'refuse', status: 403, code: 'AccessDenied' } });
    await assert.rejects(readFile(mount.at('secret')), { code: 'EACCES' });
    assert.equal(await readFile(mount.at('file'), 'utf8'), 'open to all');
  },

  40: async () => {
    const bucket = await newBucket({ one: 'one', two: 'two' });
    const credentials = store.credentials('rotated');
    await using mount = await store.mount({ bucket: bucket.name, credentials, options: ['--refresh', 'always'] });
    assert.equal(await readFile(mount.at('one'), 'utf8'), 'one');
    store.credentials('rotated', { id: 'nobody', secret: 'nothing' });
    await until('the new keys to be used', async () => (await errorOf(stat(mount.at('two'))))?.code === 'EACCES');
    store.credentials('rotated');
    await until('the right keys to be used', () => readFile(mount.at('two'), 'utf8').catch(() => false));
    assert.equal(await readFile(mount.at('two'), 'utf8'), 'two');
  },

  41: async () => {
    const content = { small: pattern(100_000), large: pattern(3_000_000) };
    await remounted(content, {
      use: async (target) => {
        dropKernelCaches();
        for (const [name, bytes] of Object.entries(content))
          assert.ok((await readFile(join(target, name))).equals(bytes));
      },
      between: (cacheDir) => {
        for (const path of cachedFiles(cacheDir)) flip(path, [0.1, 0.5, 0.9]);
      },
    });
  },

  42: async () => {
    let rounds = 0;
    const use: Use = async (target) => {
      store.proxy.seen.length = 0;
      assert.ok((await readFile(join(target, 'file'))).equals(pattern(2_000_000)));
      const asked = store.proxy.seen.some(({ method, url }) => method === 'GET' && !url.includes('list-type'));
      assert.equal(asked, rounds++ === 0);
    };
    await remounted({ file: pattern(2_000_000) }, { use });
    assert.equal(rounds, 2);
  },

  43: async () => {
    using scratch = makeScratch();
    const bytes = pattern(16 * 2 ** 20);
    const names = Array.from({ length: 6 }, (_, i) => `file-${i}`);
    const bucket = await newBucket(Object.fromEntries(names.map((name) => [name, bytes])));
    await using mount = await store.mount({
      bucket: bucket.name,
      cacheDir: scratch.at('cache'),
      options: ['--cache-size', '64MiB'],
    });
    for (const name of names) assert.ok((await readFile(mount.at(name))).equals(bytes));
    await until('room to be made', async () => {
      const { stdout } = await runProgram('du', ['-s', '--block-size=1', '--total', ...blockFolders(scratch)]);
      return Number(/(\d+)\s+total/.exec(stdout)?.[1] ?? Infinity) <= CACHE_BYTES;
    });
  },

  44: async () => {
    const failed: Outcome[] = [];
    await remounted(
      { file: 'x' },
      {
        use: async (target) => {
          assert.deepEqual(await readdir(target), ['file']);
        },
        between: (cacheDir) => {
          const [path] = filesBelow(cacheDir, /^data\.mdb$/);
          flip(
            path!,
            Array.from({ length: 500 }, (_, i) => 0.4 + i / 1_000),
          );
        },
        failed,
      },
    );
    assert.equal(failed.length, 1);
    assert.match(failed[0]!.stderr, /^evermount: Cannot trust the namespace in ".*": .*remove it.*\n$/);
  },

  45: async () => {
    using scratch = makeScratch();
    const cacheDir = scratch.at('cache');
    const bucket = await newBucket({ file: pattern(3_000_000) });
    await using mount = await store.mount({ bucket: bucket.name, cacheDir });
    await readdir(mount.target);
    // Nobody can write there any more, whoever it is.
    for (const folder of blockFolders(scratch)) {
      await runProgram('rm', ['-r', folder]);
      writeFileSync(folder, 'in the way');
    }
    assert.ok((await readFile(mount.at('file'))).equals(pattern(3_000_000)));
    await mount.kill('daemon');
    dropKernelCaches();
    assert.ok((await readFile(mount.at('file'))).equals(pattern(3_000_000)));
  },

  46: async () => {
    const content = pattern(9_000_000);
    await using mount = await mountOf({ file: content }, ['--passthrough', 'off']);
    store.proxy.use({ url: /\/file/, fault: { do: 'delay', ms: 50 } });
    await using file = await open(mount.at('file'));
    for (const part of ['daemon', 'vault', 'supervisor', 'daemon'] as const) {
      const reading = readWhole(file, content.length);
      const killed = await mount.kill(part);
      assert.ok((await reading).equals(content), part);
      await until(`another ${part}`, async () => ![undefined, killed].includes((await mount.status()).pids[part]));
      dropKernelCaches();
    }
  },
};

const promises = promisesOf('datasets');

test('every numbered promise on datasets has a test, and every test a promise', () => {
  assert.deepEqual([...promises.keys()], Object.keys(PROMISES).map(Number));
});

if (skip === false) {
  before(async () => {
    store = await ObjectStore.start();
  });
  after(() => store[Symbol.asyncDispose]());
}

for (const [number, title] of promises) {
  test(`promise ${number}: ${title}`, { skip }, async () => {
    store.proxy.clear();
    await PROMISES[number]?.();
  });
}

type Bucket = Awaited<ReturnType<ObjectStore['bucket']>>;

function newBucket(objects: Readonly<Record<string, Buffer | string>>): Promise<Bucket> {
  return store.bucket(`bucket-${buckets++}`, objects);
}

async function mountOf(
  objects: Readonly<Record<string, Buffer | string>>,
  options: readonly string[] = [],
): Promise<TestMount> {
  return store.mount({ bucket: (await newBucket(objects)).name, options });
}

/** From a storage in this process, for keys that MinIO does not take. */
function mountPlain(s3: PlainS3): Promise<TestMount> {
  return mountSource({
    source: 's3://bucket',
    options: ({ at }) => ['--endpoint', `http://127.0.0.1:${s3.port}`, '--anonymous', '--cache-dir', at('cache')],
  });
}

function away(): void {
  store.proxy.seen.length = 0;
  store.proxy.use({ fault: { do: 'reset', afterBytes: 0 } });
  store.proxy.breakConnections();
}

/** Half of the old version was read, then the object is replaced. */
async function replaced(): Promise<void> {
  const versions = [pattern(12_000_000), Buffer.alloc(12_000_000, 'another version ')];
  const bucket = await newBucket({ file: versions[0]! });
  await using mount = await store.mount({
    bucket: bucket.name,
    options: ['--refresh', 'never', '--passthrough', 'off'],
  });
  await using file = await open(mount.at('file'));
  const first = Buffer.alloc(100_000);
  await file.read(first, 0, first.length, 0);
  assert.ok(first.equals(versions[0]!.subarray(0, first.length)));
  await bucket.put('file', versions[1]!);
  const rest = await readWhole(file, 12_000_000).catch((err: unknown) => err as NodeJS.ErrnoException);
  if (Buffer.isBuffer(rest)) assert.ok(rest.equals(versions[0]!));
  else {
    assert.equal(rest.errno, ESTALE);
    assert.ok((await readFile(mount.at('file'))).equals(versions[1]!));
  }
}

async function readWhole(file: Awaited<ReturnType<typeof open>>, sizeBytes: number): Promise<Buffer> {
  const into = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes;) {
    const { bytesRead } = await file.read(into, at, Math.min(128 * 1024, sizeBytes - at), at);
    assert.ok(bytesRead > 0, 'the file ended early');
    at += bytesRead;
  }
  return into;
}

type Use = (target: string, bucket: Bucket, kill: () => Promise<void>) => Promise<void>;

interface Remounting {
  use: Use;
  options?: readonly string[];
  /** While it is not mounted. */
  between?: (cacheDir: string) => void;
  /** Takes what a mount says that fails; otherwise it must not. */
  failed?: Outcome[];
}

/** Mounts twice at one place, with one cache folder, and uses each mount. */
async function remounted(
  objects: Readonly<Record<string, Buffer | string>>,
  { use, options = [], between, failed }: Remounting,
): Promise<void> {
  using scratch = makeScratch();
  const [state, target, cacheDir] = [scratch.at('state'), scratch.at('target'), scratch.at('cache')];
  mkdirSync(target);
  const bucket = await newBucket(objects);
  const kill = async (): Promise<void> => {
    const [status] = JSON.parse((await evermount(state, ['status', '--json', target])).stdout) as [
      { pids: { daemon: number } },
    ];
    process.kill(status.pids.daemon, 'SIGKILL');
  };
  try {
    for (let round = 0; round < 2; round++) {
      const args = ['mount', ...store.options(cacheDir), ...options, sourceOf(bucket.name), target];
      const mounted = await evermount(state, args);
      if (mounted.status !== 0 && failed !== undefined) {
        failed.push(mounted);
        return;
      }
      assert.equal(mounted.status, 0, mounted.stderr);
      await use(target, bucket, kill);
      const unmounted = await evermount(state, ['umount', target]);
      assert.equal(unmounted.status, 0, unmounted.stderr);
      await until('the end of the session', () => processesOf(state).length === 0);
      if (round === 0) between?.(cacheDir);
    }
  } finally {
    await clearMount(target, state);
  }
}

/** One bit is another at each of these fractions of the file. */
function flip(path: string, places: readonly number[]): void {
  const bytes = readFileSync(path);
  for (const place of places) bytes[Math.floor(bytes.length * place)]! ^= 1;
  writeFileSync(path, bytes);
}

function errorOf(promise: Promise<unknown>): Promise<NodeJS.ErrnoException | undefined> {
  return promise.then(
    () => undefined,
    (err: unknown) => err as NodeJS.ErrnoException,
  );
}

function filesBelow(folder: string, pattern: RegExp): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name));
}

/** Files with cached bytes, and what is kept beside them. */
function cachedFiles(cacheDir: string): string[] {
  const files = filesBelow(cacheDir, /^[0-9a-f]{24}-\d+/);
  assert.ok(files.length > 0);
  return files;
}

function blockFolders(scratch: Scratch): string[] {
  return readdirSync(scratch.at('cache')).map((name) => scratch.at('cache', name, 'blocks'));
}
