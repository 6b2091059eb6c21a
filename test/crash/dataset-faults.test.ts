// A bucket whose storage misbehaves, and a cache folder that does: what is known is served, what is missing is waited for,
// and nobody is given a wrong byte.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { pattern } from '../contract/posix.ts';
import { evermount, runProgram, type Outcome } from '../support/command-line.ts';
import { dropKernelCaches, expectObjects, ObjectStore, sourceOf } from '../support/dataset.ts';
import type { ProxyFault, Rule } from '../support/fault-proxy.ts';
import { clearMount, makeScratch, processesOf, type Scratch } from '../support/mounts.ts';
import { statusOf } from '../support/processes.ts';
import { sha256, startReader } from '../support/readers.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { assertUnharmed } from '../support/storm.ts';
import { until, within } from '../support/wait.ts';

const skip = requireFuse();
const NO_PERMISSION = 77;
/** Nobody is there: connections end without an answer. */
const AWAY: Rule = { fault: { do: 'reset', afterBytes: 0 } };
const SMALL = Buffer.alloc(1_500, 'small ');
const LARGE = pattern(6_000_000);

const FAULTS: Record<string, { content: Buffer; fault: ProxyFault; times?: number }> = {
  '503 with Retry-After': {
    content: LARGE,
    fault: { do: 'refuse', status: 503, code: 'SlowDown', headers: { 'Retry-After': '1' } },
  },
  '429 with Retry-After': {
    content: SMALL,
    fault: { do: 'refuse', status: 429, code: 'TooManyRequests', headers: { 'Retry-After': '1' } },
  },
  'a reset before the answer': { content: LARGE, fault: { do: 'reset', afterBytes: 0 } },
  'a reset in the answer': { content: LARGE, fault: { do: 'reset', afterBytes: 5_000 } },
  'an end in the answer': { content: LARGE, fault: { do: 'close', afterBytes: 100_000 } },
  'a body that ends early': { content: LARGE, fault: { do: 'truncate', bodyBytes: 1_200_000 } },
  'an answer that comes byte by byte': { content: SMALL, fault: { do: 'trickle', everyMs: 1 } },
  'an answer that never ends': { content: SMALL, fault: { do: 'stall', afterBytes: 1_000 }, times: 1 },
};

suite('a storage that misbehaves', { skip }, () => {
  let store: ObjectStore;
  before(async () => {
    store = await ObjectStore.start();
  });
  after(() => store[Symbol.asyncDispose]());

  for (const [i, [what, { content, fault, times = 2 }]] of Object.entries(FAULTS).entries()) {
    test(`${what}: readers wait and get the right bytes`, async () => {
      store.proxy.clear();
      await store.bucket(`fault-${i}`, { file: content });
      await using mount = await store.mount({ bucket: `fault-${i}` });
      await stat(mount.at('file'));
      store.proxy.use({ method: 'GET', url: /\/file/, times, fault });
      assert.equal(sha256(await readFile(mount.at('file'))), sha256(content));
      assert.ok(store.proxy.seen.some((request) => request.fault === fault.do));
      store.proxy.use({ method: 'GET', url: /\?.*list-type/, times, fault });
      await mount.run('restart', mount.target);
      assert.deepEqual(readdirSyncOf(await runProgram('ls', [mount.target])), ['file']);
    });
  }

  test('the storage is away: names and data that are known are served; who needs it waits, and reads when it is back', async () => {
    store.proxy.clear();
    const known = { 'folder/small': SMALL, large: LARGE };
    await store.bucket('away', { ...known, unread: LARGE });
    // What is known is too old at once, so that the storage would be asked.
    await using mount = await store.mount({ bucket: 'away', options: ['--refresh', '1s'] });
    const files = expectObjects(known);
    await using reader = await startReader({ folder: mount.target, files, direct: true });
    await until('everything to be read once', async () => (await reader.counts()).reads > 3 * files.length);
    await stat(mount.at('unread'));
    const knownMs = performance.now();
    store.proxy.use(AWAY);
    store.proxy.breakConnections();
    await until('what is known to be too old', () => performance.now() > knownMs + 2_500);
    const { reads } = await reader.counts();
    const waiting = readFile(mount.at('unread'));
    waiting.catch(() => {}); // told below
    await until('reads to go on', async () => (await reader.counts()).reads > reads + 10 * files.length, 30_000);
    const before = await mount.kill('daemon');
    await mount.untilServing(before);
    const { reads: readsAgain } = await reader.counts();
    await until('reads to go on', async () => (await reader.counts()).reads > readsAgain + 5 * files.length, 30_000);
    store.proxy.clear();
    assert.equal(sha256(await within(20_000, 'the reader of what was not known', waiting)), sha256(LARGE));
    assertUnharmed(await reader.stop());
  });

  test('the storage stays away: who needs it gets EIO in the end, and a later reader its bytes', async () => {
    store.proxy.clear();
    await store.bucket('gone-for-long', { file: LARGE });
    await using mount = await store.mount({ bucket: 'gone-for-long' });
    await stat(mount.at('file'));
    store.proxy.use(AWAY);
    store.proxy.breakConnections();
    const refused = await runProgram('cat', [mount.at('file')], {
      timeoutMs: 120_000,
      env: { ...process.env, LC_ALL: 'C' },
    });
    assert.match(refused.stderr, /Input\/output error/);
    store.proxy.clear();
    assert.equal(sha256(await readFile(mount.at('file'))), sha256(LARGE));
  });

  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
    test(`who waits for the storage can be ended by ${signal}`, async () => {
      store.proxy.clear();
      const bucket = `wait-${signal.toLowerCase()}`;
      await store.bucket(bucket, { file: LARGE });
      await using mount = await store.mount({ bucket });
      await stat(mount.at('file'));
      const { promise, resolve } = Promise.withResolvers<undefined>();
      try {
        store.proxy.use({ method: 'GET', url: /\/file/, fault: { do: 'hold', until: () => promise } });
        const reader = spawn('cat', [mount.at('file')], { stdio: 'ignore' });
        const ended = statusOf(reader);
        await until('a request that is held', () => store.proxy.seen.some(({ fault }) => fault === 'hold'));
        reader.kill(signal);
        assert.equal((await within(5_000, 'the end of the reader', ended)).signal, signal);
      } finally {
        resolve(undefined);
      }
      store.proxy.clear();
      assert.equal(sha256(await readFile(mount.at('file'))), sha256(LARGE));
    });
  }

  test('access denied on one object is EACCES for that one, and others are read', async () => {
    store.proxy.clear();
    await store.bucket('denied', { 'secret/file': LARGE, open: LARGE });
    await using mount = await store.mount({ bucket: 'denied' });
    store.proxy.use({ method: 'GET', url: /secret\/file/, fault: { do: 'refuse', status: 403, code: 'AccessDenied' } });
    await assert.rejects(readFile(mount.at('secret', 'file')), { code: 'EACCES' });
    assert.equal(sha256(await readFile(mount.at('open'))), sha256(LARGE));
    store.proxy.clear();
    assert.equal(sha256(await readFile(mount.at('secret', 'file'))), sha256(LARGE));
  });

  test('an object replaced while it is read: the old version whole or ESTALE, and the new one by a new open', async () => {
    const versions = [pattern(12_000_000), Buffer.alloc(12_000_000, 'another version ')];
    for (const [round, readFirst] of [1, 3_000_000, 12_000_000].entries()) {
      store.proxy.clear();
      const bucket = await store.bucket(`replaced-${round}`, { file: versions[0]! });
      await using mount = await store.mount({ bucket: bucket.name });
      await using old = await open(mount.at('file'));
      const before = Buffer.alloc(readFirst);
      // What comes behind is asked for later.
      store.proxy.use({
        method: 'GET',
        url: /\/file/,
        from: readFirst > 6_000_000 ? 99 : 3,
        fault: { do: 'delay', ms: 300 },
      });
      await readFully(old, before, 0);
      assert.ok(before.equals(versions[0]!.subarray(0, readFirst)));
      await bucket.put('file', versions[1]!);
      await mount.kill('daemon');
      dropKernelCaches();
      const rest = Buffer.alloc(versions[0]!.length - readFirst);
      const outcome = await readFully(old, rest, readFirst).catch((err: unknown) => err as NodeJS.ErrnoException);
      if (outcome !== undefined) assert.equal(outcome.errno, -116, String(outcome));
      else assert.ok(rest.equals(versions[0]!.subarray(readFirst)), 'bytes of another version');
      if (readFirst < 12_000_000) assert.ok(outcome !== undefined, 'the test replaced too late to see anything');
      else continue; // nobody noticed yet: the next refresh will
      assert.equal(sha256(await readFile(mount.at('file'))), sha256(versions[1]!), 'not the new version by a new open');
      assert.equal((await stat(mount.at('file'))).size, versions[1]!.length);
    }
  });

  test('a bucket that is gone: what is known is served, the rest is refused, and all is well when it is back', async () => {
    store.proxy.clear();
    await store.bucket('vanishing', { 'folder/read': LARGE, 'folder/unread': LARGE });
    await using mount = await store.mount({ bucket: 'vanishing' });
    assert.equal(sha256(await readFile(mount.at('folder', 'read'))), sha256(LARGE));
    store.proxy.use({ fault: { do: 'refuse', status: 404, code: 'NoSuchBucket' } });
    await using reader = await startReader({
      folder: mount.target,
      files: expectObjects({ 'folder/read': LARGE }),
      activities: ['paths', 'descriptors', 'stat'],
      direct: true,
    });
    await assert.rejects(readdir(mount.at('folder')), 'a folder that cannot be listed must not look empty');
    const { reads } = await reader.counts();
    await until('reads to go on', async () => (await reader.counts()).reads > reads + 50, 30_000);
    await assert.rejects(readFile(mount.at('folder', 'unread')));
    store.proxy.clear();
    assertUnharmed(await reader.stop());
    assert.equal(sha256(await readFile(mount.at('folder', 'unread'))), sha256(LARGE));
  });
});

suite('a mount that cannot be', { skip }, () => {
  let store: ObjectStore;
  before(async () => {
    store = await ObjectStore.start();
    await store.bucket('there', { file: 'content' });
  });
  after(() => store[Symbol.asyncDispose]());

  const attempt = async (scratch: Scratch, bucket: string, credentials?: string): Promise<Outcome> => {
    mkdirSync(scratch.at('target'));
    const args = ['mount', ...store.options(scratch.at('cache'), credentials), sourceOf(bucket), scratch.at('target')];
    return evermount(scratch.at('state'), args);
  };

  test('wrong keys: exit status 77 and a sentence', async () => {
    for (const keys of [
      { id: store.minio.accessKeyId, secret: 'not-the-secret' },
      { id: 'nobody', secret: 'nothing' },
    ]) {
      using scratch = makeScratch();
      const { status, stderr } = await attempt(scratch, 'there', store.credentials('wrong', keys));
      assert.equal(status, NO_PERMISSION, stderr);
      assert.match(stderr, /^evermount: Cannot .*\n$/);
      assert.doesNotMatch(stderr, /not-the-secret|nothing/);
    }
  });

  test('no such bucket: a sentence that names it', async () => {
    using scratch = makeScratch();
    const { status, stderr } = await attempt(scratch, 'nowhere');
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^evermount: Cannot .*nowhere.*\n$/);
  });
});

suite('a cache folder that is not what it was', { skip }, () => {
  const content = {
    small: SMALL,
    medium: pattern(900_000),
    large: LARGE,
    'folder/more': Buffer.alloc(10_000, 'more '),
  };
  let store: ObjectStore;
  before(async () => {
    store = await ObjectStore.start();
    await store.bucket('cached', content);
  });
  after(() => store[Symbol.asyncDispose]());

  /** Mounts, reads everything if that goes, and unmounts. Returns what mounting said. */
  const use = async (scratch: Scratch, reads = true): Promise<Outcome> => {
    const [state, target] = [scratch.at('state'), scratch.at('target')];
    mkdirSync(target, { recursive: true });
    const args = ['mount', ...store.options(scratch.at('cache')), sourceOf('cached'), target];
    try {
      const mounted = await evermount(state, args);
      if (mounted.status !== 0 || !reads) return mounted;
      dropKernelCaches();
      for (const [name, bytes] of Object.entries(content))
        assert.equal(sha256(await readFile(join(target, name))), sha256(bytes), name);
      assert.equal((await evermount(state, ['umount', target])).status, 0);
      await until('the end of the session', () => processesOf(state).length === 0);
      return mounted;
    } finally {
      await clearMount(target, state);
    }
  };

  const filesOf = (scratch: Scratch, pattern: RegExp): string[] =>
    readdirSync(scratch.at('cache'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && pattern.test(entry.name))
      .map(({ parentPath, name }) => join(parentPath, name));

  test('bytes flipped in cached data and in what is kept beside it: the right bytes are read', async () => {
    for (const pattern of [/^[0-9a-f]{24}-\d+(\.data)?$/, /\.sum$/]) {
      using scratch = makeScratch();
      assert.equal((await use(scratch)).status, 0);
      const files = filesOf(scratch, pattern);
      assert.ok(files.length > 0);
      for (const path of files) await flip(path, [0, 17, 0.5, 0.9, -1]);
      assert.equal((await use(scratch)).status, 0);
    }
  });

  test('cached data cut short, emptied, or without its other half: the right bytes are read', async () => {
    for (const cut of [0, 0.5]) {
      using scratch = makeScratch();
      assert.equal((await use(scratch)).status, 0);
      for (const path of filesOf(scratch, /^[0-9a-f]{24}-\d+/)) {
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length * cut)));
      }
      assert.equal((await use(scratch)).status, 0);
    }
  });

  test('bytes flipped in the database of names: refused at once, with advice that names the folder, or all is right', async () => {
    let refused = 0;
    for (const everyBytes of [64, 1_000, 5_000]) {
      using scratch = makeScratch();
      assert.equal((await use(scratch)).status, 0);
      const [data] = filesOf(scratch, /^data\.mdb$/);
      const { size } = statSync(data!);
      await flip(
        data!,
        Array.from({ length: Math.floor(size / everyBytes) }, (_, i) => 8_192 + i * everyBytes),
      );
      const startMs = performance.now();
      const { status, stderr } = await use(scratch);
      if (status === 0) continue;
      refused++;
      assert.match(stderr, /^evermount: Cannot (trust|open) the namespace in ".*": .*remove it.*\n$/);
      assert.ok(stderr.includes(scratch.at('cache')), stderr);
      assert.ok(performance.now() - startMs < 15_000, 'refused only after a long wait');
    }
    assert.ok(refused > 0, 'nothing of what was flipped was noticed');
  });

  test('a database of another bucket is refused with a sentence', async () => {
    using scratch = makeScratch();
    assert.equal((await use(scratch)).status, 0);
    const [folder] = readdirSync(scratch.at('cache'));
    await store.bucket('other', { file: 'x' });
    const target = scratch.at('elsewhere');
    mkdirSync(target);
    const args = ['mount', ...store.options(scratch.at('cache')), sourceOf('other'), target];
    assert.equal((await evermount(scratch.at('state'), args)).status, 0);
    assert.equal((await evermount(scratch.at('state'), ['umount', target])).status, 0);
    await until('the end of the session', () => processesOf(scratch.at('state')).length === 0);
    const other = readdirSync(scratch.at('cache')).find((name) => name !== folder);
    await runProgram('rm', ['-r', scratch.at('cache', folder!)]);
    await runProgram('mv', [scratch.at('cache', other!), scratch.at('cache', folder!)]);
    const { status, stderr } = await use(scratch, false);
    assert.notEqual(status, 0);
    assert.match(stderr, /^evermount: Cannot open the namespace in ".*": it belongs to "s3:.*\n$/);
  });

  test(
    'a cache disk that is full: files are read all the same',
    { skip: requireFuse({ root: 'mounts a tmpfs' }) },
    async () => {
      using scratch = makeScratch();
      const disk = scratch.at('disk');
      mkdirSync(disk);
      assert.equal((await runProgram('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk])).status, 0);
      try {
        await using mount = await store.mount({ bucket: 'cached', cacheDir: join(disk, 'cache') });
        const read = async (): Promise<void> => {
          for (const [name, bytes] of Object.entries(content))
            assert.equal(sha256(await readFile(mount.at(name))), sha256(bytes), name);
        };
        await read();
        // Not one byte is left now.
        await writeFile(join(disk, 'filler'), Buffer.alloc(4_000_000)).catch(() => {});
        for (let i = 0; i < 3; i++) {
          await mount.kill('daemon');
          dropKernelCaches();
          await read();
        }
      } finally {
        await runProgram('umount', ['-l', disk]);
      }
    },
  );
});

function readdirSyncOf({ stdout }: Outcome): string[] {
  return stdout.split('\n').filter((name) => name !== '');
}

async function readFully(file: Awaited<ReturnType<typeof open>>, into: Buffer, from: number): Promise<undefined> {
  for (let at = 0; at < into.length;) {
    const { bytesRead } = await file.read(into, at, Math.min(into.length - at, 256 * 1024), from + at);
    assert.ok(bytesRead > 0, 'the file ended early');
    at += bytesRead;
  }
  return undefined;
}

/** Changes one bit at each place: a number of bytes, or a fraction of the file; negative from the end. */
async function flip(path: string, places: readonly number[]): Promise<void> {
  const { size } = statSync(path);
  await using file = await open(path, 'r+');
  for (const place of places) {
    const at = place < 0 ? size + place : place > 0 && place < 1 ? Math.floor(size * place) : place;
    if (at < 0 || at >= size) continue;
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    byte[0] = byte[0]! ^ 0x10;
    await file.write(byte, 0, 1, at);
  }
}
