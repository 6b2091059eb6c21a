// A reader may be killed while it waits for a daemon that does not answer.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { mountSource } from '../support/mounts.ts';
import { statusOf } from '../support/processes.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { until, within } from '../support/wait.ts';

const skip = requireFuse();

for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends a reader that waits for a stopped daemon, and the mount goes on`, { skip }, async () => {
    await using mount = await mountSource({ options: ['--hang-timeout', '5m', '--standby', 'off'] });
    writeFileSync(join(mount.source, 'file'), 'content');
    const daemon = await mount.kill('daemon', 'SIGSTOP');
    const reader = spawn('cat', [mount.at('file')], { stdio: 'ignore' });
    const ended = statusOf(reader);
    // Asleep in the kernel, in the same place for a while: it waits for the answer.
    await until('the reader to wait', async () => {
      const waits = (): boolean => /\) [SD] /.test(readFileSync(`/proc/${reader.pid as number}/stat`, 'utf8'));
      if (!waits()) return false;
      await sleep(30);
      return waits();
    });
    reader.kill(signal);
    assert.equal((await within(5_000, 'the end of the reader', ended)).signal, signal);
    process.kill(daemon, 'SIGCONT');
    assert.equal(readFileSync(mount.at('file'), 'utf8'), 'content');
  });
}
