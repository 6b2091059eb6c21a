// SIGKILL during random namespace operations: what a namespace knows afterwards is what it had answered, or what the storage
// made of it since; no more and no less: the same number and version for every path, and no number ever for another path.
//
// KILLS and OPERATIONS (per process; the kill comes somewhere within them) make it longer.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createLogger } from '../../src/base/index.ts';
import { openNamespace } from '../../src/cache/namespace/index.ts';
import { MemoryUfs } from '../support/memory-ufs.ts';
import { findKnown, KillModel, parseLog, type KillLine } from '../support/namespace-kill-log.ts';

const KILLS = Number(process.env['KILLS'] ?? 10);
const OPERATIONS = Number(process.env['OPERATIONS'] ?? 1_000);
const PRINT_EVERY = 50;
const WORKER = join(import.meta.dirname, 'namespace-kill-worker.ts');

test(`what a namespace answered survives ${KILLS} kills`, { timeout: 60_000 + KILLS * 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evermount-namespace-kill-'));
  const [log, storage, meta] = [join(folder, 'log'), join(folder, 'storage'), join(folder, 'meta')];
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 30));
  console.log(`SEED=${seed}`);
  const model = new KillModel(new MemoryUfs());
  let killed = 0;
  let answers = 0;
  let compared = 0;
  try {
    for (let round = 0; round < KILLS; round++) {
      writeFileSync(log, '');
      writeFileSync(storage, stored(model));
      const random = (Math.imul(seed + round, 2654435761) >>> 0) / 2 ** 32;
      if (await runAndKill([meta, log, storage, String(seed + round), String(OPERATIONS)], random)) killed += 1;
      const lines = parseLog(readFileSync(log, 'utf8'));
      for (const line of lines) await model.take(line);
      answers += lines.filter(({ say }) => say === 'entry' || say === 'absent').length;
      compared += await compare(meta, model);
    }
    console.log(`${killed} kills, ${answers} answers acknowledged, ${compared} states compared, 0 differences`);
    assert.ok(killed > KILLS / 2 && compared > KILLS * 10);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** True when the kill came before the end. */
async function runAndKill(args: readonly string[], random: number): Promise<boolean> {
  const child = spawn(process.execPath, [WORKER, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  const wanted = Math.floor((random * OPERATIONS) / PRINT_EVERY);
  let printed = 0;
  const reached = new Promise<void>((resolve) => {
    child.stdout.on('data', (letters: Buffer) => {
      printed += letters.length;
      if (printed > wanted) resolve();
    });
  });
  await Promise.race([exit, reached]);
  await Promise.race([exit, pause((random * 7919) % 15, undefined, { ref: false })]);
  child.kill('SIGKILL');
  const [status] = (await exit) as [number | null];
  assert.ok(status === null || status === 0, `the worker failed with status ${String(status)}`);
  return status === null;
}

/** The storage as lines of a log. */
function stored({ ufs }: KillModel): string {
  const lines = ufs.files().map(({ path, sizeBytes, version }): KillLine => {
    return { say: 'put', path, size: sizeBytes, version };
  });
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

async function compare(meta: string, model: KillModel): Promise<number> {
  const namespace = await openNamespace(
    { folder: meta, refresh: { policy: 'never' } },
    { ufs: new MemoryUfs(), logger: createLogger({ write: () => {} }) },
  );
  let compared = 0;
  try {
    for (const [path, answer] of model.answered) {
      const entry = findKnown(namespace, path);
      // A name of which only was said that it is not there need not be written down.
      if (entry === undefined && answer.ino === undefined) continue;
      model.check(path, entry);
      if (entry !== undefined) assert.equal(namespace.pathOf(entry.ino).toString(), path);
      compared += 1;
    }
    const numbers = new Set<number>();
    for (const path of model.paths()) {
      const entry = findKnown(namespace, path);
      if (entry === undefined) continue;
      assert.ok(!numbers.has(entry.ino), `the number of ${path} is also another one's`);
      numbers.add(entry.ino);
      model.check(path, entry);
    }
  } finally {
    await namespace.close();
  }
  return compared;
}
