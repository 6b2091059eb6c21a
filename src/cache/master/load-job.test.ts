import assert from 'node:assert/strict';
import test from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { MemoryUfs } from '../../../test/support/memory-ufs.ts';
import { scratchNamespaces } from '../../../test/support/scratch-namespace.ts';
import { UfsError, type ObjectRef } from '../ufs/index.ts';
import { LoadJob, type LoadJobDeps } from './load-job.ts';

const NEVER = new AbortController().signal;
const ALL = { paths: [Buffer.alloc(0)], refresh: false, replicas: 1 };

const openNames = scratchNamespaces();

interface World {
  ufs: MemoryUfs;
  cached: Map<string, ObjectRef>;
  deps: LoadJobDeps;
  /** Thrown, one per prefetch, until there are no more. */
  errors: unknown[];
  slept: number;
  inFlight: number;
  inFlightMost: number;
}

async function world(): Promise<World> {
  const ufs = new MemoryUfs({ pageEntries: 3 });
  const it: World = {
    ufs,
    cached: new Map(),
    errors: [],
    slept: 0,
    inFlight: 0,
    inFlightMost: 0,
    deps: {
      namespace: await openNames(ufs),
      prefetchWhole: async (object) => {
        it.inFlight += 1;
        it.inFlightMost = Math.max(it.inFlightMost, it.inFlight);
        await setImmediate();
        it.inFlight -= 1;
        const err = it.errors.shift();
        if (err !== undefined) throw err as Error;
        await ufs.read(object.path, object.version, 0, object.sizeBytes, () => {});
        it.cached.set(object.path.toString(), object);
      },
      isCached: (object) => it.cached.get(object.path.toString())?.id === object.id,
      nowMs: () => 0,
      sleep: async () => {
        it.slept += 1;
      },
    },
  };
  return it;
}

function away(): UfsError {
  return new UfsError('Cannot reach it', { code: 'unavailable', path: '', why: 'test' });
}

test('every file below a path is loaded, so many at once, whatever the depth', async () => {
  const it = await world();
  for (let at = 0; at < 600; at++) it.ufs.put(`a/${at % 7}/f${at}`, 2);
  it.ufs.put('other', 1);
  const job = new LoadJob({ ...ALL, paths: [Buffer.from('a')] }, { inFlightMax: 4 }, it.deps);
  await job.run(NEVER);
  const { state, foundFiles, foundBytes, walked, loadedFiles, loadedBytes, hadBytes } = job.progress();
  assert.deepEqual([state, foundFiles, foundBytes, walked, hadBytes], ['done', 600, 1200, true, 0]);
  assert.deepEqual([loadedFiles, loadedBytes, it.cached.size], [600, 1200, 600]);
  assert.ok(!it.cached.has('other'));
  assert.equal(it.inFlightMost, 4);
});

test('what is cached is not loaded again', async () => {
  const it = await world();
  it.ufs.put('a', 3);
  await new LoadJob(ALL, {}, it.deps).run(NEVER);
  it.ufs.put('b', 4);
  const again = new LoadJob({ ...ALL, refresh: true }, {}, it.deps);
  await again.run(NEVER);
  assert.deepEqual([again.progress().loadedBytes, again.progress().hadBytes], [7, 3]);
  assert.equal(it.ufs.requests.read, 2);
});

test('an object that cannot be had for a moment is tried again', async () => {
  const it = await world();
  it.ufs.put('a', 3);
  it.errors = [away(), away()];
  const job = new LoadJob(ALL, {}, it.deps);
  await job.run(NEVER);
  assert.deepEqual([job.progress().state, job.progress().loadedFiles, it.slept], ['done', 1, 2]);
});

test('a storage that is away for a moment while names are listed is asked again', async () => {
  const it = await world();
  it.ufs.put('f/a', 3);
  let failures = 2;
  it.ufs.before = () => {
    if (failures-- > 0) throw away();
  };
  const job = new LoadJob(ALL, {}, it.deps);
  await job.run(NEVER);
  assert.deepEqual([job.progress().state, job.progress().loadedFiles], ['done', 1]);
});

test('tries end: the file is told, the others are loaded', async () => {
  const it = await world();
  it.ufs.put('a', 3);
  it.ufs.put('b', 4);
  it.errors = [away(), away(), away()];
  const job = new LoadJob(ALL, { inFlightMax: 1, triesMax: 3 }, it.deps);
  await job.run(NEVER);
  const { state, failedFiles, failures, loadedFiles } = job.progress();
  assert.deepEqual([state, failedFiles, loadedFiles], ['done', 1, 1]);
  assert.deepEqual(failures, [{ path: Buffer.from('a'), why: 'Cannot reach it' }]);
});

test('a denied object is told at once', async () => {
  const it = await world();
  it.ufs.put('a', 3);
  it.errors = [new UfsError('Cannot read it', { code: 'denied', path: 'a', why: '403' })];
  const job = new LoadJob(ALL, {}, it.deps);
  await job.run(NEVER);
  assert.deepEqual([job.progress().failedFiles, it.slept], [1, 0]);
});

test('a file that was replaced since its name was learned is loaded in its new version', async () => {
  const it = await world();
  it.ufs.put('a', 3);
  await it.deps.namespace.list(1, 0, () => true);
  it.ufs.put('a', 5);
  const job = new LoadJob(ALL, {}, it.deps);
  await job.run(NEVER);
  assert.equal(it.cached.get('a')?.sizeBytes, 5);
  assert.equal(job.progress().failedFiles, 0);
});

test('a path that is not there is told, the other paths are loaded', async () => {
  const it = await world();
  it.ufs.put('a', 3);
  const job = new LoadJob({ ...ALL, paths: [Buffer.from('no/such'), Buffer.from('a')] }, {}, it.deps);
  await job.run(NEVER);
  assert.deepEqual([job.progress().failedFiles, job.progress().loadedFiles], [1, 1]);
});

test('a job that is cancelled ends, and says so', async () => {
  const it = await world();
  for (let at = 0; at < 50; at++) it.ufs.put(`f${at}`, 1);
  const stop = new AbortController();
  const { prefetchWhole } = it.deps;
  const deps: LoadJobDeps = {
    ...it.deps,
    prefetchWhole: (...args) => {
      if (it.cached.size === 10) stop.abort();
      return prefetchWhole(...args);
    },
  };
  const job = new LoadJob(ALL, { inFlightMax: 2 }, deps);
  await job.run(stop.signal);
  assert.equal(job.progress().state, 'cancelled');
  assert.ok(it.cached.size < 20);
});

test('of names only, no byte is loaded', async () => {
  const it = await world();
  for (let at = 0; at < 20; at++) it.ufs.put(`a/f${at}`, 2);
  const job = new LoadJob({ ...ALL, metadataOnly: true }, {}, it.deps);
  await job.run(NEVER);
  const { state, foundFiles, foundBytes, loadedFiles, walked } = job.progress();
  assert.deepEqual([state, foundFiles, foundBytes, loadedFiles, walked], ['done', 20, 40, 0, true]);
  assert.equal(it.cached.size, 0);
});
