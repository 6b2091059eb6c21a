// SIGKILL at any instruction: workers on one session memory are killed at random moments, one after the other. After each the
// tables hold their invariants, and the next worker goes on with them.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createSessionMemory, NodeTable, openSessionMemory } from '../../src/fuse/session/index.ts';

const KILLS = 150;
const PARALLEL_SESSIONS = 2;
const WORK_MS_MAX = 25;
const WORKER = fileURLToPath(new URL('./node-table-worker.ts', import.meta.url));

test(`a session memory stays whole through ${KILLS} kills of whoever works on it`, async () => {
  await Promise.all(
    Array.from({ length: PARALLEL_SESSIONS }, (_, i) => killAgainAndAgain(KILLS / PARALLEL_SESSIONS, i + 1)),
  );
});

async function killAgainAndAgain(kills: number, seed: number): Promise<void> {
  const fd = createSessionMemory('killed');
  after(() => closeSync(fd));
  let lived = 0;
  for (let kill = 0; kill < kills; kill++) {
    const child = spawn(process.execPath, [WORKER, String(seed * 1_000 + kill)], {
      stdio: ['ignore', 'pipe', 'pipe', fd],
    });
    let printed = '';
    child.stderr!.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    const ended = new Promise<string>((resolve) =>
      child.on('exit', (status, signal) => resolve(signal ?? `status ${status}`)),
    );
    const verified = new Promise<true>((resolve) => child.stdout!.once('data', () => resolve(true)));
    assert.equal(
      await Promise.race([verified, ended]),
      true,
      `worker ${kill}, seed ${seed}, found damage:\n${printed}`,
    );
    await sleep(Math.random() * WORK_MS_MAX);
    child.kill('SIGKILL');
    assert.equal(await ended, 'SIGKILL', printed);
    const memory = openSessionMemory(fd);
    lived += new NodeTable(memory).verify().live;
    memory.mapped.close();
  }
  assert.ok(lived > 0, 'no worker ever did anything');
}
