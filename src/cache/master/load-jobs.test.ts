import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { MemoryUfs } from '../../../test/support/memory-ufs.ts';
import { scratchNamespaces } from '../../../test/support/scratch-namespace.ts';
import { until } from '../../../test/support/wait.ts';
import { createLogger } from '../../base/index.ts';
import { LoadJob } from './load-job.ts';
import { LoadJobs } from './load-jobs.ts';

const root = mkdtempSync(join(tmpdir(), 'evermount-load-jobs-'));
test.after(() => rmSync(root, { recursive: true }));
const ALL = { paths: [Buffer.alloc(0)], refresh: false, replicas: 1 };

const openNames = scratchNamespaces();

interface World {
  readonly folder: string;
  readonly lines: string[];
  /** Objects are loaded once this is resolved. */
  readonly gate: { readonly promise: Promise<undefined>; resolve(value: undefined): void };
  open(): LoadJobs;
}

async function world(): Promise<World> {
  const folder = mkdtempSync(join(root, 'j'));
  const lines: string[] = [];
  const gate = Promise.withResolvers<undefined>();
  const ufs = new MemoryUfs();
  ufs.put('a', 1);
  const deps = {
    namespace: await openNames(ufs),
    prefetchWhole: (_object: unknown, _replicas: number, signal: AbortSignal) =>
      Promise.race([
        gate.promise,
        new Promise<undefined>((_, reject) => signal.addEventListener('abort', reject)),
      ]).then(() => {}),
    isCached: () => false,
    nowMs: () => 0,
  };
  const log = createLogger({ write: (line) => lines.push(line) });
  const config = { folder, runningMax: 1, jobsMax: 2, endedMax: 2 };
  return { folder, lines, gate, open: () => new LoadJobs(config, log, (spec) => new LoadJob(spec, {}, deps)) };
}

const statesOf = (jobs: LoadJobs): string[] => jobs.list().map((it) => it.progress.state);

test('jobs run a few at a time, in the order they came, and more than agreed are refused', async () => {
  const it = await world();
  const jobs = it.open();
  jobs.start(ALL);
  jobs.start(ALL);
  assert.deepEqual(statesOf(jobs), ['running', 'waiting']);
  assert.throws(() => jobs.start(ALL), { code: 'too-many' });
  it.gate.resolve(undefined);
  await until('both end', () => statesOf(jobs).every((state) => state === 'done'));
  await jobs.close();
});

test('a job that was cancelled stays cancelled, running or waiting', async () => {
  const it = await world();
  const jobs = it.open();
  const { id: running } = jobs.start(ALL);
  const { id: waiting } = jobs.start(ALL);
  assert.equal(jobs.cancel(waiting)?.progress.state, 'cancelled');
  jobs.cancel(running);
  await until('it ends', () => jobs.status(running)?.progress.state === 'cancelled');
  await jobs.close();
  assert.deepEqual(statesOf(it.open()), ['cancelled', 'cancelled']);
  assert.equal(jobs.cancel('none'), undefined);
});

test('a job that was cut off is run again by whoever opens the folder next', async () => {
  const it = await world();
  const first = it.open();
  const { id } = first.start(ALL);
  await first.close();
  it.gate.resolve(undefined);
  const second = it.open();
  await until('it ends', () => second.status(id)?.progress.state === 'done');
  assert.equal(second.status(id)?.progress.loadedFiles, 1);
  await second.close();
});

test('ended jobs are kept, the oldest go', async () => {
  const it = await world();
  it.gate.resolve(undefined);
  const jobs = it.open();
  const ids: string[] = [];
  for (let at = 0; at < 4; at++) {
    const { id } = jobs.start(ALL);
    ids.push(id);
    await until('it ends', () => jobs.status(id)?.progress.state === 'done');
  }
  assert.deepEqual(
    jobs.list().map((job) => job.id),
    ids.slice(2),
  );
  assert.equal(readdirSync(it.folder).length, 2);
  await jobs.close();
});

test('a job file that is damaged is told and left where it is', async () => {
  const it = await world();
  writeFileSync(join(it.folder, 'x.json'), '{');
  const jobs = it.open();
  assert.deepEqual(jobs.list(), []);
  assert.match(it.lines.join(''), /load job cannot be read/);
  assert.deepEqual(readdirSync(it.folder), ['x.json']);
  await jobs.close();
});
