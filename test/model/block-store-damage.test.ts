// Damage of any kind to what is on disk: never a wrong byte, and what is damaged is counted.
import assert from 'node:assert/strict';
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { createLogger } from '../../src/base/index.ts';
import { BLOCK_BYTES, openBlockStore, type BlockStore } from '../../src/cache/blocks/index.ts';
import { blockContent, segmentContent, segmentInfo } from '../support/block-content.ts';

const SIZES = [1, 20_000, 131_072, 131_073, 2 * BLOCK_BYTES - 5000];
const RUNS = 150;

const root = mkdtempSync(join(tmpdir(), 'evermount-blocks-damage-'));
after(() => rmSync(root, { recursive: true }));

const kinds = { small: /-0$/, data: /[.]data$/, sidecar: /[.]sum$/ };
const where = fc.record({
  kind: fc.constantFrom<keyof typeof kinds>('small', 'data', 'sidecar'),
  which: fc.nat(),
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

test('any bit flipped anywhere is never served, and counted', async () => {
  await fc.assert(
    fc.asyncProperty(where, fc.nat(7), fc.boolean(), async (place, bit, byFind) => {
      const file = await freshFile(place.kind, place.which);
      const at = flip(file, place.at, bit);
      const store = openStore();
      await readEverything(store, byFind);
      // In a sidecar there is room for what has not been written yet.
      const isSum = place.kind === 'sidecar' && !(at < 64);
      if (!isSum) assert.ok(store.usage().damagedBlocks >= 1 || byFind, `byte ${at} of ${file}`);
      await fillEverything(store);
      await readEverything(store, false, true);
      await store.close();
    }),
    { numRuns: RUNS },
  );
});

test('a file cut short, made longer or gone is never served wrong', async () => {
  await fc.assert(
    fc.asyncProperty(where, fc.constantFrom('cut', 'grown', 'gone'), async (place, how) => {
      const file = await freshFile(place.kind, place.which);
      const fd = openSync(file, 'r');
      const { size } = fstatSync(fd);
      closeSync(fd);
      if (how === 'gone') rmSync(file);
      else truncateSync(file, how === 'cut' ? Math.floor(size * place.at) : size + 1 + Math.floor(place.at * 9999));
      const store = openStore();
      await readEverything(store, place.which % 2 === 0);
      await fillEverything(store);
      await readEverything(store, false, true);
      await store.close();
    }),
    { numRuns: RUNS / 3 },
  );
});

let filled = false;
async function freshFile(kind: keyof typeof kinds, which: number): Promise<string> {
  if (!filled) {
    const store = openStore();
    await fillEverything(store);
    await store.close();
    filled = true;
  }
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => kinds[kind].test(name))
    .sort();
  return join(root, files[which % files.length]!);
}

function openStore(): BlockStore {
  return openBlockStore(
    {
      tiers: [{ medium: 'SSD', paths: [{ path: root, quotaBytes: 1e9 }] }],
      keepFreeFraction: 0,
    },
    { log: createLogger({ write: () => {} }) },
  );
}

async function fillEverything(store: BlockStore): Promise<void> {
  for (const [object, sizeBytes] of SIZES.entries()) {
    const segment = store.open(segmentInfo(object, sizeBytes))!;
    for (let block = 0; block * BLOCK_BYTES < sizeBytes; block++)
      assert.equal(await segment.write(block, blockContent(segment.info, block)), true);
    segment.close();
  }
}

async function readEverything(store: BlockStore, byFind: boolean, mustBeThere = false): Promise<void> {
  for (const [object, sizeBytes] of SIZES.entries()) {
    const info = segmentInfo(object, sizeBytes);
    const segment = byFind ? store.find(info) : store.open(info);
    if (byFind && segment === undefined) continue;
    assert.ok(segment !== undefined);
    assert.deepEqual(segment.info, info);
    const content = segmentContent(info);
    // For the kernel to read: right as well, or not at all.
    const fd = await segment.openWhole();
    if (fd !== undefined) {
      const whole = Buffer.alloc(sizeBytes + 1);
      assert.equal(readSync(fd, whole, 0, whole.length, 0), sizeBytes);
      assert.ok(whole.subarray(0, sizeBytes).equals(content), `passthrough of object ${object}`);
      closeSync(fd);
    }
    for (let offset = 0; offset < sizeBytes; offset += 100_000) {
      const into = Buffer.alloc(100_000);
      const got: number = await segment.read(offset, into);
      if (got === -1 && !mustBeThere) continue;
      assert.equal(got, Math.min(into.length, sizeBytes - offset));
      assert.ok(into.subarray(0, got).equals(content.subarray(offset, offset + got)), `object ${object} at ${offset}`);
    }
    segment.close();
  }
}

/** Returns which byte it was. */
function flip(file: string, place: number, bit: number): number {
  const fd = openSync(file, 'r+');
  const at = Math.floor(fstatSync(fd).size * place);
  const byte = Buffer.alloc(1);
  readSync(fd, byte, 0, 1, at);
  byte[0]! ^= 1 << bit;
  writeSync(fd, byte, 0, 1, at);
  closeSync(fd);
  return at;
}
