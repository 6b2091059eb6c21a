// One process writes all the while, another opens the same namespace again and again, as a daemon does that stands by: what
// was acknowledged before it opened is what it reads, or what the storage made of it since.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger } from '../../src/base/index.ts';
import { openNamespace } from '../../src/cache/namespace/index.ts';
import { MemoryUfs } from '../support/memory-ufs.ts';
import { findKnown, KillModel, parseLog, type KillLine } from '../support/namespace-kill-log.ts';
import { until } from '../support/wait.ts';

const OPENS = Number(process.env['OPENS'] ?? 50);
const WORKER = join(import.meta.dirname, 'namespace-kill-worker.ts');
const logger = createLogger({ write: () => {} });

test(
  `a namespace opened ${OPENS} times beside one who writes holds what was acknowledged`,
  { timeout: 240_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'evermount-namespace-standby-'));
    const [log, storage, meta] = [join(folder, 'log'), join(folder, 'storage'), join(folder, 'meta')];
    const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 30));
    console.log(`SEED=${seed}`);
    writeFileSync(log, '');
    writeFileSync(storage, '');
    const child = spawn(process.execPath, [WORKER, meta, log, storage, String(seed), '1000000'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exit = once(child, 'exit');
    const openMs: number[] = [];
    let compared = 0;
    try {
      await until('the worker has begun', () => logged(log).length > 200, 20_000);
      for (let open = 0; open < OPENS; open++) {
        assert.equal(child.exitCode, null, 'the worker ended');
        const before = logged(log);
        const model = new KillModel(new MemoryUfs());
        for (const line of before) await model.take(line);
        const begun = performance.now();
        const namespace = await openNamespace(
          { folder: meta, refresh: { policy: 'never' } },
          { ufs: model.ufs, logger },
        );
        openMs.push(performance.now() - begun);
        const found = [...model.answered.keys()].map((path) => ({ path, entry: findKnown(namespace, path) }));
        await namespace.close();
        for (const line of logged(log).slice(before.length)) {
          if (line.say === 'put' || line.say === 'remove') await model.take(line);
        }
        for (const { path, entry } of found) {
          if (entry === undefined && model.answered.get(path)?.ino === undefined) continue;
          model.check(path, entry);
          compared += 1;
        }
      }
    } finally {
      child.kill('SIGKILL');
      await exit;
      rmSync(folder, { recursive: true, force: true });
    }
    openMs.sort((a, b) => a - b);
    console.log(`${compared} states compared, 0 differences; opened in ${openMs[OPENS >> 1]?.toFixed(1)} ms (median)`);
  },
);

function logged(log: string): KillLine[] {
  return parseLog(readFileSync(log, 'utf8'));
}
