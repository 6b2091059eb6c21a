// How fast a healthy mount is, beside the plain folder and beside bindfs, a file system in C that does the same: shows a folder.
//
// The source is in the page cache throughout, so that the cost of the way is compared and not the disk. What is read through
// a mount is cold for the mount: its pages are dropped, or the mount is made anew, before each measurement. All take turns in
// several rounds and the best round of each counts, so that what else the machine does hits all alike.
import { join } from 'node:path';
import type { Bench, BenchOptions } from './bench.ts';
import { inWorkspace } from './cleanup.ts';
import { MEASURE, rateOf } from './measure.ts';
import { row, type Row } from './report.ts';
import { run, type Mounted, type Workspace } from './workspace.ts';

export const throughput: Bench = {
  name: 'throughput',
  purpose: 'sequential and random reads, stat, find, small files; plain folder, bindfs, passthrough on and off',
  run: (options) => inWorkspace((workspace) => measure(workspace, options)),
};

const SIZES = {
  full: { found: 100_000, statted: 20_000, small: 10_000, bigMiB: 1024, rounds: 5 },
  quick: { found: 20_000, statted: 4_000, small: 2_000, bigMiB: 128, rounds: 3 },
};
type Sizes = (typeof SIZES)['full'];

type Subject = 'plain' | 'passthrough' | 'daemon' | 'bindfs';

/** Rates, the best of the rounds. */
type Rates = Map<string, number>;

interface Case {
  name: string;
  title: string;
  unit: string;
}

const DATA_CASES: readonly Case[] = [
  { name: 'sequential', title: 'sequential 1 MiB reads', unit: 'MiB/s' },
  { name: 'random', title: 'random 4 KiB reads', unit: 'reads/s' },
  { name: 'random-direct', title: 'random 4 KiB reads, O_DIRECT', unit: 'reads/s' },
];

/** Those that passthrough can take part in. */
const PASSED_CASES: readonly string[] = ['sequential', 'random'];

const NAME_CASES: readonly (Case & { files: keyof Sizes })[] = [
  { name: 'find-names', title: 'find, names only', unit: 'files/s', files: 'found' },
  { name: 'find-sizes', title: 'find, with sizes', unit: 'files/s', files: 'found' },
  { name: 'stat', title: 'stat', unit: 'files/s', files: 'statted' },
  { name: 'small', title: 'open, read, close 4 KiB files', unit: 'files/s', files: 'small' },
];

/** A standby that starts up while a fresh mount is measured would take the time of what is measured. */
const MOUNT_OPTIONS = ['--standby', 'off'];

async function measure(workspace: Workspace, options: BenchOptions): Promise<Row[]> {
  const sizes = options.quick ? SIZES.quick : SIZES.full;
  const source = join(workspace.trees, 'source');
  const { found, statted, small, bigMiB, rounds } = sizes;
  options.progress(`throughput: making ${2 * found + statted + small} files and one of ${bigMiB} MiB`);
  await run('python3', [MEASURE, 'tree', source, ...[found, statted, small, bigMiB].map(String)]);
  const rates: Rates = new Map();
  await measureData(workspace, source, rounds, rates, options.progress);
  for (let round = 1; round <= rounds; round++) {
    options.progress(`throughput: names, round ${round} of ${rounds}`);
    await measureNames(workspace, source, sizes, rates);
  }
  return rowsOf(rates);
}

/** Three mounts side by side; the file's pages of the mount are dropped before each measurement. */
async function measureData(
  workspace: Workspace,
  source: string,
  rounds: number,
  rates: Rates,
  progress: (text: string) => void,
): Promise<void> {
  const passthrough = await workspace.mount(source, [...MOUNT_OPTIONS, '--passthrough', 'on']);
  const daemon = await workspace.mount(source, [...MOUNT_OPTIONS, '--passthrough', 'off']);
  const bindfs = await workspace.mountBindfs(source);
  const isPassed = (await passthrough.status())?.options.passthrough === true;
  if (!isPassed) progress('throughput: no passthrough here: it takes root and Linux 6.9');
  for (let round = 1; round <= rounds; round++) {
    progress(`throughput: data, round ${round} of ${rounds}`);
    for (const { name } of DATA_CASES) {
      // O_DIRECT keeps the mount from caching. On the plain folder, and through passthrough, it would measure the disk.
      const isDirect = name === 'random-direct';
      note(rates, 'plain', name, await rateOf(isDirect ? 'random' : name, source));
      if (isPassed && !isDirect) note(rates, 'passthrough', name, await rateOf(name, passthrough.target));
      note(rates, 'daemon', name, await rateOf(name, daemon.target, ['--drop']));
      if (bindfs !== undefined) note(rates, 'bindfs', name, await rateOf(name, bindfs.target, ['--drop']));
    }
  }
  for (const mounted of [passthrough, daemon, bindfs]) await mounted?.unmount();
}

/** A fresh mount each time, so that the kernel knows no name yet; it serves some other files first. */
async function measureNames(workspace: Workspace, source: string, sizes: Sizes, rates: Rates): Promise<void> {
  const subjects: [Subject, () => Promise<Mounted | undefined>][] = [
    ['plain', () => Promise.resolve({ target: source, unmount: () => Promise.resolve() })],
    ['daemon', () => workspace.mount(source, MOUNT_OPTIONS)],
    ['bindfs', () => workspace.mountBindfs(source)],
  ];
  for (const [subject, mount] of subjects) {
    const mounted = await mount();
    if (mounted === undefined) continue;
    await rateOf('warm', mounted.target);
    for (const { name, files } of NAME_CASES) {
      note(rates, subject, name, await rateOf(name, mounted.target, [], { BENCH_FILES: String(sizes[files]) }));
    }
    await mounted.unmount();
  }
}

function note(rates: Rates, subject: Subject, name: string, rate: number): void {
  const key = `${subject} ${name}`;
  rates.set(key, Math.max(rate, rates.get(key) ?? 0));
}

function rowsOf(rates: Rates): Row[] {
  const rate = (subject: Subject, name: string): number | null => rates.get(`${subject} ${name}`) ?? null;
  return [...DATA_CASES, ...NAME_CASES].flatMap(({ name, title, unit }) => {
    const plain = rate('plain', name);
    const rows = [
      row(`${title}: daemon / bindfs`, rate('daemon', name), unit, rate('bindfs', name), { ratioAtLeast: 0.5 }),
      row(`${title}: daemon / plain folder`, rate('daemon', name), unit, plain),
      row(`${title}: bindfs / plain folder`, rate('bindfs', name), unit, plain),
    ];
    if (!PASSED_CASES.includes(name)) return rows;
    return [
      row(`${title}: passthrough / plain folder`, rate('passthrough', name), unit, plain, { ratioAtLeast: 0.95 }),
      ...rows,
    ];
  });
}
