// SIGKILL at any instruction: workers filling one store are killed at random moments, one after the other. After each, every
// block that is there is right, nothing counts as damaged, and after a scan nothing is left that no one knows of.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BLOCK_BYTES } from '../../src/cache/blocks/index.ts';
import { blockContent, segmentInfo } from '../support/block-content.ts';
import { OBJECTS, openKillStore, sizeOf } from './block-store-worker.ts';

const KILLS = 40;
const WORK_MS_MAX = 60;
const WORKER = fileURLToPath(new URL('./block-store-worker.ts', import.meta.url));

const path = mkdtempSync(join(tmpdir(), 'evermount-blocks-kill-'));
after(() => rmSync(path, { recursive: true }));

test(`every block that is there after each of ${KILLS} kills is right`, async () => {
  let blocks = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    await workAndDie(kill);
    blocks += await verify(kill);
  }
  assert.ok(blocks > 5 * KILLS, `only ${blocks} blocks were ever there`);
});

async function workAndDie(seed: number): Promise<void> {
  const child = spawn(process.execPath, [WORKER, path, String(seed)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const ended = new Promise<string>((resolve) =>
    child.on('exit', (status, signal) => resolve(signal ?? `status ${status}`)),
  );
  const begun = new Promise<true>((resolve) => child.stdout.once('data', () => resolve(true)));
  assert.equal(await Promise.race([begun, ended]), true, printed);
  await sleep(Math.random() * WORK_MS_MAX);
  child.kill('SIGKILL');
  assert.equal(await ended, 'SIGKILL', printed);
}

async function verify(kill: number): Promise<number> {
  const store = openKillStore(path);
  let there = 0;
  for (let object = 0; object < OBJECTS; object++) {
    const segment = store.find(segmentInfo(object, sizeOf(object)));
    if (segment === undefined) continue;
    for (let block = 0; block * BLOCK_BYTES < segment.sizeBytes; block++) {
      if (!segment.has(block)) continue;
      const expected = blockContent(segment.info, block);
      const got = Buffer.alloc(expected.length);
      assert.equal(
        await segment.read(block * BLOCK_BYTES, got),
        got.length,
        `kill ${kill}, object ${object}, ${block}`,
      );
      assert.ok(got.equals(expected), `kill ${kill}, object ${object}, block ${block} is wrong`);
      there++;
    }
    segment.close();
  }
  await store.counted();
  const usage = store.usage();
  assert.equal(usage.damagedBlocks, 0, `kill ${kill}`);
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
  assert.deepEqual(
    names.filter((name) => /[.](new|gone)$/.test(name)),
    [],
    `kill ${kill}`,
  );
  assert.equal(names.filter((name) => /-0([.]sum)?$/.test(name)).length, usage.segments, `kill ${kill}`);
  await store.close();
  return there;
}
