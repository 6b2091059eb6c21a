// Processes that are there and do nothing (SIGSTOP), that are asked to go (SIGTERM), and planned hand-overs under load.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { isRunning, makeScratch, mountSource, type Part } from '../support/mounts.ts';
import { expectFiles, startReader } from '../support/readers.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const skip = requireFuse();
const OPTIONS = ['--hang-timeout', '1s', '--passthrough', 'off'];

function writeFiles(folder: string): void {
  mkdirSync(folder);
  for (let i = 0; i < 5; i++) writeFileSync(`${folder}/file-${i}`, Buffer.alloc(50_000 + i, `file ${i} `));
}

suite('stopped processes', { skip }, () => {
  for (const part of ['daemon', 'standby', 'vault', 'supervisor'] as const satisfies readonly Part[]) {
    test(`a ${part} that is stopped is killed and replaced, and readers only wait`, async () => {
      using sources = makeScratch();
      writeFiles(sources.at('files'));
      await using mount = await mountSource({ source: sources.at('files'), options: [...OPTIONS, '--standby', 'on'] });
      await mount.pid('standby');
      const files = expectFiles(sources.at('files'));
      await using reader = await startReader({ folder: mount.target, files, direct: true });
      const stopped = await mount.kill(part, 'SIGSTOP');
      await until(`the end of the stopped ${part}`, () => !isRunning(stopped));
      await until(`another ${part}`, async () => {
        const { state, pids } = await mount.status();
        return state === 'serving' && pids[part] !== undefined && pids[part] !== stopped;
      });
      const counts = await reader.stop();
      assert.deepEqual([counts.errors, counts.wrong], [0, 0], counts.remarks.join('\n'));
    });
  }
});

suite('planned hand-overs', { skip }, () => {
  test('SIGTERM to the daemon ends in a hand-over: another serves, and the one that was asked is gone', async () => {
    using sources = makeScratch();
    writeFiles(sources.at('files'));
    await using mount = await mountSource({ source: sources.at('files'), options: [...OPTIONS, '--standby', 'off'] });
    await using reader = await startReader({
      folder: mount.target,
      files: expectFiles(sources.at('files')),
      direct: true,
    });
    for (let i = 0; i < 3; i++) {
      const asked = await mount.kill('daemon', 'SIGTERM');
      await mount.untilServing(asked);
      await until('the end of the daemon that was asked to go', () => !isRunning(asked));
    }
    const counts = await reader.stop();
    assert.deepEqual([counts.errors, counts.wrong], [0, 0], counts.remarks.join('\n'));
    assert.doesNotMatch(mount.log(), /leftovers=[1-9]/, 'a request was run twice');
    assert.match(mount.log(), /leftovers=0/);
  });

  test('restart under load runs no request twice', async () => {
    using sources = makeScratch();
    writeFiles(sources.at('files'));
    await using mount = await mountSource({ source: sources.at('files'), options: OPTIONS });
    await using reader = await startReader({
      folder: mount.target,
      files: expectFiles(sources.at('files')),
      direct: true,
    });
    for (let i = 0; i < 5; i++) {
      const before = await mount.pid('daemon');
      const { status, stdout, stderr } = await mount.run('restart', '--json', mount.target);
      assert.equal(status, 0, stderr);
      assert.equal((JSON.parse(stdout) as { requestsRunTwice: number }).requestsRunTwice, 0);
      assert.notEqual(await mount.pid('daemon'), before);
    }
    const counts = await reader.stop();
    assert.deepEqual([counts.errors, counts.wrong], [0, 0], counts.remarks.join('\n'));
  });
});
