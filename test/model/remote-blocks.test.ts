// Random reads by a client of three workers, each with a small cache on disk, that are killed and started again under it, one of them behind a connection
// that damages, cuts and stalls what it carries: every read gives the right bytes, none fails, all of them end.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { createLogger } from '../../src/base/index.ts';
import { openBlockStore } from '../../src/cache/blocks/index.ts';
import { openRemoteBlocks, type RemoteBlocks, type RemoteBlocksConfig } from '../../src/cache/client/index.ts';
import { openFill } from '../../src/cache/fill/index.ts';
import { objectRef, UfsError, type ObjectRef } from '../../src/cache/ufs/index.ts';
import { openWorker, type Worker } from '../../src/cache/worker/index.ts';
import { FaultProxy, type ProxyFault } from '../support/fault-proxy.ts';
import { MemoryUfs } from '../support/memory-ufs.ts';
import { until } from '../support/wait.ts';

const MIB = 1024 * 1024;
const SIZES = [1, 4096, 70_000, MIB, MIB + 1, 9 * MIB + 12_345];
/** Less than all objects together: what a client remembers it asks no worker for. */
const MEMORY_BYTES = 6 * MIB;
const scratch = mkdtempSync(join(tmpdir(), 'evermount-remote-'));
const tokenFile = join(scratch, 'token');
writeFileSync(tokenFile, 'the-token-of-this-test');
const log = createLogger({ write: () => {} });
const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing.reverse()) await close();
  rmSync(scratch, { recursive: true });
});

/** The same numbers for the same seed. */
function numbersOf(seed: string): (below: number) => number {
  let count = 0;
  return (below) => createHash('sha256').update(`${seed} ${count++}`).digest().readUInt32LE(0) % below;
}

class Site {
  readonly ufs = new MemoryUfs();
  readonly objects: ObjectRef[] = [];
  readonly contents: Buffer[] = [];
  readonly workers: Worker[] = [];
  readonly #folder = mkdtempSync(join(scratch, 'site-'));
  readonly #stops: ((() => Promise<void>) | undefined)[] = [];

  constructor() {
    closing.push(() => Promise.all([0, 1, 2].map((at) => this.stop(at))));
    SIZES.forEach((sizeBytes, at) => {
      const path = `file-${at}`;
      const content = randomBytes(sizeBytes);
      this.ufs.put(path, content, { version: 'v' });
      this.contents.push(content);
      this.objects.push(objectRef(Buffer.from(path), 'v', sizeBytes));
    });
  }

  async start(at: number): Promise<Worker> {
    const folder = join(this.#folder, String(at));
    const listen = this.workers[at]?.address ?? '127.0.0.1:0';
    mkdirSync(folder, { recursive: true });
    const store = openBlockStore(
      { tiers: [{ medium: 'SSD', paths: [{ path: folder, quotaBytes: 8 * MIB }] }] },
      { log },
    );
    await store.begin();
    const source = openFill({ wholeBytesMax: 4 * MIB, segmentBytes: 2 * MIB }, { ufs: this.ufs, store, log });
    const worker = await openWorker(
      { listen, tokenFile, folder },
      { source, store, fetchedBytes: () => source.stats().fetchedBytes, log },
    ).catch(async (err: unknown) => {
      await source.close();
      await store.close();
      throw err;
    });
    this.workers[at] = worker;
    this.#stops[at] = async () => {
      await worker.close();
      await source.close();
      await store.close();
    };
    return worker;
  }

  /** At the address it had, which somebody else may have taken for a moment. */
  async restart(at: number): Promise<void> {
    const isFree = async (): Promise<boolean> => {
      try {
        await this.start(at);
        return true;
      } catch (err) {
        if (isTaken(err)) return false;
        throw err;
      }
    };
    await until(`the address of worker ${at}`, isFree);
  }

  async stop(at: number): Promise<void> {
    await this.#stops[at]?.();
    this.#stops[at] = undefined;
  }

  client(config: Partial<RemoteBlocksConfig> = {}, ufs?: MemoryUfs): RemoteBlocks {
    const blocks = openRemoteBlocks({ tokenFile, ...config }, { log, ...(ufs === undefined ? {} : { ufs }) });
    blocks.updateWorkers(this.workers);
    closing.push(() => blocks.close());
    return blocks;
  }

  /** Reads a range with random announcements before it and compares every byte. */
  async check(blocks: RemoteBlocks, random: (below: number) => number): Promise<void> {
    const at = random(this.objects.length);
    const content = this.contents[at]!;
    const file = blocks.open(this.objects[at]!);
    const offset = random(content.length);
    const into = Buffer.alloc(1 + random(random(4) === 0 ? 2 * MIB : 128 * 1024));
    if (random(2) === 0) file.prefetch(Math.max(0, offset - random(MIB)), random(4 * MIB));
    const got = await file.read(offset, into);
    assert.equal(got, Math.min(into.length, content.length - offset));
    assert.ok(into.subarray(0, got).equals(content.subarray(offset, offset + got)), `bytes of ${at} at ${offset}`);
    file.close();
  }
}

function isTaken(err: unknown): boolean {
  return (
    err instanceof Error && /EADDRINUSE/.test(`${err.message} ${String((err.cause as Error | undefined)?.message)}`)
  );
}

suite('a client of three workers', () => {
  for (const withStorage of [false, true]) {
    test(`reads right while workers come and go, ${withStorage ? 'with' : 'without'} a storage of its own`, async (t) => {
      const site = new Site();
      for (const at of [0, 1, 2]) await site.start(at);
      const seed = process.env['EVERMOUNT_SEED'] ?? randomBytes(4).toString('hex');
      t.diagnostic(`EVERMOUNT_SEED=${seed}`);
      const random = numbersOf(seed);
      const blocks = site.client({ memoryBytes: MEMORY_BYTES }, withStorage ? site.ufs : undefined);
      const stop = new AbortController();
      let kills = 0;
      let reads = 0;
      const killing = (async () => {
        while (!stop.signal.aborted) {
          const at = kills % 3;
          await site.stop(at);
          kills += 1;
          await new Promise((resolve) => setTimeout(resolve, random(100)));
          await site.restart(at);
          await new Promise((resolve) => setTimeout(resolve, random(30)));
        }
      })().finally(() => stop.abort()); // without kills the readers would wait for them for ever
      const reader = async (name: string): Promise<void> => {
        const own = numbersOf(`${seed} ${name}`);
        const isEnough = (): boolean => reads >= 500 && kills >= 20 && blocks.stats().workerFailures > 0;
        for (; !isEnough() && !stop.signal.aborted; reads++) {
          await site.check(blocks, own);
          await new Promise(setImmediate); // Reads answered at once let nothing else happen.
        }
      };
      try {
        await Promise.all(['a', 'b', 'c', 'd'].map(reader));
      } finally {
        stop.abort();
        await killing;
      }
      const stats = blocks.stats();
      t.diagnostic(
        `${reads} reads, ${kills} kills, ${stats.workerFailures} failures, ${stats.ufsBytes} bytes from the storage itself`,
      );
      assert.ok(stats.workerFailures > 0);
      assert.ok(stats.memoryBytes <= MEMORY_BYTES);
    });
  }

  test('reads right whatever a connection does to the bytes', async (t) => {
    const site = new Site();
    const worker = await site.start(0);
    const proxy = await FaultProxy.start(Number(worker.address.split(':')[1]));
    closing.push(() => proxy[Symbol.asyncDispose]());
    const faults: ProxyFault[] = [
      ...[0, 3, 8, 1000, 4000].map((at): ProxyFault => ({ do: 'flip', at })),
      { do: 'reset', afterBytes: 100 },
      { do: 'reset', afterBytes: 3000 },
      { do: 'close', afterBytes: 0 },
      { do: 'close', afterBytes: 2000 },
      { do: 'truncate', bodyBytes: 1500 },
      { do: 'resize', byBytes: 1 },
      { do: 'resize', byBytes: -1 },
      { do: 'stall', afterBytes: 1200 },
      { do: 'refuse', status: 500, code: 'InternalError' },
      { do: 'header', name: 'content-type', value: 'text/html' },
    ];
    for (const fault of faults) {
      proxy.clear();
      proxy.use({ fault, times: 1 });
      const blocks = site.client({ silenceMs: 200 });
      blocks.updateWorkers([{ id: worker.id, address: `127.0.0.1:${proxy.port}` }]);
      const file = blocks.open(site.objects[5]!);
      const into = Buffer.alloc(300_000);
      assert.equal(await file.read(5000, into), into.length);
      assert.ok(into.equals(site.contents[5]!.subarray(5000, 305_000)), fault.do);
      const { wrongAnswers, workerFailures } = blocks.stats();
      t.diagnostic(`${JSON.stringify(fault)}: ${workerFailures} failures, ${wrongAnswers} wrong answers`);
      assert.equal(workerFailures, fault.do === 'header' ? 0 : 1, fault.do);
      if (fault.do === 'flip') assert.equal(wrongAnswers, 1);
    }
  });

  test('"changed" from a worker is final, and no other is asked', async () => {
    const site = new Site();
    for (const at of [0, 1, 2]) await site.start(at);
    site.ufs.put('file-3', Buffer.alloc(MIB), { version: 'w' });
    const file = site.client().open(site.objects[3]!);
    const before = site.ufs.requests.read;
    const changed = (err: unknown): boolean => err instanceof UfsError && err.code === 'changed';
    await assert.rejects(async () => file.read(0, Buffer.alloc(10)), changed);
    // The block that was to be fetched, and the read that asked again by itself.
    assert.ok(site.ufs.requests.read - before <= 2);
  });

  test('nobody to ask: unavailable at the deadline, or the storage at once', async () => {
    const site = new Site();
    const alone = site.client({ deadlineMs: 300 });
    const unavailable = (err: unknown): boolean => err instanceof UfsError && err.code === 'unavailable';
    await assert.rejects(async () => alone.open(site.objects[5]!).read(0, Buffer.alloc(10)), unavailable);
    const direct = site.client({}, site.ufs).open(site.objects[5]!);
    const into = Buffer.alloc(10);
    assert.equal(await direct.read(0, into), 10);
    assert.ok(into.equals(site.contents[5]!.subarray(0, 10)));
  });

  test('what was fetched ahead is answered at once, and asked for once', async () => {
    const site = new Site();
    await site.start(0);
    const blocks = site.client();
    const file = blocks.open(site.objects[5]!);
    file.prefetch(0, 9 * MIB);
    file.prefetch(0, 9 * MIB);
    await until('it to be there', () => blocks.stats().workerBytes >= 9 * MIB);
    const into = Buffer.alloc(2 * MIB);
    for (let at = 0; at <= 7 * MIB; at += MIB / 2) {
      assert.equal(file.read(at, into), into.length, 'a number, no promise');
      assert.ok(into.equals(site.contents[5]!.subarray(at, at + into.length)));
    }
    assert.equal(blocks.stats().workerBytes, 9 * MIB);
  });

  test('a small object is one request, however often it is read', async () => {
    const site = new Site();
    await site.start(0);
    const file = site.client().open(site.objects[2]!);
    const parts = [0, 30_000, 60_000].map(async (offset) => {
      const into = Buffer.alloc(10_000);
      await file.read(offset, into);
      assert.ok(into.equals(site.contents[2]!.subarray(offset, offset + 10_000)));
    });
    await Promise.all(parts);
    assert.equal(typeof file.read(5, Buffer.alloc(5)), 'number');
    assert.equal(site.ufs.requests.read, 1);
  });

  test('a worker that takes another token is no worker, and no error where there is another way', async () => {
    const site = new Site();
    await site.start(0);
    const other = join(scratch, 'other-token');
    writeFileSync(other, 'another-token-than-the-others');
    const file = site.client({ tokenFile: other }, site.ufs).open(site.objects[1]!);
    const into = Buffer.alloc(4096);
    assert.equal(await file.read(0, into), 4096);
    assert.ok(into.equals(site.contents[1]!));
  });
});
