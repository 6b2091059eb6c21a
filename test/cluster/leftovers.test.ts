// What a harness that was killed left is cleaned by the next `up`, and `down` leaves nothing: on a second cluster beside the one
// tests run on.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Place } from '../../scripts/cluster/place.ts';
import { isRunning, pidOf, recordedNames } from '../../scripts/cluster/processes.ts';
import { attempt, run, until } from '../../scripts/cluster/run.ts';
import { place as first, requireCluster } from '../support/kubernetes.ts';

const skip = requireCluster();

const CLUSTER = join(import.meta.dirname, '../../scripts/cluster/main.ts');
const UP_TIMEOUT_MS = 300_000;

test(
  'leftovers of a harness that was killed are cleaned by the next up, and down leaves nothing',
  { skip },
  async () => {
    const place = new Place(`${first.folder}-second`);
    const env = { ...process.env, EVERMOUNT_CLUSTER_FOLDER: place.folder };
    const command = (name: string): string[] => [
      'env',
      `EVERMOUNT_CLUSTER_FOLDER=${place.folder}`,
      process.execPath,
      CLUSTER,
      name,
    ];
    try {
      const killed = spawn(process.execPath, [CLUSTER, 'up'], { env, stdio: 'ignore' });
      const ended = once(killed, 'exit');
      await until(
        'a half-started cluster',
        () => isRunning(place, 'api-server') && isRunning(place, 'node-1'),
        UP_TIMEOUT_MS,
      );
      killed.kill('SIGKILL');
      await ended;
      const leftovers = ['etcd', 'api-server', 'node-1'].map((name) => pidOf(place, name));
      assert.ok(
        leftovers.every((pid) => pid !== undefined && existsSync(`/proc/${pid}`)),
        'there are leftovers',
      );

      await run(command('up'), { timeoutMs: UP_TIMEOUT_MS });
      assert.ok(
        leftovers.every((pid) => !existsSync(`/proc/${pid}`)),
        'they are gone',
      );
      assert.equal((await attempt(command('status'))).status, 0);
      const pids = recordedNames(place).map((name) => pidOf(place, name));
      await run(command('up'), { timeoutMs: UP_TIMEOUT_MS });
      assert.deepEqual(
        recordedNames(place).map((name) => pidOf(place, name)),
        pids,
        'a second up starts nothing',
      );

      await run(command('down'), { timeoutMs: UP_TIMEOUT_MS });
      await run(command('down'), { timeoutMs: UP_TIMEOUT_MS });
      // Orphans that are dead stay listed until the machine's first process has taken note.
      await until('the end of all of them', () => pids.every((pid) => !existsSync(`/proc/${pid}`)), 30_000);
      assert.equal(existsSync(place.folder), false);
      assert.deepEqual(
        readdirSync('/run/netns').filter((name) => name.startsWith(`${place.prefix}-`)),
        [],
      );
      assert.deepEqual(cgroupsOf(place), []);
      assert.equal((await attempt(command('status'))).status, 1);
    } finally {
      await run(command('down'), { timeoutMs: UP_TIMEOUT_MS });
    }
  },
);

test('the first cluster did not notice', { skip }, async () => {
  const status = [process.execPath, CLUSTER, 'status'];
  assert.equal((await attempt(['env', `EVERMOUNT_CLUSTER_FOLDER=${first.folder}`, ...status])).status, 0);
});

function cgroupsOf(place: Place): string[] {
  const root = '/sys/fs/cgroup';
  return readdirSync(root)
    .flatMap((name) => [name, ...foldersIn(join(root, name)).map((inner) => join(name, inner))])
    .filter((path) => path.includes(place.prefix));
}

function foldersIn(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}
