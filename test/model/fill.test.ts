// Random reads, prefetches, evictions, failures and changed files through a fill, against known content.
// Never a wrong byte, never a failure the storage did not cause, never the same block fetched twice at a time, never more
// memory than allowed, and nothing left over at the end.
import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { createLogger } from '../../src/base/index.ts';
import { BLOCK_BYTES } from '../../src/cache/blocks/index.ts';
import { openFill, type BlockFile, type Fill } from '../../src/cache/fill/index.ts';
import { objectRef, UfsError, type ObjectRef } from '../../src/cache/ufs/index.ts';
import { ChunkUfs, fillContent, unavailable, type ChunkRead } from '../support/chunk-ufs.ts';
import { MemoryBlocks } from '../support/memory-blocks.ts';

const PATHS = ['small', 'block', 'large'];
const SIZES = [5000, BLOCK_BYTES, 5 * BLOCK_BYTES + 77];
const MEMORY_BYTES = 3 * BLOCK_BYTES;
/** Kept blocks that are never given up, and reads that a stalled disk lets through. */
const MEMORY_SLACK_BYTES = (8 + 4) * BLOCK_BYTES;

type Step =
  | { do: 'read'; file: number; at: number; length: number }
  | { do: 'prefetch'; file: number; at: number; length: number }
  | { do: 'reopen' | 'change' | 'damage'; file: number; at: number }
  | { do: 'evict' | 'turns' | 'time' | 'slow' | 'refuse' | 'hold' };

const file = fc.nat(PATHS.length - 1);
const at = fc.nat(1_000_000);
const range = { file, at, length: fc.oneof(fc.constantFrom(1, 4096, 128 * 1024), fc.nat(3 * BLOCK_BYTES)) };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('read' as const), ...range }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('prefetch' as const), ...range }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('reopen' as const, 'change', 'damage'), file, at }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('evict' as const, 'turns', 'time', 'slow', 'refuse', 'hold') }),
  },
);

class World {
  readonly ufs: ChunkUfs;
  readonly store: MemoryBlocks;
  readonly fill: Fill;
  readonly #timers: (() => void)[] = [];
  readonly #versions = PATHS.map(() => 0);
  readonly #files: BlockFile[];
  readonly #reads: Promise<void>[] = [];
  #failures: number;
  /** Versions that were replaced: reading more of them may say so. */
  readonly #replaced = new Set<string>();

  constructor(failures: number) {
    this.#failures = failures;
    this.ufs = new ChunkUfs({ chunkBytes: 200_000, before: (read) => this.#beforeChunk(read) });
    this.store = new MemoryBlocks({ capacityBytes: 5 * BLOCK_BYTES });
    this.fill = openFill(
      {
        wholeBytesMax: 2 * BLOCK_BYTES,
        segmentBytes: 2 * BLOCK_BYTES,
        segmentsOpenMax: 1,
        partBytes: 2 * BLOCK_BYTES,
        partsInFlightMax: 2,
        partsInFlightAllMax: 4,
        memoryBytesMax: MEMORY_BYTES,
      },
      {
        ufs: this.ufs,
        store: this.store,
        log: createLogger({ write: () => {} }),
        clock: { after: (_ms, run) => this.#setTimer(run) },
      },
    );
    for (let i = 0; i < PATHS.length; i++) this.#put(i);
    this.#files = PATHS.map((_, i) => this.fill.open(this.#object(i)));
  }

  async run(next: Step): Promise<void> {
    switch (next.do) {
      case 'read': {
        this.#read(this.#files[next.file]!, next.at, next.length);
        break;
      }
      case 'prefetch': {
        const opened = this.#files[next.file]!;
        opened.prefetch(next.at % opened.object.sizeBytes, next.length);
        break;
      }
      case 'reopen':
        this.#files[next.file]!.close();
        this.#files[next.file] = this.fill.open(this.#object(next.file));
        break;
      case 'change':
        this.#replaced.add(this.#object(next.file).id);
        this.#versions[next.file]!++;
        this.#put(next.file);
        break;
      case 'damage':
        this.store.damage({ object: this.#object(next.file).id, index: next.at % 3 }, next.at % 2);
        break;
      case 'evict':
        await this.store.evict();
        break;
      case 'turns':
        for (let i = 0; i < 15; i++) await turn();
        break;
      case 'time':
        for (const run of this.#timers.splice(0)) run();
        break;
      case 'slow':
        this.store.options.isSlow = this.store.options.isSlow !== true;
        break;
      case 'refuse':
        this.store.options.refuses = this.store.options.refuses !== true;
        break;
      case 'hold':
        this.store.options.holdsWrites = this.store.options.holdsWrites !== true;
        if (!this.store.options.holdsWrites) this.store.releaseWrites();
    }
    this.#check();
  }

  async end(): Promise<void> {
    this.store.options.holdsWrites = false;
    let answered = 0;
    const all = Promise.all(this.#reads.map((read) => read.finally(() => answered++)));
    for (let turns = 0; turns < 20_000 && answered < this.#reads.length; turns++) {
      this.store.releaseWrites();
      await turn();
    }
    assert.equal(answered, this.#reads.length, 'every read is answered');
    await all;
    for (const opened of this.#files) opened.close();
    for (const run of this.#timers.splice(0)) run();
    const closing = this.fill.close();
    for (let i = 0; i < 5; i++) {
      this.store.releaseWrites();
      await turn();
    }
    await closing;
    assert.equal(this.store.openSegments, 0);
    const { inFlightBytes, storingBytes, memoryBytes } = this.fill.stats();
    assert.deepEqual(
      { inFlightBytes, storingBytes, memoryBytes },
      { inFlightBytes: 0, storingBytes: 0, memoryBytes: 0 },
    );
  }

  #read(opened: BlockFile, atStep: number, length: number): void {
    const { object } = opened;
    const offset = atStep % (object.sizeBytes + 10);
    const into = Buffer.alloc(length, 0x55);
    const expected = Buffer.alloc(Math.max(0, Math.min(length, object.sizeBytes - offset)));
    fillContent(object.version, offset, expected);
    const check = (got: number): void => {
      assert.equal(got, expected.length);
      assert.ok(into.subarray(0, got).equals(expected), `${object.path.toString()} ${offset}+${length}`);
      assert.ok(into.subarray(got).every((byte) => byte === 0x55));
    };
    const got = opened.read(offset, into);
    if (typeof got === 'number') check(got);
    else this.#reads.push(got.then(check, (err: unknown) => this.#failed(object, err, into)));
  }

  async #failed(object: ObjectRef, err: unknown, into: Buffer): Promise<void> {
    assert.ok(err instanceof UfsError, String(err));
    if (err.code === 'changed') assert.ok(this.#replaced.has(object.id));
    else assert.equal(err.code, 'unavailable');
    // The buffer is the reader's own again.
    into.fill(0x77);
    for (let i = 0; i < 30; i++) await turn();
    assert.ok(into.every((byte) => byte === 0x77));
  }

  /** Some reads of the storage break off. */
  #beforeChunk(read: ChunkRead): void {
    this.#check();
    this.#failures = (Math.imul(this.#failures, 1_103_515_245) + 12_345) >>> 0;
    if (this.#failures >>> 16 < 1500) throw unavailable(read.path);
  }

  #check(): void {
    const { memoryBytes } = this.fill.stats();
    assert.ok(memoryBytes <= MEMORY_BYTES + MEMORY_SLACK_BYTES, `${memoryBytes} bytes in memory`);
    const ends = new Map<string, number>();
    const running = this.ufs.running.filter(({ signal }) => signal?.aborted !== true);
    assert.ok(running.length <= 4);
    for (const { path, version, offset, length, sentBytes } of running.sort((a, b) => a.offset - b.offset)) {
      const arriving = Math.max(offset, offset + sentBytes - ((offset + sentBytes) % BLOCK_BYTES));
      const key = `${path} ${version}`;
      assert.ok(arriving >= (ends.get(key) ?? 0), `${key} at ${arriving} is fetched twice at a time`);
      ends.set(key, offset + length);
    }
  }

  #put(i: number): void {
    this.ufs.put(PATHS[i]!, SIZES[i]!, `v${this.#versions[i]!}`);
  }

  #object(i: number): ObjectRef {
    return objectRef(Buffer.from(PATHS[i]!), `v${this.#versions[i]!}`, SIZES[i]!);
  }

  #setTimer(run: () => void): () => void {
    this.#timers.push(run);
    return () => {
      const index = this.#timers.indexOf(run);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }
}

test('A fill serves right bytes, whatever happens to storage, store and files', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), fc.nat(), async (steps, failures) => {
      const world = new World(failures);
      for (const next of steps) await world.run(next);
      await world.end();
    }),
    { numRuns: 60 },
  );
});
