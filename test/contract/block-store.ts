// What every block store promises, as tests of a folder it may use. Run by block-store.test.ts for each kind of disk.
import assert from 'node:assert/strict';
import {
  closeSync,
  mkdtempSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { createLogger } from '../../src/base/index.ts';
import {
  BLOCK_BYTES,
  openBlockStore,
  type BlockStore,
  type BlockStoreConfig,
  type Segment,
} from '../../src/cache/blocks/index.ts';
import { blockContent, SEGMENT_BYTES, segmentContent, segmentInfo } from '../support/block-content.ts';
import { until } from '../support/wait.ts';

const KIB = 1024;

export function blockStoreContract(kind: string, parent: string): void {
  suite(kind, () => {
    const root = mkdtempSync(join(parent, 'evermount-blocks-test-'));
    const stores: BlockStore[] = [];
    let folders = 0;
    let nowMs = Date.now();
    const log = createLogger({ write: () => {} });
    after(async () => {
      await Promise.all(stores.map((it) => it.close()));
      rmSync(root, { recursive: true });
    });

    const freshPath = (): string => mkdtempSync(join(root, `${folders++}-`));
    function openStore(path: string, quotaBytes = 1e9, config: Partial<BlockStoreConfig> = {}): BlockStore {
      const tiers = [{ medium: 'SSD' as const, paths: [{ path, quotaBytes }] }];
      const store = openBlockStore(
        { tiers, keepFreeFraction: 0, lockWaitMs: 50, ...config },
        { log, nowMs: () => nowMs },
      );
      stores.push(store);
      return store;
    }
    async function reopen(store: BlockStore, path: string): Promise<BlockStore> {
      await store.close();
      return openStore(path);
    }

    for (const sizeBytes of [1, 16 * KIB, 100_000, 128 * KIB, 128 * KIB + 1, BLOCK_BYTES, 3 * BLOCK_BYTES + 12_345]) {
      test(`${sizeBytes} bytes come back as they were stored, whatever piece is asked for, before and after a restart`, async () => {
        const path = freshPath();
        let store = openStore(path);
        const info = segmentInfo(1, sizeBytes);
        const content = segmentContent(info);
        let segment = store.open(info)!;
        assert.equal(segment.sizeBytes, sizeBytes);
        assert.equal(await segment.read(0, Buffer.alloc(1)), -1);
        assert.equal(store.cachedBytes(info.object), 0);
        await fill(segment);
        for (const round of ['written', 'reopened', 'restarted']) {
          assert.equal(segment.isWhole(), true, round);
          assert.equal(store.cachedBytes(info.object), sizeBytes, round);
          for (const [offset, length] of pieces(sizeBytes)) {
            const into = Buffer.alloc(length, 0xee);
            const got = await segment.read(offset, into);
            assert.equal(got, Math.max(0, Math.min(length, sizeBytes - offset)), `${round}: ${offset} + ${length}`);
            assert.ok(into.subarray(0, got).equals(content.subarray(offset, offset + got)), `${round}: ${offset}`);
            assert.ok(
              into.subarray(got).every((byte) => byte === 0xee),
              'nothing behind what was read is touched',
            );
          }
          segment.close();
          if (round === 'reopened') store = await reopen(store, path);
          segment = store.open(info)!;
        }
        segment.close();
        assert.equal(store.usage().damagedBlocks, 0);
      });
    }

    test('a segment is found by object and index alone, and only if something of it is there', async () => {
      const path = freshPath();
      const store = openStore(path);
      for (const sizeBytes of [5000, SEGMENT_BYTES + 7]) {
        const info = segmentInfo(sizeBytes, sizeBytes, sizeBytes > SEGMENT_BYTES ? 1 : 0);
        assert.equal(store.find(info), undefined);
        const segment = store.open(info)!;
        assert.equal(store.find(info), undefined);
        await fill(segment);
        segment.close();
      }
      const successor = await reopen(store, path);
      for (const sizeBytes of [5000, SEGMENT_BYTES + 7]) {
        const info = segmentInfo(sizeBytes, sizeBytes, sizeBytes > SEGMENT_BYTES ? 1 : 0);
        const found = successor.find({ object: info.object, index: info.index })!;
        assert.deepEqual(found.info, info);
        found.close();
      }
      for (const object of ['../../../../etc/passwd', '', 'ABCDEF0123456789abcdef01', '0123'])
        assert.equal(successor.find({ object, index: 0 }), undefined);
      assert.equal(successor.find({ object: segmentInfo(5000, 5000).object, index: 1.5 }), undefined);
    });

    test('an absent block is -1 and its neighbours are not', async () => {
      const store = openStore(freshPath());
      const info = segmentInfo(1, SEGMENT_BYTES);
      const segment = store.open(info)!;
      assert.equal(await segment.write(1, blockContent(info, 1)), true);
      const into = Buffer.alloc(100);
      assert.equal(await segment.read(BLOCK_BYTES - 1, into), -1);
      assert.equal(await segment.read(2 * BLOCK_BYTES - 1, into), -1);
      assert.equal(await segment.read(BLOCK_BYTES, into), 100);
      assert.equal(segment.isWhole(), false);
      assert.equal(await segment.openWhole(), undefined);
      assert.equal(store.cachedBytes(info.object), BLOCK_BYTES);
      segment.close();
    });

    test('several holders share a segment; blocks written by one are there for all, at the same time too', async () => {
      const store = openStore(freshPath());
      const info = segmentInfo(1, SEGMENT_BYTES);
      const [one, two] = [store.open(info)!, store.open(info)!];
      const wrote = await Promise.all([0, 1, 2, 3].map((it) => one.write(it, blockContent(info, it))));
      assert.deepEqual(wrote, [true, true, true, true]);
      one.close();
      assert.equal(await two.read(0, Buffer.alloc(10)), 10);
      two.close();
    });

    test('a closed segment finishes what is under way', async () => {
      const store = openStore(freshPath());
      const info = segmentInfo(1, SEGMENT_BYTES);
      const segment = store.open(info)!;
      const writing = segment.write(0, blockContent(info, 0));
      segment.close();
      assert.equal(await writing, true);
      const again = store.open(info)!;
      assert.equal(await again.read(0, Buffer.alloc(10)), 10);
      again.close();
    });

    test('a whole file is handed out for passthrough, and not once somebody wrote into it', async () => {
      const path = freshPath();
      let store = openStore(path);
      const info = segmentInfo(1, SEGMENT_BYTES);
      let segment = store.open(info)!;
      await fill(segment);
      const content = segmentContent(info);
      for (const round of ['written', 'restarted']) {
        const fd = await segment.openWhole();
        assert.ok(fd !== undefined, round);
        const into = Buffer.alloc(SEGMENT_BYTES + 1);
        assert.equal(readSync(fd, into, 0, into.length, 0), SEGMENT_BYTES);
        assert.ok(into.subarray(0, SEGMENT_BYTES).equals(content));
        closeSync(fd);
        segment.close();
        store = await reopen(store, path);
        segment = store.open(info)!;
      }
      const [data] = filesBelow(path, '.data');
      flip(data!, 2 * BLOCK_BYTES + 77);
      assert.equal(await segment.openWhole(), undefined);
      assert.deepEqual(
        [0, 1, 2, 3].map((it) => segment.has(it)),
        [true, true, false, true],
      );
      assert.equal(store.usage().damagedBlocks, 1);
      assert.equal(await segment.write(2, blockContent(info, 2)), true);
      const fd = await segment.openWhole();
      assert.ok(fd !== undefined, 'whole again');
      closeSync(fd);
      segment.close();
    });

    for (const sizeBytes of [20_000, SEGMENT_BYTES]) {
      test(`a flipped byte among ${sizeBytes} is never served, counted once, and can be filled again`, async () => {
        const path = freshPath();
        const store = openStore(path);
        const info = segmentInfo(1, sizeBytes);
        const segment = store.open(info)!;
        await fill(segment);
        const [data] = filesBelow(path, sizeBytes === SEGMENT_BYTES ? '.data' : '-0');
        flip(data!, sizeBytes - 10);
        const last = Math.ceil(sizeBytes / BLOCK_BYTES) - 1;
        assert.equal(await segment.read(sizeBytes - 100, Buffer.alloc(100)), -1);
        assert.equal(segment.has(last), false);
        assert.equal(store.usage().damagedBlocks, 1);
        assert.equal(await segment.read(sizeBytes - 100, Buffer.alloc(100)), -1);
        assert.equal(store.usage().damagedBlocks, 1);
        assert.equal(await segment.write(last, blockContent(info, last)), true);
        const into = Buffer.alloc(100);
        assert.equal(await segment.read(sizeBytes - 100, into), 100);
        assert.ok(into.equals(segmentContent(info).subarray(-100)));
        segment.close();
      });
    }

    test('the least recently used go first when the high watermark is passed, never what is open', async () => {
      const path = freshPath();
      const each = 20 * KIB; // on disk
      const store = openStore(path, 100 * each, {
        tiers: [{ medium: 'SSD', paths: [{ path, quotaBytes: 100 * each }], high: 0.9, low: 0.5 }],
      });
      await store.counted();
      const held = store.open(segmentInfo(0, 20_000))!;
      await fill(held);
      for (let i = 1; i <= 89; i++) {
        nowMs += 1000;
        await put(store, i);
      }
      assert.equal(store.usage().evictedBytes, 0);
      nowMs += 1000;
      store.open(segmentInfo(5, 20_000))!.close();
      nowMs += 1000;
      await put(store, 90);
      await until('the eviction', () => usedBytes(store) <= 50 * each);
      assert.equal(await held.read(0, Buffer.alloc(10)), 10);
      held.close();
      const left = Array.from({ length: 91 }, (_, i) => i).filter(
        (i) => store.cachedBytes(segmentInfo(i, 20_000).object) > 0,
      );
      assert.deepEqual(left, [0, 5, ...Array.from({ length: 48 }, (_, i) => 43 + i)]);
    });

    test('the order of last use outlives a restart', async () => {
      const path = freshPath();
      const store = openStore(path);
      for (let i = 0; i < 4; i++) await put(store, i);
      nowMs += 600_000;
      for (const i of [2, 0, 3, 1]) {
        nowMs += 61_000;
        store.open(segmentInfo(i, 20_000))!.close();
      }
      await store.close();
      const each = 20 * KIB;
      const successor = openStore(path, 4 * each, {
        tiers: [{ medium: 'SSD', paths: [{ path, quotaBytes: 4 * each }], high: 0.5, low: 0.5 }],
      });
      await successor.counted();
      await until('the eviction', () => usedBytes(successor) <= 2 * each);
      assert.deepEqual(
        [0, 1, 2, 3].filter((i) => successor.cachedBytes(segmentInfo(i, 20_000).object) > 0),
        [1, 3],
      );
    });

    test('what is on disk is counted after a restart as it was before', async () => {
      const path = freshPath();
      const store = openStore(path);
      for (let i = 0; i < 40; i++) await put(store, i);
      const large = segmentInfo(99, 2 * SEGMENT_BYTES);
      for (const index of [0, 1]) {
        const segment = store.open({ ...large, index })!;
        await segment.write(2, blockContent({ ...large, index }, 2));
        segment.close();
      }
      const before = store.usage();
      const successor = await reopen(store, path);
      assert.equal(successor.usage().segments, 0, 'opening counts nothing');
      await successor.counted();
      assert.equal(successor.usage().segments, before.segments);
      const [was, is] = [before.tiers[0]!.usedBytes, usedBytes(successor)];
      assert.ok(Math.abs(is - was) <= 0.05 * was, `${is} instead of ${was}`);
      assert.equal(successor.cachedBytes(large.object), 2 * BLOCK_BYTES);
      assert.equal(successor.cachedBytes(segmentInfo(7, 20_000).object), 20_000);
    });

    test('evict() forgets the objects named, or all, and leaves what is open', async () => {
      const path = freshPath();
      const store = openStore(path);
      for (let i = 0; i < 5; i++) await put(store, i);
      const large = segmentInfo(9, SEGMENT_BYTES);
      const segment = store.open(large)!;
      await fill(segment);
      assert.ok((await store.evict([segmentInfo(1, 20_000).object, 'ffffffffffffffffffffffff'])) >= 20_000);
      assert.equal(store.cachedBytes(segmentInfo(1, 20_000).object), 0);
      assert.ok((await store.evict()) >= 80_000);
      assert.equal(store.usage().segments, 1);
      assert.equal(await segment.read(0, Buffer.alloc(10)), 10);
      segment.close();
      assert.ok((await store.evict()) >= SEGMENT_BYTES);
      assert.equal(usedBytes(store), 0);
      await until('the files to be gone', () => filesBelow(path, '').every((it) => /FORMAT$|lock$/.test(it)));
    });

    test('what a killed process left half made is removed, and what is whole is not', async () => {
      const path = freshPath();
      const store = openStore(path);
      const info = segmentInfo(1, SEGMENT_BYTES);
      const segment = store.open(info)!;
      await fill(segment);
      segment.close();
      await put(store, 2);
      await store.close();
      const [data] = filesBelow(path, '.data');
      const folder = data!.slice(0, data!.lastIndexOf('/'));
      const stray = (suffix: string): string => join(folder, `${info.object.slice(0, 1)}${'0'.repeat(23)}-0${suffix}`);
      for (const suffix of ['.data', '.new', '.gone']) writeFileSync(stray(suffix), 'left');
      const successor = openStore(path);
      await successor.counted();
      assert.deepEqual(
        readdirSync(folder).filter((it) => it.includes('00000000000000000')),
        [],
      );
      assert.equal(successor.cachedBytes(info.object), SEGMENT_BYTES);
      assert.equal(successor.usage().segments, 2);
    });

    test('segments of another length, asked for since, are forgotten and no damage', async () => {
      const path = freshPath();
      const store = openStore(path);
      for (const sizeBytes of [20_000, SEGMENT_BYTES]) {
        const segment = store.open(segmentInfo(1, sizeBytes))!;
        await fill(segment);
        segment.close();
      }
      await store.close();
      const other = openStore(path);
      for (const sizeBytes of [20_000, SEGMENT_BYTES]) {
        const info = segmentInfo(1, sizeBytes, 0, 2 * SEGMENT_BYTES);
        const segment = other.open(info)!;
        assert.equal(segment.has(0), false);
        segment.close();
      }
      assert.equal(other.usage().damagedBlocks, 0);
    });

    test('the paths of a tier share what comes, and each is found again', async () => {
      const tiers = [
        { medium: 'SSD' as const, paths: [freshPath(), freshPath()].map((path) => ({ path, quotaBytes: 1e9 })) },
      ];
      const store = openStore('', 1, { tiers });
      for (let i = 0; i < 40; i++) await put(store, i);
      for (const tier of store.usage().tiers) assert.equal(tier.usedBytes, 20 * 20 * KIB);
      await store.close();
      const successor = openStore('', 1, { tiers });
      for (const round of ['opened', 'counted']) {
        for (let i = 0; i < 40; i++) {
          const segment = successor.find(segmentInfo(i, 20_000));
          assert.ok(segment !== undefined, `${round}: object ${i}`);
          segment.close();
        }
        await successor.counted();
      }
      assert.equal(successor.usage().segments, 40);
    });

    test('a MEM tier that is not in memory is warned of', () => {
      const lines: string[] = [];
      const path = freshPath();
      openBlockStore(
        { tiers: [{ medium: 'MEM', paths: [{ path, quotaBytes: 1 }] }] },
        { log: createLogger({ write: (line) => lines.push(line) }) },
      );
      const isTmpfs = statfsSync(path).type === 0x01021994;
      assert.equal(
        lines.some((line) => line.includes('not on tmpfs')),
        !isTmpfs,
      );
    });

    test('two stores never write to one path: the second neither begins nor fills, until the first is closed', async () => {
      const path = freshPath();
      const first = openStore(path);
      await first.begin();
      const second = openStore(path);
      await assert.rejects(second.begin(), { code: 'in-use' });
      const info = segmentInfo(1, 20_000);
      assert.equal(second.open(info), undefined);
      await first.close();
      await second.begin();
      const segment = second.open(info)!;
      assert.equal(await segment.write(0, blockContent(info, 0)), true);
      segment.close();
    });

    test('a standby only opens: it reads nothing and changes nothing in the folder', async () => {
      const path = freshPath();
      const store = openStore(path);
      await store.begin();
      await put(store, 1);
      const before = filesBelow(path, '').map((it) => [it, statSync(it, { bigint: true }).ctimeNs]);
      openStore(path);
      assert.deepEqual(
        filesBelow(path, '').map((it) => [it, statSync(it, { bigint: true }).ctimeNs]),
        before,
      );
    });

    test('a quota is never passed: what has no room is not kept', async () => {
      const path = freshPath();
      const store = openStore(path, 100 * KIB);
      const [a, b] = [segmentInfo(1, BLOCK_BYTES), segmentInfo(2, 60_000)];
      const large = store.open(a)!;
      assert.equal(await large.write(0, blockContent(a, 0)), false);
      large.close();
      const small = store.open(b)!;
      assert.equal(await small.write(0, blockContent(b, 0)), true);
      const third = store.open(segmentInfo(3, 60_000))!;
      assert.equal(await third.write(0, blockContent(third.info, 0)), false);
      assert.ok(usedBytes(store) <= 100 * KIB);
      for (const segment of [small, third]) segment.close();
    });

    test('a path that fails is set aside with its reason, others take over, and it is tried again later', async () => {
      const [bad, good] = [freshPath(), freshPath()];
      const tiers = [
        { medium: 'SSD' as const, paths: [{ path: bad, quotaBytes: 1e9 }] },
        { medium: 'HDD' as const, paths: [{ path: good, quotaBytes: 1e9 }] },
      ];
      const store = openStore(bad, 1e9, { tiers });
      await put(store, 1);
      const [file] = filesBelow(bad, '-0');
      // Names of new files need a folder that cannot be made.
      for (const digit of '0123456789abcdef')
        if (!file!.includes(`/${digit}/`)) writeFileSync(join(bad, 'evermount-blocks', digit), 'not a folder');
      const digit = file!.split('/').at(-2);
      const others = Array.from({ length: 40 }, (_, i) => i + 2).filter(
        (i) => !segmentInfo(i, 20_000).object.startsWith(digit!),
      );
      await put(store, others[0]!);
      await put(store, others[1]!);
      const [first, second] = store.usage().tiers;
      assert.match(first!.failed!, /cannot write: ENOTDIR/);
      assert.equal(second!.failed, undefined);
      assert.ok(second!.usedBytes >= 40_000);
      assert.equal(store.cachedBytes(segmentInfo(1, 20_000).object), 20_000);
      for (const it of '0123456789abcdef') if (it !== digit) rmSync(join(bad, 'evermount-blocks', it));
      nowMs += 31_000;
      await put(store, others[2]!);
      assert.equal(store.usage().tiers[0]!.failed, undefined);
      assert.ok(store.usage().tiers[0]!.usedBytes >= 40_000);
    });

    test('what a person must put right is said when the store is opened', () => {
      assert.throws(() => openStore(join(root, 'nowhere')), {
        code: 'path-missing',
        message: /does not exist[.] Create it/,
      });
      const path = freshPath();
      openStore(path);
      writeFileSync(join(path, 'evermount-blocks', 'FORMAT'), 'evermount blocks 7\n');
      assert.throws(() => openStore(path), { code: 'foreign-format', message: /another release .*blocks 7/ });
      const notFolder = join(root, 'file');
      writeFileSync(notFolder, '');
      assert.throws(() => openStore(notFolder), { code: 'path-unusable' });
      assert.throws(() => openStore(path, 0), { code: 'bad-config' });
    });

    test('files and folders are for their owner alone', async () => {
      const path = freshPath();
      const store = openStore(path);
      await put(store, 1);
      const segment = store.open(segmentInfo(2, SEGMENT_BYTES))!;
      await fill(segment);
      segment.close();
      for (const file of filesBelow(path, '')) assert.equal(statSync(file).mode & 0o777, 0o600, file);
      for (const it of readdirSync(path, { recursive: true, withFileTypes: true }))
        if (it.isDirectory()) assert.equal(statSync(join(it.parentPath, it.name)).mode & 0o777, 0o700, it.name);
    });
  });
}

async function fill(segment: Segment): Promise<void> {
  const blocks = Math.ceil(segment.sizeBytes / BLOCK_BYTES);
  for (let block = 0; block < blocks; block++)
    assert.equal(await segment.write(block, blockContent(segment.info, block)), true);
}

/** A small object of 20,000 bytes: 20 KiB on disk. */
async function put(store: BlockStore, object: number): Promise<void> {
  const segment = store.open(segmentInfo(object, 20_000))!;
  await fill(segment);
  segment.close();
}

function usedBytes(store: BlockStore): number {
  return store.usage().tiers.reduce((sum, it) => sum + it.usedBytes, 0);
}

/** Offsets and lengths at and around every border there is. */
function pieces(sizeBytes: number): [number, number][] {
  const edges = [0, 1, 4096, 32 * KIB, 64 * KIB, 100_000, BLOCK_BYTES, 2 * BLOCK_BYTES, sizeBytes]
    .flatMap((edge) => [edge - 1, edge, edge + 1])
    .filter((edge) => edge >= 0 && edge <= sizeBytes + 1);
  return edges.flatMap((from) => [1, 4096, 128 * KIB, sizeBytes].map((length): [number, number] => [from, length]));
}

function filesBelow(path: string, ending: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((it) => it.isFile() && it.name.endsWith(ending))
    .map((it) => join(it.parentPath, it.name))
    .sort();
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 0x40;
  writeFileSync(file, bytes);
}
