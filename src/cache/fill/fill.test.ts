import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createLogger } from '../../base/index.ts';
import { BLOCK_BYTES } from '../blocks/index.ts';
import { objectRef, UfsError, type ObjectRef } from '../ufs/index.ts';
import { ChunkUfs, fillContent, unavailable, type ChunkUfsOptions } from '../../../test/support/chunk-ufs.ts';
import { MemoryBlocks, type MemoryBlocksOptions } from '../../../test/support/memory-blocks.ts';
import type { BlockFile } from './block-source.ts';
import { openFill, type FillConfig } from './fill.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A clock that only moves when told to. */
class ManualClock {
  readonly #timers = new Set<{ run: () => void }>();

  after(_delayMs: number, run: () => void): () => void {
    const timer = { run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** All timers that are set now are due. */
  passTime(): void {
    for (const timer of [...this.#timers]) {
      this.#timers.delete(timer);
      timer.run();
    }
  }
}

type Setup = { ufs?: ChunkUfsOptions; store?: MemoryBlocksOptions; config?: Partial<FillConfig> };

function setup({ ufs: ufsOptions, store: storeOptions, config }: Setup = {}) {
  const ufs = new ChunkUfs(ufsOptions);
  const store = new MemoryBlocks(storeOptions);
  const clock = new ManualClock();
  const log = createLogger({ write: () => {} });
  const fill = openFill({ wholeBytesMax: 64 * MIB, ...config }, { ufs, store, log, clock });
  const put = (path: string, sizeBytes: number, version = 'v1'): ObjectRef => {
    ufs.put(path, sizeBytes, version);
    return objectRef(Buffer.from(path), version, sizeBytes);
  };
  return { ufs, store, clock, fill, put };
}

async function readBytes(file: BlockFile, offset: number, length: number): Promise<Buffer> {
  const into = Buffer.alloc(length);
  const got = await file.read(offset, into);
  return into.subarray(0, got);
}

function assertContent(bytes: Buffer, object: ObjectRef, offset: number, length: number): void {
  const expected = Buffer.alloc(length);
  fillContent(object.version, offset, expected);
  assert.ok(bytes.equals(expected), `bytes ${offset}+${length}, got ${bytes.length}`);
}

/** Until nothing more happens by itself. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}

test('read() fetches what is missing once, and answers from the store at once afterwards', async () => {
  const { fill, ufs, put } = setup();
  const object = put('a', 16 * KIB);
  const file = fill.open(object);
  assertContent(await readBytes(file, 0, 128 * KIB), object, 0, 16 * KIB);
  await settle();
  const into = Buffer.alloc(128 * KIB);
  assert.equal(file.read(0, into), 16 * KIB);
  assertContent(into.subarray(0, 16 * KIB), object, 0, 16 * KIB);
  assert.equal(file.read(16 * KIB, into), 0);
  assert.equal(ufs.reads.length, 1);
  assert.equal(fill.stats().hitBytes, 16 * KIB);
  assert.equal(fill.stats().fetchedBytes, 16 * KIB);
});

test('Readers of one missing block share one fetch', async () => {
  const { fill, ufs, put } = setup();
  const object = put('a', 3 * MIB);
  const files = [fill.open(object), fill.open(object)];
  const reads = [0, 4096, 500_000].flatMap((offset) =>
    files.map((file) => ({ offset, bytes: readBytes(file, offset, 4096) })),
  );
  for (const { offset, bytes } of reads) assertContent(await bytes, object, offset, 4096);
  assert.deepEqual(
    ufs.reads.map(({ offset, length }) => [offset, length]),
    [[0, MIB]],
  );
});

test('Missing blocks in a row are fetched by one request of partBytes at most', async () => {
  const { fill, ufs, put } = setup({ config: { partBytes: 2 * MIB } });
  const object = put('a', 5 * MIB + 5);
  const file = fill.open(object);
  assertContent(await readBytes(file, 0, 6 * MIB), object, 0, 5 * MIB + 5);
  assert.deepEqual(
    ufs.reads.map(({ offset, length }) => [offset, length]),
    [
      [0, 2 * MIB],
      [2 * MIB, 2 * MIB],
      [4 * MIB, MIB + 5],
    ],
  );
});

test('A read is answered as soon as its own bytes have arrived', async () => {
  const { fill, ufs, put } = setup({ ufs: { isHeld: true } });
  const object = put('a', 8 * MIB);
  const file = fill.open(object);
  const first = readBytes(file, 0, 128 * KIB);
  file.prefetch(0, 8 * MIB);
  await turn();
  assert.deepEqual(
    ufs.reads.map(({ offset, length }) => [offset, length]),
    [[0, 8 * MIB]],
  );
  ufs.reads[0]!.send(128 * KIB);
  assertContent(await first, object, 0, 128 * KIB);
  ufs.reads[0]!.send(64 * KIB);
  const into = Buffer.alloc(64 * KIB);
  assert.equal(file.read(128 * KIB, into), 64 * KIB, 'what has arrived meanwhile is answered at once');
  assertContent(into, object, 128 * KIB, 64 * KIB);
});

test('A read that begins in the store and ends in a missing block is put together', async () => {
  for (const isSlow of [false, true]) {
    const { fill, ufs, put } = setup({ store: { isSlow } });
    const object = put('a', 4 * MIB);
    const file = fill.open(object);
    await readBytes(file, 2 * MIB, 1);
    await settle();
    assertContent(await readBytes(file, MIB - 10, 2 * MIB + 20), object, MIB - 10, 2 * MIB + 20);
    assert.deepEqual(
      ufs.reads.map(({ offset }) => offset / MIB),
      [2, 0, 3],
    );
  }
});

test('An object larger than wholeBytesMax is kept in segments, of which a few are open', async () => {
  const { fill, store, ufs, put } = setup({
    config: { wholeBytesMax: 4 * MIB, segmentBytes: 2 * MIB, segmentsOpenMax: 2 },
  });
  const object = put('a', 12 * MIB);
  const file = fill.open(object);
  assertContent(await readBytes(file, 0, 12 * MIB), object, 0, 12 * MIB);
  await settle();
  assert.equal(store.usage().segments, 6);
  assert.equal(store.openSegments, 2);
  assertContent(await readBytes(file, MIB, 10 * MIB), object, MIB, 10 * MIB);
  assert.ok(ufs.reads.every((read) => read.isDone) && ufs.reads.length === 2);
  file.close();
  assert.equal(store.openSegments, 0);
});

test('Blocks are read from memory until they are stored, and their buffers used again afterwards', async () => {
  const { fill, ufs, store, put } = setup({ store: { holdsWrites: true } });
  const object = put('a', 3 * MIB);
  const file = fill.open(object);
  await readBytes(file, 0, MIB);
  await settle();
  assert.equal(fill.stats().storingBytes, MIB);
  const into = Buffer.alloc(4096);
  assert.equal(file.read(8192, into), 4096);
  assertContent(into, object, 8192, 4096);
  store.releaseWrites();
  await settle();
  assert.equal(fill.stats().storingBytes, 0);
  await readBytes(file, MIB, MIB);
  assert.equal(fill.stats().memoryBytes, MIB);
  assertContent(await readBytes(file, 0, MIB), object, 0, MIB);
  assert.equal(ufs.reads.length, 2);
});

test('Without a store to keep it, a block is fetched once for a reader in small steps, and memory stays bounded', async () => {
  const { fill, ufs, put } = setup({ store: { refuses: true }, config: { memoryBytesMax: 20 * MIB } });
  const object = put('a', 40 * MIB);
  const file = fill.open(object);
  for (let offset = 0; offset < 40 * MIB; offset += 128 * KIB) {
    assertContent(await readBytes(file, offset, 128 * KIB), object, offset, 128 * KIB);
    assert.ok(fill.stats().memoryBytes <= 20 * MIB);
  }
  assert.equal(ufs.reads.length, 40);
  assert.equal(fill.stats().notStoredBlocks, 40);
});

test('What is kept in memory alone holds no segment open, and is served to whoever opens it again', async () => {
  const { fill, ufs, store, put } = setup({ store: { capacityBytes: 0 } });
  const object = put('a', 16 * KIB);
  for (let i = 0; i < 3; i++) {
    const file = fill.open(object);
    assertContent(await readBytes(file, 0, 16 * KIB), object, 0, 16 * KIB);
    await settle();
    file.close();
    assert.equal(store.openSegments, 0);
  }
  assert.equal(ufs.reads.length, 1);
});

test('A damaged block is fetched again', async () => {
  for (const isSlow of [false, true]) {
    const { fill, ufs, store, put } = setup({ store: { isSlow } });
    const object = put('a', 3 * MIB);
    const file = fill.open(object);
    await readBytes(file, 0, 3 * MIB);
    await settle();
    store.damage({ object: object.id, index: 0 }, 1);
    assertContent(await readBytes(file, 0, 3 * MIB), object, 0, 3 * MIB);
    assert.deepEqual(
      ufs.reads.map(({ offset, length }) => [offset, length]),
      [
        [0, 3 * MIB],
        [MIB, MIB],
      ],
    );
    assert.equal(store.usage().damagedBlocks, 1);
  }
});

test('A failure is told to all who wait for the block, and not remembered', async () => {
  const { fill, ufs, put } = setup({ ufs: { isHeld: true } });
  const object = put('a', MIB);
  const file = fill.open(object);
  const reads = [readBytes(file, 0, 10), readBytes(file, 600_000, 10)];
  await turn();
  ufs.reads[0]!.send(1000);
  ufs.reads[0]!.fail(unavailable('a'));
  assertContent(await reads[0]!, object, 0, 10);
  await assert.rejects(reads[1]!, (err) => err instanceof UfsError && err.code === 'unavailable');
  const again = readBytes(file, 600_000, 10);
  await turn();
  ufs.reads[1]!.send();
  assertContent(await again, object, 600_000, 10);
  assert.equal(fill.stats().fetchErrors, 1);
});

test('A file that has changed says so to whoever needs more of it, and goes on with what is cached', async () => {
  const { fill, ufs, put } = setup();
  const object = put('a', 2 * MIB);
  const file = fill.open(object);
  await readBytes(file, 0, 10);
  await settle();
  ufs.put('a', 2 * MIB, 'v2');
  await assert.rejects(readBytes(file, MIB, 10), (err) => err instanceof UfsError && err.code === 'changed');
  assertContent(await readBytes(file, 0, 10), object, 0, 10);
});

test('A read is tried once more by itself when what was fetched ahead with it fails for the moment', async () => {
  const { fill, ufs, put } = setup({ ufs: { isHeld: true } });
  const object = put('a', 4 * MIB);
  const file = fill.open(object);
  file.prefetch(0, 4 * MIB);
  await turn();
  const read = readBytes(file, 2 * MIB, 100);
  ufs.reads[0]!.send(MIB + 7);
  ufs.reads[0]!.fail(unavailable('a'));
  await settle();
  assert.deepEqual(
    ufs.reads.slice(1).map(({ offset, length }) => [offset, length]),
    [[2 * MIB, MIB]],
  );
  ufs.reads[1]!.fail(unavailable('a'));
  await assert.rejects(read, (err) => err instanceof UfsError && err.code === 'unavailable');
  assert.equal(ufs.reads.length, 2);
});

test('What is read goes before what is fetched ahead, and is not held up by it', async () => {
  const { fill, ufs, put } = setup({
    ufs: { isHeld: true },
    config: { partBytes: MIB, partsInFlightMax: 4, partsInFlightAllMax: 4 },
  });
  const file = fill.open(put('a', 20 * MIB));
  const other = fill.open(put('b', 2 * MIB));
  file.prefetch(0, 20 * MIB);
  await turn();
  assert.equal(ufs.running.length, 3);
  void other.read(0, Buffer.alloc(10));
  await turn();
  assert.equal(ufs.running.at(-1)!.path, 'b');
  void file.read(19 * MIB, Buffer.alloc(10));
  await turn();
  assert.equal(ufs.running.length, 4);
  ufs.running[0]!.send();
  await settle();
  assert.deepEqual(
    ufs.running.map(({ offset, path }) => `${path}${offset / MIB}`),
    ['a1', 'a2', 'b0', 'a19'],
  );
});

test('prefetch() keeps within memory; a read always gets through', async () => {
  const { fill, ufs, put } = setup({ ufs: { isHeld: true }, config: { memoryBytesMax: 4 * MIB, partBytes: MIB } });
  const object = put('a', 20 * MIB);
  const file = fill.open(object);
  file.prefetch(0, 20 * MIB);
  await turn();
  assert.equal(ufs.running.length, 4);
  assert.equal(fill.stats().memoryBytes, 4 * MIB);
  const read = readBytes(file, 19 * MIB, 10);
  await settle();
  assert.equal(ufs.running.length, 4);
  ufs.running[0]!.send();
  await settle();
  assert.equal(ufs.running.at(-1)!.offset, 19 * MIB);
  ufs.running.at(-1)!.send();
  assertContent(await read, object, 19 * MIB, 10);
  assert.ok(fill.stats().memoryBytes <= 4 * MIB);
});

test('When the disk takes nothing any more, readers go on without it', async () => {
  const { fill, ufs, store, clock, put } = setup({ store: { holdsWrites: true }, config: { memoryBytesMax: 2 * MIB } });
  const object = put('a', 64 * MIB);
  const file = fill.open(object);
  for (let block = 0; block < 2; block++) await readBytes(file, block * MIB, 10);
  await settle();
  const read = readBytes(file, 2 * MIB, 10);
  await settle();
  assert.deepEqual([ufs.reads.length, store.heldWrites], [2, 2], 'it waits for memory');
  clock.passTime();
  assertContent(await read, object, 2 * MIB, 10);
  for (let block = 3; block < 30; block++)
    assertContent(await readBytes(file, block * MIB, 10), object, block * MIB, 10);
  await settle();
  assert.equal(store.heldWrites, 2);
  assert.ok(fill.stats().memoryBytes <= (2 + 8 + 16) * MIB, 'stored in vain, kept, arriving');
  store.releaseWrites();
  await settle();
  await readBytes(file, 40 * MIB, 10);
  await settle();
  assert.equal(store.heldWrites, 1);
});

test('close() lets a read that runs end up in the store, and stops what was fetched ahead after a while', async () => {
  const { fill, ufs, store, clock, put } = setup({ ufs: { isHeld: true }, config: { partBytes: 2 * MIB } });
  const object = put('a', 20 * MIB);
  const file = fill.open(object);
  const read = readBytes(file, 0, 10);
  await turn();
  file.prefetch(10 * MIB, 10 * MIB);
  await turn();
  assert.equal(ufs.running.length, 4);
  file.close();
  clock.passTime();
  await settle();
  assert.deepEqual(
    ufs.running.map(({ offset }) => offset),
    [0],
  );
  ufs.running[0]!.send();
  assertContent(await read, object, 0, 10);
  await settle();
  assert.equal(store.cachedBytes(object.id), MIB);
  assert.equal(store.openSegments, 0);
  assert.equal(fill.stats().inFlightBytes, 0);
});

test('A file opened again in time goes on being fetched ahead', async () => {
  const { fill, ufs, clock, put } = setup({ ufs: { isHeld: true } });
  const object = put('a', 4 * MIB);
  const file = fill.open(object);
  file.prefetch(0, 4 * MIB);
  await turn();
  file.close();
  const again = fill.open(object);
  clock.passTime();
  await settle();
  assert.equal(ufs.running.length, 1);
  ufs.running[0]!.send();
  assertContent(await readBytes(again, 3 * MIB, 10), object, 3 * MIB, 10);
});

test('A read that comes when its block was just given up is fetched anew', async () => {
  const { fill, ufs, clock, put } = setup({ ufs: { isHeld: true } });
  const object = put('a', 4 * MIB);
  const file = fill.open(object);
  file.prefetch(0, 4 * MIB);
  await turn();
  file.close();
  clock.passTime();
  const read = readBytes(fill.open(object), 2 * MIB, 10);
  await settle();
  ufs.running[0]!.send();
  assertContent(await read, object, 2 * MIB, 10);
});

test('A small object is fetched ahead though nobody keeps it open', async () => {
  const { fill, store, clock, put } = setup();
  const object = put('a', 16 * KIB);
  const file = fill.open(object);
  file.prefetch(0, 16 * KIB);
  file.close();
  clock.passTime();
  await settle();
  assert.equal(store.cachedBytes(object.id), 16 * KIB);
  assert.equal(store.openSegments, 0);
});

test('find() gives an object that is in the store, by its id alone', async () => {
  const { fill, ufs, put } = setup();
  const object = put('a', 2 * MIB);
  assert.equal(fill.find(object.id), undefined);
  const file = fill.open(object);
  await readBytes(file, 0, 10);
  await settle();
  file.close();
  ufs.put('a', 5, 'v2');
  const found = fill.find(object.id);
  assert.deepEqual(found?.object, object);
  assertContent(await readBytes(found, 100, 10), object, 100, 10);
  await assert.rejects(readBytes(found, MIB, 10), (err) => err instanceof UfsError && err.code === 'changed');
});

test('An object kept by another segment length is fetched anew', async () => {
  const { store, ufs, put, fill } = setup({ config: { wholeBytesMax: 0, segmentBytes: MIB } });
  const object = put('a', 3 * MIB);
  const file = fill.open(object);
  await readBytes(file, 0, 3 * MIB);
  await settle();
  file.close();
  await fill.close();
  const log = createLogger({ write: () => {} });
  const other = openFill({ wholeBytesMax: 4 * MIB }, { ufs, store, log, clock: new ManualClock() });
  const again = other.open(object);
  assertContent(await readBytes(again, 0, 3 * MIB), object, 0, 3 * MIB);
  assert.equal(ufs.reads.length, 2);
});

test('The source closes with reads under way: they fail, and nothing stays open', async () => {
  const { fill, ufs, store, put } = setup({ ufs: { isHeld: true } });
  const file = fill.open(put('a', 4 * MIB));
  const read = readBytes(file, 0, 10);
  const failed = assert.rejects(read, (err) => err instanceof UfsError && err.code === 'unavailable');
  await turn();
  await fill.close();
  await failed;
  assert.equal(ufs.running.length, 0);
  assert.equal(store.openSegments, 0);
  await assert.rejects(readBytes(file, 0, 10), UfsError);
});

test('A storage that answers with less or more than it was asked for is not believed', async () => {
  for (const bytes of [BLOCK_BYTES - 1, BLOCK_BYTES + 1]) {
    const { fill, put } = setup();
    const object = put('a', 2 * MIB);
    const file = openFill(
      { wholeBytesMax: MIB },
      {
        ufs: Object.assign(new ChunkUfs(), {
          read: async (...args: unknown[]) => (args[4] as (it: Buffer) => void)(Buffer.alloc(bytes)),
        }),
        store: new MemoryBlocks(),
        log: createLogger({ write: () => {} }),
      },
    ).open(object);
    const read = readBytes(file, MIB - 1, 1);
    if (bytes < BLOCK_BYTES) await assert.rejects(read, (err) => err instanceof UfsError && err.code === 'bad-answer');
    else assert.equal((await read).length, 1);
    await fill.close();
  }
});
