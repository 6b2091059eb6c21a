// SIGKILL at every named step of a hand-over, in the daemons and in the supervisor: readers notice nothing, the session goes on.
//
// The parts are given the step when the session is made, and die at it once, only after the folder "armed" is there.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { readMountinfo } from '../../src/host/index.ts';
import type { DaemonStep, SupervisorStep } from '../../src/recovery/index.ts';
import { isRunning, makeScratch, mountSource, processesOf, type Scratch, type TestMount } from '../support/mounts.ts';
import { expectFiles, startReader, type Reader } from '../support/readers.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const STEPS = [
  'before-drain',
  'drain-asked',
  'drained',
  'before-serve',
  'after-serve',
  'told-to-serve',
  'fence-taken',
  'serving',
] as const satisfies readonly (DaemonStep | SupervisorStep)[];

const skip = requireFuse();

/** A mount, a reader on it, and the step at which a part of it dies once `arm` was called. */
class Scene implements AsyncDisposable {
  readonly mount: TestMount;
  readonly reader: Reader;
  readonly #scratch: Scratch;

  constructor(mount: TestMount, reader: Reader, scratch: Scratch) {
    this.mount = mount;
    this.reader = reader;
    this.#scratch = scratch;
  }

  arm(): void {
    mkdirSync(this.#scratch.at('armed'));
  }

  hasFired(): boolean {
    return existsSync(this.#scratch.at('armed', 'fired'));
  }

  /** The session serves, readers noticed nothing, and umount leaves nothing. */
  async assertUnharmed(): Promise<void> {
    const { mount, reader } = this;
    const readsBefore = (await reader.counts()).reads;
    await until('reads that go on', async () => (await reader.counts()).reads > readsBefore + 5);
    const counts = await reader.stop();
    assert.deepEqual([counts.errors, counts.wrong], [0, 0], counts.remarks.join('\n'));
    const { status, stderr } = await mount.umount();
    assert.equal(status, 0, stderr);
    assert.deepEqual(
      readMountinfo().filter(({ target }) => target === mount.target),
      [],
    );
    await until('the end of every process', () => processesOf(mount.state).length === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reader[Symbol.asyncDispose]();
    await this.mount[Symbol.asyncDispose]();
    this.#scratch[Symbol.dispose]();
  }
}

async function setScene(step: string, ...options: string[]): Promise<Scene> {
  const scratch = makeScratch();
  const source = scratch.at('files');
  mkdirSync(source);
  for (let i = 0; i < 5; i++) writeFileSync(`${source}/file-${i}`, Buffer.alloc(40_000 + i, `file ${i} `));
  const mount = await mountSource({
    source,
    options: ['--passthrough', 'off', ...options],
    env: { EVERMOUNT_KILL_AT: `handover:${step}@${scratch.at('armed', 'fired')}` },
  });
  const reader = await startReader({ folder: mount.target, files: expectFiles(source), direct: true });
  return new Scene(mount, reader, scratch);
}

suite('hand-overs, killed', { skip }, () => {
  for (const step of STEPS) {
    for (const takeover of ['resend', 'journal']) {
      test(`restart by ${takeover} killed at "${step}": another daemon serves, and readers notice nothing`, async () => {
        await using scene = await setScene(step, '--takeover', takeover);
        const { mount } = scene;
        const before = await mount.pid('daemon');
        scene.arm();
        await mount.run('restart', mount.target);
        await until(`a death at "${step}"`, () => scene.hasFired());
        await mount.untilServing(before);
        const { pids } = await mount.untilServing();
        const again = await mount.run('restart', mount.target);
        assert.equal(again.status, 0, again.stderr);
        assert.notEqual(await mount.pid('daemon'), pids.daemon);
        await scene.assertUnharmed();
      });
    }
  }

  test('SIGTERM to a daemon that dies while it drains: another serves, and readers notice nothing', async () => {
    await using scene = await setScene('drain-asked');
    scene.arm();
    const asked = await scene.mount.kill('daemon', 'SIGTERM');
    await until('a death while it drains', () => scene.hasFired());
    await until('the end of the daemon', () => !isRunning(asked));
    await scene.mount.untilServing(asked);
    await scene.assertUnharmed();
  });

  test('a step whose folder is not there kills nobody', async () => {
    await using scene = await setScene('serving');
    const { pids } = await scene.mount.untilServing();
    const { status, stderr } = await scene.mount.run('restart', scene.mount.target);
    assert.equal(status, 0, stderr);
    await until('the end of the old daemon', () => !isRunning(pids.daemon!));
    assert.equal((await scene.mount.status()).takeovers, 1);
    await scene.assertUnharmed();
  });
});
