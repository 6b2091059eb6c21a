// A session memory whose header was damaged at random is refused, or can be used: nobody hangs or crashes over it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('./memory-damage-worker.ts', import.meta.url));
const ROUNDS = 150;
const DEADLINE_MS = 30_000;

test('random damage of header words is refused by a typed error or does no harm', (context) => {
  const seed = String(Date.now() % 2 ** 31);
  context.diagnostic(`seed ${seed}`);
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [WORKER, seed, String(ROUNDS)], {
    encoding: 'utf8',
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
  });
  const last = stdout.trim().split('\n').slice(-1).join('');
  assert.deepEqual({ status, signal }, { status: 0, signal: null }, `seed ${seed}, at ${last}:\n${stderr}`);
  const refused = Number(/^refused (\d+)$/.exec(last)?.[1]);
  assert.ok(refused > 0 && refused < ROUNDS, `${refused} of ${ROUNDS} were refused`);
});
