// SIGKILL at every named step of mount, umount and restart: the next command recovers or cleans up, nothing is left over.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { suite, test } from 'node:test';
import { readMountinfo, runProgram as runWithDeadline } from '../../src/host/index.ts';
import type { MountStep } from '../../src/recovery/index.ts';
import { evermount, runProgram } from '../support/command-line.ts';
import { clearMount, makeScratch, mountSource, processesOf } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const MOUNT_STEPS = [
  'locked',
  'looked',
  'folder-made',
  'kernel-mounted',
  'init-answered',
  'memory-made',
  'record-written',
  'vault-started',
  'serving',
] as const satisfies readonly MountStep[];

/** From here on the session lives by itself. */
const LIVES_ON: readonly MountStep[] = ['vault-started', 'serving'];

const BUSY = 4;
const skip = requireFuse();

async function assertNothingLeft(target: string, state: string): Promise<void> {
  assert.deepEqual(
    readMountinfo().filter((mount) => mount.target === target),
    [],
  );
  await until(`the end of the processes of ${state}`, () => processesOf(state).length === 0);
}

async function assertServes(target: string): Promise<void> {
  const { stdout } = await runProgram('cat', ['--', `${target}/dummy-file.txt`], { timeoutMs: 20_000 });
  assert.equal(stdout, 'Hello, world!');
}

suite('mount, killed', { skip }, () => {
  for (const step of MOUNT_STEPS) {
    test(`mount killed at "${step}": another mount serves, one mount stands, and umount leaves nothing`, async () => {
      using scratch = makeScratch();
      const [state, target] = [scratch.at('state'), scratch.at('target')];
      mkdirSync(target);
      try {
        const killed = await evermount(state, ['mount', 'dummy:', target], {
          env: { EVERMOUNT_KILL_AT: `mount:${step}` },
        });
        assert.equal(killed.status, -1, killed.stderr);
        if (LIVES_ON.includes(step)) await assertServes(target);
        const again = await evermount(state, ['mount', 'dummy:', target]);
        assert.equal(again.status, LIVES_ON.includes(step) ? BUSY : 0, again.stderr);
        await assertServes(target);
        assert.equal(readMountinfo().filter((mount) => mount.target === target).length, 1);
        assert.equal((await evermount(state, ['umount', target])).status, 0);
        await assertNothingLeft(target, state);
      } finally {
        await clearMount(target, state);
      }
    });

    test(`mount killed at "${step}": umount leaves nothing`, async () => {
      using scratch = makeScratch();
      const [state, target] = [scratch.at('state'), scratch.at('target')];
      mkdirSync(target);
      try {
        await evermount(state, ['mount', 'dummy:', target], { env: { EVERMOUNT_KILL_AT: `mount:${step}` } });
        await evermount(state, ['umount', target]);
        await assertNothingLeft(target, state);
      } finally {
        await clearMount(target, state);
      }
    });
  }

  test('mount finds a dead mount again by another spelling of its path, and does not stack a second one', async () => {
    using scratch = makeScratch();
    const [state, target] = [scratch.at('state'), scratch.at('target')];
    mkdirSync(target);
    try {
      await evermount(state, ['mount', 'dummy:', target], { env: { EVERMOUNT_KILL_AT: 'mount:init-answered' } });
      const odd = `${dirname(target)}/./${basename(target)}/`;
      const again = await evermount(state, ['mount', 'dummy:', odd]);
      assert.equal(again.status, 0, again.stderr);
      await assertServes(target);
      assert.equal(readMountinfo().filter((mount) => mount.target === target).length, 1);
      assert.equal((await evermount(state, ['umount', target])).status, 0);
      await assertNothingLeft(target, state);
    } finally {
      await clearMount(target, state);
    }
  });
});

suite('umount, killed', { skip }, () => {
  for (const step of ['found', 'unmounted']) {
    test(`umount killed at "${step}": another umount finishes it`, async () => {
      await using mount = await mountSource({ source: 'dummy:' });
      const killed = await evermount(mount.state, ['umount', mount.target], {
        env: { EVERMOUNT_KILL_AT: `umount:${step}` },
      });
      assert.equal(killed.status, -1, killed.stderr);
      if (step === 'found') await assertServes(mount.target);
      await mount.umount();
      await assertNothingLeft(mount.target, mount.state);
    });
  }
});

suite('restart, killed', { skip }, () => {
  for (const step of ['record-written', 'asked']) {
    test(`restart killed at "${step}": the mount serves on, and another restart brings what was asked for`, async () => {
      await using mount = await mountSource({ source: 'dummy:', options: ['--standby', 'off'] });
      const args = ['restart', '--standby', 'on', mount.target];
      const killed = await evermount(mount.state, args, { env: { EVERMOUNT_KILL_AT: `restart:${step}` } });
      assert.equal(killed.status, -1, killed.stderr);
      await assertServes(mount.target);
      const again = await evermount(mount.state, args);
      assert.equal(again.status, 0, again.stderr);
      await until('the standby that was asked for', async () => (await mount.status()).pids.standby);
      assert.equal((await mount.umount()).status, 0);
      await assertNothingLeft(mount.target, mount.state);
    });
  }
});

test('tools that look at a mount whose mounter was killed get an answer', { skip }, async () => {
  using scratch = makeScratch();
  const [state, target] = [scratch.at('state'), scratch.at('target')];
  mkdirSync(target);
  try {
    await evermount(state, ['mount', 'dummy:', target], { env: { EVERMOUNT_KILL_AT: 'mount:kernel-mounted' } });
    assert.notEqual((await runWithDeadline('stat', [target], 5_000)).status, 0);
    assert.ok(readFileSync('/proc/self/mountinfo', 'utf8').includes(target));
    assert.equal((await evermount(state, ['umount', target])).status, 0);
    await assertNothingLeft(target, state);
  } finally {
    await clearMount(target, state);
  }
});
