import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_PROGRESS, type LoadProgress } from '../../cache/rpc/master/index.ts';
import { loadLine, loadSentences, rateOf } from './load-report.ts';

const MIB = 1024 * 1024;
const RUNNING: LoadProgress = {
  ...NO_PROGRESS,
  state: 'running',
  foundFiles: 10,
  foundBytes: 100 * MIB,
  walked: true,
  loadedFiles: 6,
  loadedBytes: 60 * MIB,
  hadBytes: 40 * MIB,
  elapsedMs: 2_000,
};
const SPEC = { paths: [Buffer.alloc(0)], refresh: false, replicas: 1 };

test('rateOf() counts what the load fetched, not what was cached before', () => {
  assert.deepEqual(rateOf(RUNNING), { bytesPerSecond: 10 * MIB, leftMs: 4_000 });
  assert.equal(rateOf({ ...RUNNING, walked: false }).leftMs, undefined);
  assert.deepEqual(rateOf({ ...RUNNING, elapsedMs: 0 }), { bytesPerSecond: 0, leftMs: undefined });
});

test('loadLine() says how far it is, and that there may be more while the walk goes on', () => {
  assert.equal(loadLine(RUNNING, false), '    2s  6 of 10 files, 60 MiB of 100 MiB, 10 MiB/s, 4s left');
  assert.match(loadLine({ ...RUNNING, walked: false, failedFiles: 2 }, false), /6 of 10\+ files.*, 2 failed$/);
});

test('loadSentences() names the files that could not be loaded, and counts the rest', () => {
  const progress = {
    ...RUNNING,
    state: 'done' as const,
    failedFiles: 3,
    failures: [{ path: Buffer.from('a/b'), why: 'denied' }],
  };
  assert.equal(
    loadSentences('/mnt', { id: '1', spec: SPEC, progress }),
    'Loaded 6 files, 60 MiB (40 MiB of it was cached before), in 2s, 10 MiB/s\n' +
      'Cannot load 3 of them:\n  /a/b: denied\n  and 2 more\n',
  );
});
