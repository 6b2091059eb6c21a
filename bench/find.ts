// How long `find` takes over a bucket with very many keys, beside a plain listing of the same keys; and what memory that takes.
//
// The store's data is all in memory. The listing is flat, a thousand keys at a time, which is how S3 gives them fastest.
import { readFileSync } from 'node:fs';
import type { Bench, BenchOptions } from './bench.ts';
import { inWorkspace } from './cleanup.ts';
import type { Client } from './datasets/client.ts';
import { readIntoMemory } from './datasets/page-cache.ts';
import { listSeconds } from './datasets/raw.ts';
import { inSetting, type ClientName } from './datasets/setting.ts';
import type { Store, Upload } from './datasets/store.ts';
import { rateOf } from './measure.ts';
import { row, type Row } from './report.ts';
import type { Workspace } from './workspace.ts';

export const find: Bench = {
  name: 'find',
  purpose: 'find over 200,000 keys under 1,000 prefixes, cold and warm, beside a plain listing; RSS of each process',
  run: (options) => inWorkspace((workspace) => measure(workspace, options)),
};

const SIZES = { full: { keys: 200_000, prefixes: 1_000 }, quick: { keys: 20_000, prefixes: 100 } };
type Size = (typeof SIZES)['full'];

const ROUNDS = 3;
/** JuiceFS has its names in Redis, not in the bucket. */
const NAMES: readonly ClientName[] = ['evermount', 'rclone', 's3fs'];

interface Found {
  cold: number[];
  warm: number[];
  rssMB: [name: string, megabytes: number][];
}

async function measure(workspace: Workspace, options: BenchOptions): Promise<Row[]> {
  const size = options.quick ? SIZES.quick : SIZES.full;
  const prefix = `find-${size.keys}-${size.prefixes}`;
  return inSetting(workspace, options, NAMES, async ({ store, clients }) => {
    options.progress(`find: storing ${size.keys} objects`);
    await ensureKeys(store, prefix, size);
    const raw: number[] = [];
    const found = new Map(clients.map(({ name }): [string, Found] => [name, { cold: [], warm: [], rssMB: [] }]));
    for (let round = 1; round <= ROUNDS; round++) {
      options.progress(`find: round ${round} of ${ROUNDS}`);
      readIntoMemory(store.folder);
      raw.push(await rawRate(store, prefix, size));
      for (const client of clients) await measureClient(client, prefix, size, found.get(client.name));
    }
    return rowsOf(median(raw), found);
  });
}

/** Tiny objects: it is names that are looked for. */
async function ensureKeys(store: Store, prefix: string, { keys, prefixes }: Size): Promise<void> {
  const done = `${prefix}.done`;
  if (await store.has(done)) return;
  const content = Buffer.from('x');
  const uploads = function* (): Generator<Upload> {
    for (let key = 0; key < keys; key++) {
      const folder = String(key % prefixes).padStart(4, '0');
      yield { key: `${prefix}/small/${folder}/${String(key).padStart(7, '0')}`, sizeBytes: 1, chunk: () => content };
    }
  };
  await store.upload(uploads());
  await store.upload([{ key: done, sizeBytes: 1, chunk: () => content }]);
}

async function rawRate(store: Store, prefix: string, size: Size): Promise<number> {
  const { seconds, keys } = await listSeconds(store, prefix);
  if (keys !== size.keys) throw new Error(`Cannot trust the listing: it has ${keys} keys of ${size.keys}`);
  return keys / seconds;
}

async function measureClient(client: Client, prefix: string, size: Size, found: Found | undefined): Promise<void> {
  const mounted = await client.mount(prefix);
  const rate = (): Promise<number> => rateOf('find-small', mounted.path, [], { BENCH_FILES: String(size.keys) });
  try {
    found?.cold.push(await rate());
    found?.warm.push(await rate());
    if (found !== undefined) found.rssMB = mounted.pids().map((pid) => rssOf(pid));
  } finally {
    await mounted.close();
  }
}

function rowsOf(raw: number | null, found: ReadonlyMap<string, Found>): Row[] {
  const rows = [row('plain listing', raw, 'keys/s')];
  for (const [name, { cold, warm, rssMB }] of found) {
    const goal = name === 'evermount' ? { ratioAtLeast: 1 / 1.2 } : undefined;
    rows.push(
      row(`find, cold: ${name} / plain listing`, median(cold), 'files/s', raw, goal),
      row(`find, warm: ${name} / plain listing`, median(warm), 'files/s', raw),
      ...rssMB.map(([process, megabytes], index) =>
        row(`RSS of ${name}, process ${index + 1}: ${process}`, megabytes, 'MB'),
      ),
    );
  }
  return rows;
}

function rssOf(pid: number): [name: string, megabytes: number] {
  const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  const name = command.slice(0, 3).map((each) => each.split('/').at(-1) ?? '').join(' ').trim(); // prettier-ignore
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return [name, (kilobytes * 1024) / 1e6];
}

function median(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? null;
}
