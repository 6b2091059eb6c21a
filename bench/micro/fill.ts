// Reading through a fill by itself: a large object cold and warm in steps of 128 KiB, read ahead as a mount does, and many
// small ones; from an under storage in memory that hands out chunks of 64 KiB, into a real block store.
// Run: node bench/micro/fill.ts [FOLDER]. Prints a table; asserts nothing but that every byte came.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { createLogger, formatTable } from '../../src/base/index.ts';
import { openBlockStore } from '../../src/cache/blocks/index.ts';
import { openFill, ReadAhead } from '../../src/cache/fill/index.ts';
import { objectRef, type ByteSink, type ObjectRef, type Ufs } from '../../src/cache/ufs/index.ts';

const MIB = 1024 * 1024;
const LARGE_BYTES = 512 * MIB;
const SMALL_BYTES = 16 * 1024;
const SMALL_OBJECTS = 5000;
const READ_BYTES = 128 * 1024;
const CHUNK = Buffer.alloc(64 * 1024, 'content');

/** A turn of the event loop per 16 chunks, as a socket that is full gives. */
async function readChunks(
  _path: Buffer,
  _version: string,
  _offset: number,
  length: number,
  sink: ByteSink,
): Promise<void> {
  await turn();
  for (let at = 0, chunks = 0; at < length; at += CHUNK.length) {
    sink(length - at < CHUNK.length ? CHUNK.subarray(0, length - at) : CHUNK);
    if (++chunks % 16 === 0) await turn();
  }
}

const rows: { what: string; each: string; rate: string; cpu: string }[] = [];

async function measure(what: string, count: number, bytes: number, call: () => Promise<void>): Promise<void> {
  const fromMs = performance.now();
  const fromCpu = process.cpuUsage();
  await call();
  const ms = performance.now() - fromMs;
  const { user, system } = process.cpuUsage(fromCpu);
  rows.push({
    what,
    each: `${((ms * 1000) / count).toFixed(1)} us`,
    rate: `${(bytes / 1e3 / ms).toFixed(0)} MB/s`,
    cpu: `${((user + system) / (bytes / MIB)).toFixed(0)} us/MiB`,
  });
}

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'evermount-bench-fill-'));
mkdirSync(join(folder, 'cache'));
const log = createLogger({ level: 'warn' });
const store = openBlockStore(
  { tiers: [{ medium: 'SSD', paths: [{ path: join(folder, 'cache'), quotaBytes: 2e10 }] }], keepFreeFraction: 0 },
  { log },
);
await store.begin();
await store.counted();
const fill = openFill({ wholeBytesMax: 4e9 }, { ufs: { read: readChunks } as Ufs, store, log });
const into = Buffer.alloc(READ_BYTES);

async function readThrough(object: ObjectRef): Promise<void> {
  const file = fill.open(object);
  const ahead = new ReadAhead(object.sizeBytes);
  for (let offset = 0; offset < object.sizeBytes; offset += READ_BYTES) {
    const reading = file.read(offset, into);
    const range = ahead.onRead(offset, READ_BYTES);
    if (range !== undefined) file.prefetch(range.offset, range.length);
    const got = typeof reading === 'number' ? reading : await reading;
    if (got !== Math.min(READ_BYTES, object.sizeBytes - offset)) throw new Error(`Cannot read all: ${got} bytes`);
  }
  file.close();
}

async function stored(): Promise<void> {
  while (fill.stats().inFlightBytes + fill.stats().storingBytes > 0) await turn();
}

try {
  const large = objectRef(Buffer.from('large'), '"0123456789abcdef"', LARGE_BYTES);
  await measure('storage alone: 512 MiB in parts of 8 MiB', LARGE_BYTES / READ_BYTES, LARGE_BYTES, async () => {
    for (let at = 0; at < LARGE_BYTES; at += 8 * MIB)
      await readChunks(large.path, '', at, 8 * MIB, (it) => it.copy(into));
  });
  await measure('large, cold: until read', LARGE_BYTES / READ_BYTES, LARGE_BYTES, () => readThrough(large));
  await stored();
  for (const round of ['first', 'again'])
    await measure(`large, warm, ${round}`, LARGE_BYTES / READ_BYTES, LARGE_BYTES, () => readThrough(large));
  const { storedBlocks, notStoredBlocks, memoryBytes } = fill.stats();

  const smalls = Array.from({ length: SMALL_OBJECTS }, (_, i) =>
    objectRef(Buffer.from(`folder/${i}`), '"etag"', SMALL_BYTES),
  );
  const smallsBytes = SMALL_OBJECTS * SMALL_BYTES;
  await measure('16 KiB, cold: open, read, close', SMALL_OBJECTS, smallsBytes, async () => {
    for (const object of smalls) await readThrough(object);
    await stored();
  });
  await measure('16 KiB, warm: open, read, close', SMALL_OBJECTS, smallsBytes, async () => {
    for (const object of smalls) await readThrough(object);
  });
  console.log(
    formatTable(rows, [
      { title: 'WHAT', text: (row) => row.what },
      { title: 'EACH READ', text: (row) => row.each, align: 'right' },
      { title: 'RATE', text: (row) => row.rate, align: 'right' },
      { title: 'CPU', text: (row) => row.cpu, align: 'right' },
    ]),
  );
  console.log(`large: ${storedBlocks} blocks stored, ${notStoredBlocks} not; ${memoryBytes / MIB} MiB of buffers`);
} finally {
  await fill.close();
  await store.close();
  rmSync(folder, { recursive: true });
}
