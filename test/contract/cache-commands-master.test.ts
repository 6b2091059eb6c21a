// evermount load, evict and cache against a master over TCP: the same commands, another address.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLogger } from '../../src/base/index.ts';
import { openMaster, type Master } from '../../src/cache/master/index.ts';
import { openRpcClient } from '../../src/cache/rpc/index.ts';
import type { ObjectRef } from '../../src/cache/ufs/index.ts';
import { runProgram, type Outcome } from '../support/command-line.ts';
import { openTestNamespace } from '../support/scratch-namespace.ts';
import { MemoryUfs } from '../support/memory-ufs.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const log = createLogger({ write: () => {} });
const folder = mkdtempSync(join(tmpdir(), 'evermount-master-'));
const tokenFile = join(folder, 'token');
const prefetched: ObjectRef[] = [];
const evicted: (readonly string[] | undefined)[] = [];
let master: Master;

before(async () => {
  writeFileSync(tokenFile, 'a token of the test, \n'.replaceAll(' ', '-'), { mode: 0o600 });
  const storage = new MemoryUfs({ pageEntries: 10 });
  for (let at = 0; at < 20; at++) storage.put(`folder/f${at}`, 100);
  storage.put('other', 5);
  master = await openMaster(
    {
      metaDir: join(folder, 'meta'),
      listen: '127.0.0.1:0',
      tokenFile,
      mounts: [{ mountPoint: 's3://b/', path: '/', options: {}, secretFiles: {} }],
    },
    {
      log,
      openUfs: () => Promise.resolve(storage),
      openNamespace: () => openTestNamespace(join(folder, 'meta'), storage),
      workers: {
        prefetchWhole: async (_workers, object) => void prefetched.push(object),
        evict: async (_workers, objects) => {
          evicted.push(objects);
          return 4096;
        },
      },
    },
  );
  const rpc = openRpcClient({ address: master.address, tokenFile }, { log });
  const counts = { localHitBytes: 0, remoteHitBytes: 75, missBytes: 25 };
  const worker = { id: 'w', instance: 'i', address: '127.0.0.1:1', usedBytes: 2048, quotaBytes: 8192, counts };
  await rpc.json({ path: '/v1/workers', body: worker });
  rpc.close();
});
after(async () => {
  await master.close();
  rmSync(folder, { recursive: true });
});

function run(command: string, ...args: string[]): Promise<Outcome> {
  const to = ['--master', master.address, '--token-file', tokenFile];
  return runProgram(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, command, ...to, ...args]);
}

test('load: by a master loads a path of its dataset', async () => {
  const { status, stdout, stderr } = await run('load', '--replicas', '2', '/folder');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^Loaded 20 files, 1.9 KiB/);
  assert.deepEqual(new Set(prefetched.map(({ path }) => path.toString().split('/')[0])), new Set(['folder']));
  assert.equal(prefetched.length, 20);
});

test('evict: by a master forgets a path of its dataset', async () => {
  const { status, stdout, stderr } = await run('evict', 'folder/');
  assert.equal(status, 0, stderr);
  assert.equal(stdout, 'Evicted 4 KiB of "/folder"\n');
  assert.equal(evicted[0]?.length, 20);
});

test('cache: of a master tells of all its workers', async () => {
  const { status, stdout, stderr } = await run('cache');
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^target +127\.0\.0\.1:\d+$/m);
  assert.match(stdout, /^cached +2 KiB of /m);
  assert.match(stdout, /^workers +1$/m);
  assert.match(stdout, /^read from the cache +75%$/m);
});

test('load: by a master that is not there says so', async () => {
  const { status, stderr } = await runProgram(process.execPath, [
    ...[
      '--disable-warning=ExperimentalWarning',
      MAIN,
      'evict',
      '--master',
      '127.0.0.1:1',
      '--token-file',
      tokenFile,
      '/',
    ],
  ]);
  assert.equal(status, 1);
  assert.match(stderr, /^evermount: Cannot reach 127\.0\.0\.1:1/);
});
