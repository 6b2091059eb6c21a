// The block store by itself: microseconds per small object, and sequential writing and reading beside plain files.
// Run: node bench/micro/blocks.ts [FOLDER]. Prints a table; asserts nothing. CPU time is of the whole process, and says more than
// the clock does on a machine that others use too.
import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, formatTable } from '../../src/base/index.ts';
import { BLOCK_BYTES, openBlockStore, type Segment } from '../../src/cache/blocks/index.ts';
import { objectRef } from '../../src/cache/ufs/index.ts';

const SMALL_OBJECTS = 5000;
const SMALL_BYTES = 16 * 1024;
const BIG_BYTES = 512 * 1024 * 1024;
const SEGMENT_BYTES = 64 * 1024 * 1024;
const READ_BYTES = 128 * 1024;

const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'evermount-bench-blocks-'));
const rows: { what: string; each: string; cpu: string; rate: string }[] = [];

async function measure(what: string, count: number, bytes: number, call: () => void | Promise<void>): Promise<void> {
  const fromMs = performance.now();
  const before = process.cpuUsage();
  await call();
  const ms = performance.now() - fromMs;
  const { user, system } = process.cpuUsage(before);
  const cpu = `${((user + system) / count).toFixed(1)} us`;
  rows.push({
    what,
    cpu,
    each: `${((ms * 1000) / count).toFixed(1)} us`,
    rate: `${(bytes / 1e3 / ms).toFixed(0)} MB/s`,
  });
}

function open_(index: number, sizeBytes: number, segment = 0): Segment {
  const { id: object, path, version } = objectRef(Buffer.from(`folder/file-${index}`), '"0123456789abcdef"', sizeBytes);
  const opened = store.open({
    object,
    path,
    version,
    objectBytes: sizeBytes,
    index: segment,
    segmentBytes: SEGMENT_BYTES,
  });
  if (opened === undefined) throw new Error(`Cannot open object ${index}: no room`);
  return opened;
}

mkdirSync(join(folder, 'cache'));
const log = createLogger({ level: 'warn' });
const store = openBlockStore(
  {
    tiers: [{ medium: 'SSD', paths: [{ path: join(folder, 'cache'), quotaBytes: 2e10 }] }],
    keepFreeFraction: 0,
  },
  { log },
);
await store.begin();
await store.counted();
try {
  const small = randomBytes(SMALL_BYTES);
  const into = Buffer.alloc(READ_BYTES);
  const names = Array.from({ length: SMALL_OBJECTS }, (_, i) => i);
  const objects = names.map((i) => ({
    ...objectRef(Buffer.from(`folder/file-${i}`), '"0123456789abcdef"', SMALL_BYTES),
    objectBytes: SMALL_BYTES,
    index: 0,
    segmentBytes: SEGMENT_BYTES,
  }));
  const infos = objects.map(({ id: object, path, version, objectBytes, index, segmentBytes }) => ({
    object,
    path,
    version,
    objectBytes,
    index,
    segmentBytes,
  }));
  await measure('plain file of 16 KiB: create, write, close', SMALL_OBJECTS, SMALL_OBJECTS * SMALL_BYTES, () => {
    for (const i of names) {
      const fd = openSync(join(folder, `small-${i}`), 'wx');
      writeSync(fd, small);
      closeSync(fd);
    }
  });
  await measure('plain file of 16 KiB: open, read, close', SMALL_OBJECTS, SMALL_OBJECTS * SMALL_BYTES, () => {
    for (const i of names) {
      const fd = openSync(join(folder, `small-${i}`), 'r');
      readSync(fd, into, 0, SMALL_BYTES, 0);
      closeSync(fd);
    }
  });
  await measure('16 KiB: open, write, close', SMALL_OBJECTS, SMALL_OBJECTS * SMALL_BYTES, () => {
    for (const info of infos) {
      const segment = store.open(info);
      void segment?.write(0, small);
      segment?.close();
    }
  });
  for (const round of ['first', 'again'])
    await measure(`16 KiB: open, read, close, ${round}`, SMALL_OBJECTS, SMALL_OBJECTS * SMALL_BYTES, () => {
      for (const info of infos) {
        const segment = store.open(info);
        if (segment?.read(0, into) !== SMALL_BYTES) throw new Error('Cannot read a small object at once');
        segment.close();
      }
    });

  const block = randomBytes(BLOCK_BYTES);
  const blocks = BIG_BYTES / BLOCK_BYTES;
  const perSegment = SEGMENT_BYTES / BLOCK_BYTES;
  await measure('plain file: write 1 MiB', blocks, BIG_BYTES, async () => {
    const plain = await open(join(folder, 'plain'), 'w+');
    for (let i = 0; i < blocks; i++) await plain.write(block, 0, BLOCK_BYTES, i * BLOCK_BYTES);
    await plain.close();
  });
  await measure('blocks: write 1 MiB', blocks, BIG_BYTES, async () => {
    for (let at = 0; at < blocks; at += perSegment) {
      const segment = open_(-1, BIG_BYTES, at / perSegment);
      for (let i = 0; i < perSegment; i++) await segment.write(i, block);
      segment.close();
    }
  });
  const plain = openSync(join(folder, 'plain'), 'r');
  for (const round of ['first', 'again']) {
    await measure(`plain file: read 128 KiB, ${round}`, BIG_BYTES / READ_BYTES, BIG_BYTES, () => {
      for (let at = 0; at < BIG_BYTES; at += READ_BYTES) readSync(plain, into, 0, READ_BYTES, at);
    });
    await measure(`blocks: read 128 KiB, ${round}`, BIG_BYTES / READ_BYTES, BIG_BYTES, async () => {
      for (let at = 0; at < BIG_BYTES; at += SEGMENT_BYTES) {
        const segment = open_(-1, BIG_BYTES, at / SEGMENT_BYTES);
        for (let i = 0; i < SEGMENT_BYTES; i += READ_BYTES) {
          const got = segment.read(i, into);
          if ((typeof got === 'number' ? got : await got) !== READ_BYTES)
            throw new Error('Cannot read what was written');
        }
        segment.close();
      }
    });
  }
  const first = open_(-1, BIG_BYTES);
  const page = Buffer.alloc(4096);
  await measure('plain file: read 4 KiB at random', 50_000, 50_000 * 4096, () => {
    for (let i = 0; i < 50_000; i++) readSync(plain, page, 0, 4096, 4096 * ((i * 7919) % (SEGMENT_BYTES / 4096)));
  });
  await measure('blocks: read 4 KiB at random', 50_000, 50_000 * 4096, async () => {
    for (let i = 0; i < 50_000; i++) {
      const got = first.read(4096 * ((i * 7919) % (SEGMENT_BYTES / 4096)), page);
      if (typeof got !== 'number') await got;
    }
  });
  closeSync(plain);
  await measure('blocks: openWhole of 64 MiB, stamp good', 1000, 1000 * SEGMENT_BYTES, async () => {
    for (let i = 0; i < 1000; i++) {
      const fd = await first.openWhole();
      if (fd === undefined) throw new Error('Cannot open a whole segment');
      closeSync(fd);
    }
  });
  first.close();
  console.log(
    formatTable(rows, [
      { title: 'WHAT', text: (row) => row.what },
      { title: 'EACH', text: (row) => row.each, align: 'right' },
      { title: 'CPU', text: (row) => row.cpu, align: 'right' },
      { title: 'RATE', text: (row) => row.rate, align: 'right' },
    ]),
  );
} finally {
  await store.close();
  rmSync(folder, { recursive: true });
}
