// Kill storms over a bucket, with requests to the storage in flight: no error, no wrong byte, no reader that hangs.
//
// The proxy makes every request take a while and the cache loses files all the time, so at most kills something is under way.
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { pattern } from '../contract/posix.ts';
import { evermount, runProgram } from '../support/command-line.ts';
import { dropKernelCaches, expectObjects, ObjectStore, sourceOf } from '../support/dataset.ts';
import { clearMount, makeScratch, processesOf } from '../support/mounts.ts';
import { startReader, type Activity } from '../support/readers.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { assertUnharmed, killInTurn } from '../support/storm.ts';
import { until } from '../support/wait.ts';

const skip = requireFuse();
const SMALL_FILES = 10;
const KEYS = 3_000;
const REQUEST_MS = 15;

const OBJECTS: Record<string, Buffer> = {
  'large/three-blocks': pattern(2_500_000),
  'large/several-requests': pattern(20_000_001),
  ...Object.fromEntries(
    Array.from({ length: SMALL_FILES }, (_, i) => [
      `${i % 2 === 0 ? '' : 'below/'}file-${i}`,
      Buffer.alloc(1 + 30_000 * i, `content of file ${i} `),
    ]),
  ),
};
const NAMES = Array.from({ length: KEYS }, (_, i) => `key-${i}`);

suite('kill storms over a bucket', { skip }, () => {
  let store: ObjectStore;
  before(async () => {
    store = await ObjectStore.start();
    await store.bucket('files', OBJECTS);
    await store.bucket('many', Object.fromEntries(NAMES.map((name) => [`folder/${name}`, ''])));
  });
  after(() => store[Symbol.asyncDispose]());

  const slow = (): void => store.proxy.use({ fault: { do: 'delay', ms: REQUEST_MS } });

  for (const takeover of ['resend', 'journal']) {
    for (const standby of ['on', 'off']) {
      for (const parts of [['daemon'], ['daemon', 'vault', 'supervisor']] as const) {
        const kills = parts.length === 1 ? 8 : 9;
        const passthrough = standby; // either way in either mode
        test(`${kills} kills of ${parts.join(', ')}, ${takeover}, standby ${standby}: readers notice nothing`, async () => {
          slow();
          using scratch = makeScratch();
          const cacheDir = scratch.at('cache');
          await using mount = await store.mount({
            bucket: 'files',
            cacheDir,
            options: ['--takeover', takeover, '--standby', standby, '--passthrough', passthrough],
          });
          const files = expectObjects(OBJECTS);
          await using buffered = await startReader({ folder: mount.target, files });
          await using direct = await startReader({ folder: mount.target, files, direct: true });
          store.proxy.seen.length = 0;
          await killInTurn(mount, kills, parts, () => {
            loseHalf(cacheDir);
            dropKernelCaches();
          });
          await mount.untilServing();
          assert.ok(store.proxy.seen.length > 0, 'the storage was not asked during the kills');
          assertUnharmed(await direct.stop());
          assertUnharmed(await buffered.stop());
          const { takeovers } = await mount.status();
          assert.ok(takeovers >= kills / parts.length, `only ${takeovers} takeovers`);
        });
      }
    }
  }

  test('kills under readers of mapped files', async () => {
    slow();
    using scratch = makeScratch();
    await using mount = await store.mount({ bucket: 'files', cacheDir: scratch.at('cache') });
    const activities: Activity[] = ['mapped'];
    await using reader = await startReader({ folder: mount.target, files: expectObjects(OBJECTS), activities });
    await killInTurn(mount, 10, ['daemon'], () => {
      loseHalf(scratch.at('cache'));
      dropKernelCaches();
    });
    await mount.untilServing();
    assertUnharmed(await reader.stop());
  });

  test('10 restarts under readers: no request is run twice, and no daemon waits for the one before', async () => {
    slow();
    await using mount = await store.mount({ bucket: 'files', options: ['--passthrough', 'off'] });
    const files = expectObjects(OBJECTS);
    await using reader = await startReader({ folder: mount.target, files, direct: true });
    await using buffered = await startReader({ folder: mount.target, files });
    for (let i = 0; i < 10; i++) {
      const { status, stdout, stderr } = await mount.run('restart', '--json', mount.target);
      assert.equal(status, 0, stderr);
      assert.equal((JSON.parse(stdout) as { requestsRunTwice: number }).requestsRunTwice, 0, stdout);
    }
    assertUnharmed(await reader.stop());
    assertUnharmed(await buffered.stop());
    assert.doesNotMatch(mount.log(), / (warn|error) +/, mount.log());
  });

  test('kills while a folder of 3,000 keys is listed again and again: every listing has every name once', async () => {
    slow();
    for (const refresh of ['always', '5m']) {
      await using mount = await store.mount({ bucket: 'many', options: ['--refresh', refresh] });
      const folder = mount.at('folder');
      let isOver = false;
      let listings = 0;
      const listing = (async () => {
        for (; !isOver; listings++) await assertLists(folder);
      })();
      try {
        await killInTurn(mount, 12, ['daemon']);
      } finally {
        isOver = true;
        await listing;
      }
      await mount.untilServing();
      await assertLists(folder);
      assert.ok(listings > 0);
    }
  });

  test('kills during the first listing of a folder with 3,000 keys', async () => {
    // So slow that each page is a target.
    store.proxy.use({ fault: { do: 'delay', ms: 100 } });
    await using mount = await store.mount({ bucket: 'many', prefix: 'folder' });
    const listed = assertLists(mount.target);
    listed.catch(() => {}); // told below
    await killInTurn(mount, 4, ['daemon']);
    await listed;
    store.proxy.clear();
    await assertLists(mount.target);
  });

  test('unmounted and mounted again: data, names and inode numbers are those of before, and the storage is not asked for bytes', async () => {
    using scratch = makeScratch();
    store.proxy.clear();
    const cacheDir = scratch.at('cache');
    const target = scratch.at('here');
    const state = scratch.at('state');
    await runProgram('mkdir', [target]);
    const numbers: bigint[][] = [];
    try {
      for (const round of ['first', 'second']) {
        const args = ['mount', ...store.options(cacheDir), sourceOf('files'), target];
        const mounted = await evermount(state, args);
        assert.equal(mounted.status, 0, mounted.stderr);
        store.proxy.seen.length = 0;
        await using reader = await startReader({
          folder: target,
          files: expectObjects(OBJECTS),
          activities: ['paths'],
          direct: true,
        });
        await until('everything to be read', async () => (await reader.counts()).reads > Object.keys(OBJECTS).length);
        assertUnharmed(await reader.stop());
        const stats = Object.keys(OBJECTS).map((name) => lstat(join(target, name), { bigint: true }));
        numbers.push((await Promise.all(stats)).map(({ ino }) => ino));
        const asked = store.proxy.seen.filter(({ url }) => !url.includes('list-type'));
        if (round === 'second')
          assert.deepEqual(
            asked.map(({ method, url }) => `${method} ${url}`),
            [],
          );
        const unmounted = await evermount(state, ['umount', target]);
        assert.equal(unmounted.status, 0, unmounted.stderr);
        await until('the end of the session', () => processesOf(state).length === 0);
      }
    } finally {
      await clearMount(target, state);
    }
    assert.deepEqual(numbers[1], numbers[0]);
  });

  for (const step of ['init-answered', 'record-written', 'vault-started', 'serving']) {
    test(`mount killed at "${step}": the next mount of the bucket serves, with the same cache folder`, async () => {
      using scratch = makeScratch();
      store.proxy.clear();
      const [state, target] = [scratch.at('state'), scratch.at('target')];
      await runProgram('mkdir', [target]);
      const args = ['mount', ...store.options(scratch.at('cache')), sourceOf('files'), target];
      try {
        const killed = await evermount(state, args, { env: { EVERMOUNT_KILL_AT: `mount:${step}` } });
        assert.equal(killed.status, -1, killed.stderr);
        if (step === 'vault-started' || step === 'serving') {
          const umounted = await evermount(state, ['umount', target]);
          assert.equal(umounted.status, 0, umounted.stderr);
          await until('the end of the session', () => processesOf(state).length === 0);
        }
        const again = await evermount(state, args);
        assert.equal(again.status, 0, again.stderr);
        assert.equal((await runProgram('cat', [join(target, 'file-2')])).stdout, String(OBJECTS['file-2']));
        assert.equal((await evermount(state, ['umount', target])).status, 0);
        await until('the end of the processes', () => processesOf(state).length === 0);
      } finally {
        await clearMount(target, state);
      }
    });
  }
});

async function assertLists(folder: string): Promise<void> {
  const { status, stdout, stderr } = await runProgram('ls', ['-f', folder]);
  assert.equal(status, 0, stderr);
  const names = stdout.split('\n').filter((name) => name.startsWith('key-'));
  assert.equal(names.length, KEYS);
  assert.equal(new Set(names).size, KEYS);
}

/** As eviction does, but at any time: half of the files that hold cached data go. */
function loseHalf(cacheDir: string): void {
  const files = readdirSync(cacheDir, { recursive: true, withFileTypes: true });
  for (const { parentPath, name } of files.filter((entry) => entry.isFile() && /^[0-9a-f]{24}-\d+/.test(entry.name)))
    if (Math.random() < 0.5) rmSync(join(parentPath, name), { force: true });
}
