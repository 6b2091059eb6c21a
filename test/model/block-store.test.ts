// The block store against a small model: random opens, writes, reads, evictions, damage and restarts. What it says is there is
// right; what was written is there unless it was evicted or damaged.
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { createLogger } from '../../src/base/index.ts';
import { BLOCK_BYTES, openBlockStore, type BlockStore, type Segment } from '../../src/cache/blocks/index.ts';
import { blockContent, segmentContent, segmentInfo } from '../support/block-content.ts';

const SEGMENT_BYTES = 2 * BLOCK_BYTES;
const SIZES = [0, 1, 5000, 131_072, 131_073, BLOCK_BYTES, SEGMENT_BYTES, SEGMENT_BYTES + 70_000, 2 * SEGMENT_BYTES];
const RUNS = 30;

const root = mkdtempSync(join(tmpdir(), 'evermount-blocks-model-'));
after(() => rmSync(root, { recursive: true }));

const object = fc.nat(SIZES.length - 1);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), object, at: fc.nat(), hold: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('read' as const), object, at: fc.nat(), length: fc.nat(2 * BLOCK_BYTES) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('find' as const), object, at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('whole' as const), object, at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('evict' as const), object }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('evictAll' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), count: fc.boolean() }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

class Run {
  readonly #path = mkdtempSync(join(root, 'run-'));
  #store = this.#openStore();
  /** "object index" → blocks written. */
  readonly #blocks = new Map<string, Set<number>>();
  #held: { name: string; segment: Segment }[] = [];

  async do(it: Step): Promise<void> {
    switch (it.do) {
      case 'write':
        return this.#write(it.object, it.at, it.hold);
      case 'read':
        return this.#read(it.object, it.at, it.length);
      case 'find': {
        this.#find(it.object, it.at);
        return;
      }
      case 'whole':
        return this.#whole(it.object, it.at);
      case 'release': {
        this.#release();
        return;
      }
      case 'evict':
        await this.#store.evict([segmentInfo(it.object, SIZES[it.object]!).object]);
        {
          this.#forget((name) => name.startsWith(`${it.object} `));
          return;
        }
      case 'evictAll':
        await this.#store.evict();
        {
          this.#forget(() => true);
          return;
        }
      case 'restart':
        this.#release();
        await this.#store.close();
        this.#store = this.#openStore();
        if (it.count) await this.#store.counted();
    }
  }

  async end(): Promise<void> {
    this.#release();
    await this.#store.counted();
    SIZES.forEach((sizeBytes, number) => {
      const { object } = segmentInfo(number, sizeBytes);
      assert.equal(this.#store.cachedBytes(object), this.#expectedBytes(number), `bytes of object ${number}`);
    });
    const usage = this.#store.usage();
    assert.equal(usage.damagedBlocks, 0);
    assert.equal(usage.segments, [...this.#blocks.values()].filter((blocks) => blocks.size > 0).length);
    await this.#store.evict();
    assert.equal(this.#store.usage().tiers[0]!.usedBytes, 0);
    await this.#store.close();
  }

  async #write(number: number, at: number, hold: boolean): Promise<void> {
    const { segment, name, blocks } = this.#open(number, at);
    const count = Math.ceil(segment.sizeBytes / BLOCK_BYTES);
    if (count > 0) {
      const block = at % count;
      assert.equal(await segment.write(block, blockContent(segment.info, block)), true);
      blocks.add(block);
    }
    if (hold && blocks.size > 0) this.#held.push({ name, segment });
    else segment.close();
  }

  async #read(number: number, at: number, length: number): Promise<void> {
    const { segment, blocks } = this.#open(number, at);
    const offset = at % (segment.sizeBytes + 2);
    const end = Math.min(segment.sizeBytes, offset + length);
    const into = Buffer.alloc(length);
    const got = await segment.read(offset, into);
    let isThere = true;
    for (let block = Math.floor(offset / BLOCK_BYTES); block * BLOCK_BYTES < end; block++)
      isThere &&= blocks.has(block);
    const expected = Math.max(0, end - offset);
    assert.equal(got, isThere || expected === 0 ? expected : -1, `${offset} + ${length} of object ${number}`);
    if (got > 0) assert.ok(into.subarray(0, got).equals(segmentContent(segment.info).subarray(offset, end)));
    segment.close();
  }

  #find(number: number, at: number): void {
    const { info, blocks } = this.#at(number, at);
    const found = this.#store.find({ object: info.object, index: info.index });
    assert.equal(found !== undefined, blocks.size > 0);
    if (found !== undefined) assert.deepEqual(found.info, info);
    found?.close();
  }

  async #whole(number: number, at: number): Promise<void> {
    const { segment, blocks } = this.#open(number, at);
    assert.equal(segment.isWhole(), blocks.size === Math.ceil(segment.sizeBytes / BLOCK_BYTES));
    const fd = await segment.openWhole();
    assert.equal(fd !== undefined, segment.isWhole() && segment.sizeBytes > 131_072);
    if (fd !== undefined) closeSync(fd);
    segment.close();
  }

  #release(): void {
    for (const { segment } of this.#held) segment.close();
    this.#held = [];
  }

  #forget(isMeant: (name: string) => boolean): void {
    const held = new Set(this.#held.map(({ name }) => name));
    for (const name of this.#blocks.keys()) if (isMeant(name) && !held.has(name)) this.#blocks.delete(name);
  }

  #expectedBytes(number: number): number {
    let bytes = 0;
    for (const [name, blocks] of this.#blocks) {
      const [object, index] = name.split(' ').map(Number);
      const info = segmentInfo(number, SIZES[number]!, index, SEGMENT_BYTES);
      if (object === number) for (const block of blocks) bytes += blockContent(info, block).length;
    }
    return bytes;
  }

  #at(number: number, at: number): { info: ReturnType<typeof segmentInfo>; name: string; blocks: Set<number> } {
    const sizeBytes = SIZES[number]!;
    const index = at % Math.max(1, Math.ceil(sizeBytes / SEGMENT_BYTES));
    const name = `${number} ${index}`;
    const blocks = this.#blocks.get(name) ?? new Set();
    this.#blocks.set(name, blocks);
    return { info: segmentInfo(number, sizeBytes, index, SEGMENT_BYTES), name, blocks };
  }

  #open(number: number, at: number): { segment: Segment; name: string; blocks: Set<number> } {
    const { info, name, blocks } = this.#at(number, at);
    const segment = this.#store.open(info);
    assert.ok(segment !== undefined);
    return { segment, name, blocks };
  }

  #openStore(): BlockStore {
    const tiers = [{ medium: 'SSD' as const, paths: [{ path: this.#path, quotaBytes: 1e9 }] }];
    return openBlockStore({ tiers, keepFreeFraction: 0 }, { log: createLogger({ write: () => {} }) });
  }
}

test('whatever is done in whatever order, the store holds what a model of it holds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const run = new Run();
      for (const it of steps) await run.do(it);
      await run.end();
    }),
    { numRuns: RUNS },
  );
});
