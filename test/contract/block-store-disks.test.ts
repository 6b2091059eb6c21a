// Disks that are full or can no longer be written to, as small mounts: one path degrades, nothing else does.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createLogger } from '../../src/base/index.ts';
import { BLOCK_BYTES, openBlockStore, type BlockStore } from '../../src/cache/blocks/index.ts';
import { blockContent, segmentContent, segmentInfo } from '../support/block-content.ts';
import { IS_ROOT } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const DISK_BYTES = 8 * BLOCK_BYTES;
const skip = IS_ROOT ? false : 'needs root: mounts a small tmpfs';

const root = mkdtempSync(join(tmpdir(), 'evermount-blocks-disks-'));
const mounts: string[] = [];
let nowMs = Date.now();
after(() => {
  for (const path of mounts) execFileSync('umount', [path]);
  rmSync(root, { recursive: true });
});

function smallDisk(): string {
  const path = mkdtempSync(join(root, 'disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES},mode=700`, 'none', path]);
  mounts.push(path);
  return path;
}

function openStore(paths: readonly string[], keepFreeFraction = 0): BlockStore {
  return openBlockStore(
    {
      tiers: paths.map((path) => ({ medium: 'MEM', paths: [{ path, quotaBytes: 1e9 }] })),
      keepFreeFraction,
    },
    { log: createLogger({ write: () => {} }), nowMs: () => nowMs },
  );
}

/** Whether all of it was kept. */
async function put(store: BlockStore, object: number, sizeBytes: number): Promise<boolean> {
  const segment = store.open(segmentInfo(object, sizeBytes));
  if (segment === undefined) return false;
  let isKept = true;
  for (let block = 0; block * BLOCK_BYTES < sizeBytes; block++)
    isKept &&= await segment.write(block, blockContent(segment.info, block));
  segment.close();
  return isKept;
}

async function check(store: BlockStore, object: number, sizeBytes: number): Promise<void> {
  const segment = store.find(segmentInfo(object, sizeBytes));
  assert.ok(segment !== undefined, `object ${object}`);
  const into = Buffer.alloc(sizeBytes);
  assert.equal(await segment.read(0, into), sizeBytes);
  assert.ok(into.equals(segmentContent(segment.info)));
  segment.close();
}

for (const sizeBytes of [100_000, 2 * BLOCK_BYTES + 5])
  test(
    `a disk that others fill takes no more of ${sizeBytes} bytes, keeps what it has, and takes again when there is room`,
    {
      skip,
    },
    async () => {
      const path = smallDisk();
      const store = openStore([path]);
      assert.equal(await put(store, 1, sizeBytes), true);
      // Within the second for which the last look at the free space is good: writing itself must notice.
      writeFileSync(join(path, 'other'), Buffer.alloc(statfsSync(path).bavail * 4096 - 40_960));
      assert.equal(await put(store, 2, sizeBytes), false);
      assert.match(store.usage().tiers[0]!.failed ?? '', /ENOSPC|holds .*, all it may/);
      await check(store, 1, sizeBytes);
      nowMs += 31_000;
      assert.equal(await put(store, 3, sizeBytes), false);
      rmSync(join(path, 'other'));
      nowMs += 31_000;
      assert.equal(await put(store, 4, sizeBytes), true);
      assert.equal(store.usage().tiers[0]!.failed, undefined);
      for (const object of [1, 4]) await check(store, object, sizeBytes);
      await store.close();
    },
  );

test('the next tier takes what a full disk cannot', { skip }, async () => {
  const [first, second] = [smallDisk(), smallDisk()];
  const store = openStore([first, second]);
  for (let object = 0; object < 140; object++)
    assert.equal(await put(store, object, 100_000), true, `object ${object}`);
  for (let object = 0; object < 140; object++) await check(store, object, 100_000);
  assert.ok(store.usage().tiers[1]!.usedBytes > 0);
  await store.close();
});

test('a file system is not filled beyond what is to be kept free, and old segments make way', { skip }, async () => {
  const path = smallDisk();
  const store = openStore([path], 0.25);
  await store.counted();
  for (let object = 0; object < 140; object++) {
    nowMs += 2000;
    if (!(await put(store, object, 100_000)))
      await until('room', async () => {
        nowMs += 2000;
        return put(store, object, 100_000);
      });
    const { blocks, bfree } = statfsSync(path);
    assert.ok((blocks - bfree) / blocks <= 0.77, `${blocks - bfree} of ${blocks} used`);
  }
  await check(store, 139, 100_000);
  assert.ok(store.usage().evictedBytes > 0);
  await store.close();
});

test('a disk that became read-only is read, and written to no more', { skip }, async () => {
  const [path, other] = [smallDisk(), smallDisk()];
  const store = openStore([path, other]);
  assert.equal(await put(store, 1, 3 * BLOCK_BYTES), true);
  assert.equal(await put(store, 2, 5000), true);
  await store.close();
  execFileSync('mount', ['-o', 'remount,ro', path]);
  const successor = openStore([path, other]);
  await successor.counted();
  await check(successor, 1, 3 * BLOCK_BYTES);
  await check(successor, 2, 5000);
  assert.equal(await put(successor, 3, 5000), true);
  assert.match(successor.usage().tiers[0]!.failed ?? '', /EROFS/);
  assert.equal(await successor.evict([segmentInfo(2, 5000).object]), 0);
  await check(successor, 2, 5000);
  await successor.close();
});
