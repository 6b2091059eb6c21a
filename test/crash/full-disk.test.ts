// A state folder without a byte or an inode left, while every part of the session dies: it goes on, and readers notice nothing.
import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { evermount, runProgram } from '../support/command-line.ts';
import { makeScratch, processesOf, TestMount, type Part, type Scratch } from '../support/mounts.ts';
import { expectFiles, startReader } from '../support/readers.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const FILES_MAX = 1_000;
const skip = requireFuse({ root: 'mounts a small tmpfs' });

/** A small file system mounted at the folder. */
class SmallDisk implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async mount(folder: string): Promise<SmallDisk> {
    mkdirSync(folder, { mode: 0o700 });
    const options = 'size=256k,nr_inodes=64,mode=0700';
    const { status, stderr } = await runProgram('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
    assert.equal(status, 0, stderr);
    return new SmallDisk(folder);
  }

  /** Takes what space and what inodes are left, and the rest of the last page of every log. */
  fill(): void {
    const big = `${this.#folder}/filled`;
    const logs = readdirSync(this.#folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('/log'),
    );
    for (const path of [big, ...logs.map((log) => `${this.#folder}/${log}`)]) {
      assert.throws(() => {
        for (;;) appendFileSync(path, Buffer.alloc(4096, '\n'));
      }, /ENOSPC/);
    }
    assert.throws(() => {
      for (let i = 0; i < FILES_MAX; i++) writeFileSync(`${big}-${i}`, '');
    }, /ENOSPC/);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runProgram('umount', [this.#folder]);
  }
}

/** The session is lost with its last holder: who takes the place of one must have its descriptors before the other dies. */
async function untilHolds(mount: TestMount, part: Part, than: number): Promise<void> {
  await until(`another ${part} that holds the session`, async () => {
    const pid = await mount.pid(part);
    try {
      return (
        pid !== than &&
        readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === '/dev/fuse')
      );
    } catch {
      return false; // a descriptor or the process went away meanwhile
    }
  });
}

async function mountOn(scratch: Scratch, source: string): Promise<TestMount> {
  const target = scratch.at('target');
  mkdirSync(target);
  const mount = new TestMount(source, target, { ...scratch, [Symbol.dispose]: () => {} });
  const args = ['mount', '--recover-deadline', '20s', '--standby', 'on', '--passthrough', 'off', source, target];
  const { status, stderr } = await evermount(mount.state, args);
  assert.equal(status, 0, stderr);
  return mount;
}

suite('a full disk', { skip }, () => {
  test('daemons, vault and supervisor die and are replaced while nothing can be written; readers notice nothing', async () => {
    using scratch = makeScratch();
    const source = scratch.at('files');
    mkdirSync(source);
    for (let i = 0; i < 3; i++) writeFileSync(`${source}/file-${i}`, Buffer.alloc(20_000 + i, `file ${i} `));
    await using disk = await SmallDisk.mount(scratch.at('state'));
    await using mount = await mountOn(scratch, source);
    await mount.pid('standby');
    await using reader = await startReader({ folder: mount.target, files: expectFiles(source), direct: true });
    disk.fill();
    for (let round = 0; round < 2; round++) {
      await mount.untilServing(await mount.kill('daemon'));
      await untilHolds(mount, 'vault', await mount.kill('vault'));
      await untilHolds(mount, 'supervisor', await mount.kill('supervisor'));
      disk.fill(); // what a part gave back while it was replaced
    }
    const before = (await mount.untilServing()).pids.daemon;
    const restarted = await mount.run('restart', mount.target);
    assert.equal(restarted.status, 0, restarted.stderr);
    assert.notEqual(await mount.pid('daemon'), before);
    const counts = await reader.stop();
    assert.deepEqual([counts.errors, counts.wrong], [0, 0], counts.remarks.join('\n'));
    assert.ok(counts.reads > 0);
    const ended = await mount.umount();
    assert.equal(ended.status, 0, ended.stderr);
    await until('the end of every process', () => processesOf(mount.state).length === 0);
  });
});
