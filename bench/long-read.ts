// What a very long sequential read costs a daemon in memory: a file without data on disk, so that the daemon is all there is.
import { closeSync, mkdirSync, openSync, readFileSync, readSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchOptions } from './bench.ts';
import { row, type Row } from './report.ts';
import { run, type Session, type Workspace } from './workspace.ts';

const GIB = 2 ** 30;
const SIZES_GIB = { full: 100, quick: 4 };
/** Read before the first look: buffers are made and code is compiled by then. */
const WARM_UP_GIB = 2;
const LOOK_EVERY_MS = 50;
/** What garbage that waits for its collector may add, in whatever moment one looks. */
const FLAT_WITHIN_MB = 20;

export async function measureLongRead(workspace: Workspace, { quick, progress }: BenchOptions): Promise<Row[]> {
  const sizeGiB = quick ? SIZES_GIB.quick : SIZES_GIB.full;
  progress(`memory: reading ${sizeGiB} GiB of one file`);
  const source = join(workspace.trees, 'long');
  mkdirSync(source);
  const file = join(source, 'sparse');
  writeFileSync(file, '');
  truncateSync(file, sizeGiB * GIB);
  const session = await workspace.mount(source, ['--standby', 'off', '--passthrough', 'off']);
  const { pids } = await session.until('daemon', (status) => status.state === 'serving' && status.pids.daemon !== undefined); // prettier-ignore
  const daemon = pids.daemon as number;
  await read(session, 0, WARM_UP_GIB);
  const warmMB = rssMB(daemon);
  let highestMB = warmMB;
  const looking = setInterval(() => (highestMB = Math.max(highestMB, rssMB(daemon))), LOOK_EVERY_MS);
  const startMs = performance.now();
  try {
    await read(session, WARM_UP_GIB, sizeGiB - WARM_UP_GIB);
  } finally {
    clearInterval(looking);
  }
  const seconds = (performance.now() - startMs) / 1000;
  await session.unmount();
  return [
    row(`reading ${sizeGiB} GiB: RSS of daemon after ${WARM_UP_GIB} GiB`, warmMB, 'MB'),
    row(`reading ${sizeGiB} GiB: highest RSS of daemon`, highestMB, 'MB', warmMB, {
      atMost: Math.round(warmMB + FLAT_WITHIN_MB),
    }),
    row(`reading ${sizeGiB} GiB`, ((sizeGiB - WARM_UP_GIB) * 1024) / seconds, 'MiB/s'),
  ];
}

/** In a program of its own, whose last block is checked to be there. */
async function read(session: Session, fromGiB: number, sizeGiB: number): Promise<void> {
  const path = join(session.target, 'sparse');
  await run('dd', [`if=${path}`, 'of=/dev/null', 'bs=1M', `skip=${fromGiB * 1024}`, `count=${sizeGiB * 1024}`, 'status=none']); // prettier-ignore
  const fd = openSync(path, 'r');
  try {
    const last = Buffer.alloc(1, 1);
    const at = (fromGiB + sizeGiB) * GIB - 1;
    if (readSync(fd, last, 0, 1, at) !== 1 || last[0] !== 0)
      throw new Error(`Cannot trust the read: byte ${at} is wrong`);
  } finally {
    closeSync(fd);
  }
}

function rssMB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024) / 1e6;
}
