// What a mount costs in memory: its processes idle, and with many files known to the kernel.
//
// The session runs on a copy of the Node binary, made for the bench: shared pages are then shared among its own processes
// only, and a PSS is what one mount costs on a machine where nothing else runs Node.
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../src/base/index.ts';
import { HEADER } from '../src/fuse/session/index.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { inWorkspace } from './cleanup.ts';
import { measureLongRead } from './long-read.ts';
import { row, type Row } from './report.ts';
import { run, type BenchStatus, type Session, type Workspace } from './workspace.ts';

export const memory: Bench = {
  name: 'memory',
  purpose: 'PSS and RSS of vault, supervisor, daemon, standby: idle, with 1,000,000 files known, over 100 GiB read',
  run: (options) => inWorkspace((workspace) => measure(workspace, options), { copyNode: true }),
};

const FILES = { full: 1_000_000, quick: 50_000 };
const FILES_PER_FOLDER = 1_000;
/** Long enough for garbage of the start to be collected, short enough that nobody waits. */
const SETTLE_MS = 3_000;
const FOLDERS_AT_ONCE = 64;

const PARTS = ['vault', 'supervisor', 'daemon', 'standby'] as const;
type Part = (typeof PARTS)[number];

interface Usage {
  pssMB: number;
  rssMB: number;
}
type Usages = Partial<Record<Part, Usage>>;

async function measure(workspace: Workspace, options: BenchOptions): Promise<Row[]> {
  const { progress } = options;
  const files = options.quick ? FILES.quick : FILES.full;
  const source = join(workspace.trees, 'source');
  progress(`memory: making ${files} files`);
  makeTree(source, files);

  progress('memory: idle, no standby');
  const lone = await workspace.mount(source, ['--standby', 'off']);
  const idleLone = await settled(lone, false);
  progress('memory: every file known, no standby');
  const before = await sessionMemory(lone);
  await learnAll(lone, files);
  const knownLone = await settled(lone, false);
  const after = await sessionMemory(lone);
  await lone.unmount();

  progress('memory: idle, standby');
  const paired = await workspace.mount(source, ['--standby', 'on']);
  const idlePaired = await settled(paired, true);
  progress('memory: every file known, standby');
  await learnAll(paired, files);
  const knownPaired = await settled(paired, true);
  await paired.unmount();

  const learned = after.nodes - before.nodes;
  const pssGrowthBytes = (total(knownLone) - total(idleLone)) * 1e6;
  const sessionGrowthBytes = after.allocatedBytes - before.allocatedBytes;
  return [
    row('idle, no standby: PSS of all', total(idleLone), 'MB', null, { atMost: 120 }),
    ...partRows('idle, no standby', idleLone),
    row('idle, standby: PSS of all', total(idlePaired), 'MB', total(idleLone)),
    ...partRows('idle, standby', idlePaired),
    row('inodes known to the kernel', after.nodes, 'inodes'),
    row('known, no standby: PSS of all', total(knownLone), 'MB', total(idleLone)),
    ...partRows('known, no standby', knownLone, idleLone),
    row('known, standby: PSS of all', total(knownPaired), 'MB', total(idlePaired)),
    ...partRows('known, standby', knownPaired, idlePaired),
    // Few inodes carry the daemon's warm-up, a few megabytes once, in too few parts.
    row('PSS per known inode', pssGrowthBytes / learned, 'bytes', null, options.quick ? undefined : { atMost: 400 }),
    row('of it session memory', sessionGrowthBytes / learned, 'bytes', pssGrowthBytes / learned),
    ...(await measureLongRead(workspace, options)),
  ];
}

function partRows(state: string, usages: Usages, before: Usages = {}): Row[] {
  return PARTS.flatMap((part) => {
    const usage = usages[part];
    if (usage === undefined) return [];
    return [
      row(`${state}: PSS of ${part}`, usage.pssMB, 'MB', before[part]?.pssMB ?? null),
      row(`${state}: RSS of ${part}`, usage.rssMB, 'MB', before[part]?.rssMB ?? null),
    ];
  });
}

function total(usages: Usages): number {
  return Object.values(usages).reduce((sum, { pssMB }) => sum + pssMB, 0);
}

/** Empty files: a hard link more would be the same inode again. */
function makeTree(path: string, files: number): void {
  for (let file = 0; file < files; file++) {
    const folder = join(path, String(Math.floor(file / FILES_PER_FOLDER)).padStart(4, '0'));
    if (file % FILES_PER_FOLDER === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, String(file % FILES_PER_FOLDER).padStart(4, '0')), '');
  }
}

/** Has the kernel ask for every file. It keeps what it learned for as long as it has memory: the caller checks by the count. */
async function learnAll(session: Session, files: number): Promise<void> {
  const folders = readdirSync(session.target);
  while (folders.length > 0) {
    const some = folders.splice(0, FOLDERS_AT_ONCE).map((name) => join(session.target, name));
    await run('find', [...some, '-newermt', '2200-01-01']); // has to look at every file, prints none
  }
  const { nodes } = await sessionMemory(session);
  if (nodes < files) process.stderr.write(`memory: the kernel forgot some: it knows ${nodes} of ${files} files\n`);
}

async function settled(session: Session, standby: boolean): Promise<Usages> {
  const isThere = ({ state, pids }: BenchStatus): boolean =>
    state === 'serving' && pids.daemon !== undefined && (pids.standby !== undefined) === standby;
  await session.until('daemon (and standby)', isThere);
  await sleep(SETTLE_MS);
  const { pids } = await session.until('daemon (and standby)', isThere);
  const usages: Usages = {};
  for (const part of PARTS) {
    const pid = pids[part];
    if (pid !== undefined) usages[part] = usageOf(pid);
  }
  return usages;
}

function usageOf(pid: number): Usage {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const megabytes = (name: string): number =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1]) * 1024) / 1e6;
  return { pssMB: megabytes('Pss'), rssMB: megabytes('Rss') };
}

/** Read from the memory itself, through the vault that holds it. */
async function sessionMemory(session: Session): Promise<{ nodes: number; allocatedBytes: number }> {
  const { pids } = await session.until('vault', (status) => status.pids.vault !== undefined);
  const folder = `/proc/${pids.vault as number}/fd`;
  const path = readdirSync(folder)
    .map((name) => join(folder, name))
    .find((each) => linkOf(each).startsWith('/memfd:evermount:'));
  if (path === undefined) throw new Error('Cannot find the session memory: the vault holds none');
  const fd = openSync(path, 'r');
  try {
    const word = Buffer.alloc(4);
    readSync(fd, word, 0, 4, HEADER.nodesLive * 4);
    return { nodes: word.readUInt32LE(0), allocatedBytes: statSync(path).blocks * 512 };
  } finally {
    closeSync(fd);
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed since it was listed
  }
}
