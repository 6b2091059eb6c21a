// Reading a data set out of an object store: ours, what a user would pick instead, and what the machine can do at all.
//
// All clients show the same files and are read by the same program, taking turns within each round; the median of the rounds
// counts. Before each group of measurements a client is mounted anew with an empty cache, nothing of any file is in memory
// but the store's own data, all of it. Warm is measured twice: with what is in memory left there, and after the page cache
// was dropped, so that the cached copy comes from disk.
import { join } from 'node:path';
import type { Bench, BenchOptions } from './bench.ts';
import { inWorkspace } from './cleanup.ts';
import { CASES, tableOf, type CaseName } from './datasets/cases.ts';
import { Data } from './datasets/data.ts';
import { GROUPS, type Group } from './datasets/groups.ts';
import { dropCaches, readIntoMemory, whyNoDrop } from './datasets/page-cache.ts';
import { getSeconds, listSeconds } from './datasets/raw.ts';
import { CLIENTS, inSetting, type Setting } from './datasets/setting.ts';
import { row, type Row } from './report.ts';
import type { Workspace } from './workspace.ts';

export const datasets: Bench = {
  name: 'datasets',
  purpose: 'an S3 bucket as a folder, cold and warm; rclone, s3fs, JuiceFS, plain GETs, local disk',
  run: (options) => inWorkspace((workspace) => measure(workspace, options)),
  table: tableOf,
};

const SIZES = {
  full: { bigMiB: 2048, streamMiB: 512, smallFiles: 20_000 },
  quick: { bigMiB: 256, streamMiB: 64, smallFiles: 2_000 },
};
const ROUNDS = 3;
/** Who takes longer than this for a group is not asked again. */
const SLOW_S = 60;

/** Rates by subject and case, one for each round. */
class Rates {
  readonly #rates = new Map<string, number[]>();

  add(subject: string, name: CaseName, rate: number): void {
    const key = `${subject} ${name}`;
    const rates = this.#rates.get(key) ?? [];
    this.#rates.set(key, [...rates, rate]);
  }

  median(subject: string, name: CaseName): number | null {
    const sorted = (this.#rates.get(`${subject} ${name}`) ?? []).toSorted((a, b) => a - b);
    return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
  }
}

async function measure(workspace: Workspace, options: BenchOptions): Promise<Row[]> {
  const cannot = whyNoDrop();
  if (cannot !== undefined) throw new Error(`Cannot measure what is cold: ${cannot}`);
  const data = new Data(options.quick ? SIZES.quick : SIZES.full);
  return inSetting(workspace, options, CLIENTS, async (setting) => {
    options.progress('datasets: storing the data');
    await data.ensureStored(setting.store);
    data.ensureFiles(join(setting.plain, data.prefix));
    for (const client of setting.clients) await client.ingest?.(data.prefix);
    const rates = new Rates();
    const slow = new Set<string>();
    for (let round = 1; round <= ROUNDS; round++) {
      options.progress(`datasets: round ${round} of ${ROUNDS}, raw`);
      await measureRaw(setting, data, rates);
      for (const group of GROUPS) await measureGroup(group, setting, data, rates, slow, options.progress);
    }
    return rowsOf(rates);
  });
}

async function measureRaw({ store, folder }: Setting, data: Data, rates: Rates): Promise<void> {
  const { big, streams, small, prefix } = data;
  readIntoMemory(store.folder);
  const config = join(folder, 'curl.conf');
  const mib = (files: readonly { sizeBytes: number }[]): number =>
    files.reduce((sum, file) => sum + file.sizeBytes, 0) / 2 ** 20;
  rates.add('raw', 'sequential-cold', mib([big]) / (await getSeconds(store, prefix, [big], config)));
  rates.add('raw', 'streams-cold', mib(streams) / (await getSeconds(store, prefix, streams, config)));
  const smallRate = small.length / (await getSeconds(store, prefix, small, config));
  rates.add('raw', 'small-cold', smallRate);
  rates.add('raw', 'small-cold-4', smallRate);
  const { seconds, keys } = await listSeconds(store, `${prefix}/small`);
  rates.add('raw', 'find-cold', keys / seconds);
}

async function measureGroup(
  group: Group,
  { store, plain, clients }: Setting,
  data: Data,
  rates: Rates,
  slow: Set<string>,
  progress: (text: string) => void,
): Promise<void> {
  const local = join(plain, data.prefix);
  const subjects = [
    { name: 'local', mount: () => Promise.resolve({ path: local, close: () => Promise.resolve() }) },
    ...clients,
  ];
  for (const subject of subjects) {
    const key = `${group.name} ${subject.name}`;
    if (slow.has(key)) continue;
    progress(`datasets: ${group.name}, ${subject.name}`);
    dropCaches();
    readIntoMemory(store.folder);
    const start = performance.now();
    let mounted: { path: string; close: () => Promise<void> } | undefined;
    try {
      mounted = await subject.mount(data.prefix);
      if (subject.name === 'local') dropCaches();
      await group.measure(mounted.path, data, (name, rate) => rates.add(subject.name, name, rate));
      await group.check(mounted.path, local, data);
    } catch (err) {
      progress(`datasets: ${subject.name} failed in ${group.name}: ${(err as Error).message}`);
      slow.add(key);
    } finally {
      await mounted?.close();
    }
    if (performance.now() - start > SLOW_S * 1000) slow.add(key);
  }
}

function rowsOf(rates: Rates): Row[] {
  return CASES.flatMap(({ name, title, unit, baseline, ratioAtLeast }) =>
    [...CLIENTS, 'raw', 'local'].map((subject): Row => {
      const goal = subject === 'evermount' ? { ratioAtLeast } : undefined;
      const line = row(
        `${title}: ${subject} / ${baseline}`,
        rates.median(subject, name),
        unit,
        rates.median(baseline, name),
        goal,
      );
      return { ...line, case: name, subject };
    }),
  );
}
