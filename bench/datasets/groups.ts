// The measurements that share one mount and one cache, in the order in which they must be made.
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '../../src/base/index.ts';
import { measured, rateOf } from '../measure.ts';
import { run } from '../workspace.ts';
import type { CaseName } from './cases.ts';
import { SMALL_BYTES, STREAMS, type Data } from './data.ts';
import { dropCaches } from './page-cache.ts';

export interface Group {
  readonly name: string;
  measure(path: string, data: Data, note: (name: CaseName, rate: number) => void): Promise<void>;
  /** Throws when what was served is not what the plain files have. */
  check(path: string, plain: string, data: Data): Promise<void>;
}

/** Time to finish writing to the cache; nobody is measured by it. */
const SETTLE_MS = 2_000;
const READERS = 4;
/** Enough to take time even where they cost a microsecond each. */
const READS_IN_MEMORY = 200_000;
const SAMPLES = 16;
const SAMPLE_BYTES = 4096;

export const GROUPS: readonly Group[] = [
  {
    name: 'sequential and random',
    measure: async (path, _data, note) => {
      await rateOf('warm', path);
      note('sequential-cold', await rateOf('sequential', path));
      await settle();
      await rateOf('sequential', path); // what did not get into the cache yet gets there now
      await settle();
      note('sequential-warm', await rateOf('sequential', path));
      note('random-warm', await rateOf('random', path, [], { BENCH_READS: String(READS_IN_MEMORY) }));
      dropCaches();
      note('sequential-disk', await rateOf('sequential', path));
      dropCaches();
      note('random-disk', await rateOf('random', path));
    },
    check: (path, plain, data) =>
      checkSamples(join(path, data.big.path), join(plain, data.big.path), data.big.sizeBytes),
  },
  {
    name: '4 streams',
    measure: async (path, _data, note) => {
      await rateOf('warm', path);
      const folders = Array.from({ length: STREAMS }, (_, index) => join(path, 'streams', String(index)));
      note('streams-cold', together(await Promise.all(folders.map((folder) => measured('sequential', folder)))));
    },
    check: async (path, plain, data) => {
      for (const file of data.streams)
        await checkSamples(join(path, file.path), join(plain, file.path), file.sizeBytes);
    },
  },
  {
    name: 'small files',
    measure: async (path, data, note) => {
      await rateOf('warm', path);
      const small = (): Promise<number> => rateOf('small', path, [], smallEnv(data));
      note('small-cold', await small());
      await settle();
      await small();
      await settle();
      note('small-warm', await small());
      dropCaches();
      note('small-disk', await small());
    },
    check: checkSmall,
  },
  {
    name: 'small files, 4 readers',
    measure: async (path, data, note) => {
      await rateOf('warm', path);
      const shares = Array.from({ length: READERS }, (_, index) => `${index}/${READERS}`);
      const readers = shares.map((share) => measured('small', path, [], { ...smallEnv(data), BENCH_SHARE: share }));
      note('small-cold-4', together(await Promise.all(readers)));
    },
    check: checkSmall,
  },
  {
    name: 'find',
    measure: async (path, data, note) => {
      note('find-cold', await rateOf('find-small', path, [], smallEnv(data)));
      note('find-warm', await rateOf('find-small', path, [], smallEnv(data)));
    },
    check: () => Promise.resolve(),
  },
];

function smallEnv(data: Data): NodeJS.ProcessEnv {
  return { BENCH_FILES: String(data.size.smallFiles), BENCH_FILE_BYTES: String(SMALL_BYTES) };
}

/** The rate of several that started together. */
function together(parts: readonly { amount: number; seconds: number }[]): number {
  return parts.reduce((sum, { amount }) => sum + amount, 0) / Math.max(...parts.map(({ seconds }) => seconds));
}

async function settle(): Promise<void> {
  await run('sync', []);
  await sleep(SETTLE_MS);
}

async function checkSamples(path: string, plainPath: string, sizeBytes: number): Promise<void> {
  for (let sample = 0; sample < SAMPLES; sample++) {
    const offset = Math.floor(((sizeBytes - SAMPLE_BYTES) * sample) / (SAMPLES - 1) / SAMPLE_BYTES) * SAMPLE_BYTES;
    const [is, shouldBe] = await Promise.all([piece(path, offset), piece(plainPath, offset)]);
    if (!is.equals(shouldBe)) throw new Error(`wrong bytes at ${offset} of ${path}`);
  }
}

async function piece(path: string, offset: number): Promise<Buffer> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, offset);
  return buffer.subarray(0, bytesRead);
}

async function checkSmall(path: string, plain: string, data: Data): Promise<void> {
  const every = Math.ceil(data.size.smallFiles / SAMPLES);
  for (const file of data.small.filter((_, index) => index % every === 0)) {
    const [is, shouldBe] = await Promise.all([readFile(join(path, file.path)), readFile(join(plain, file.path))]);
    if (!is.equals(shouldBe)) throw new Error(`wrong bytes in ${file.path}`);
  }
}
