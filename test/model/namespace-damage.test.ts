// A damaged database is refused with a reason, or was damaged where nothing is kept and is read right; never does it end
// the process, and never does it answer other names than were written. RUNS makes it longer.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createLogger } from '../../src/base/index.ts';
import { NamespaceError, openNamespace, ROOT_INO } from '../../src/cache/namespace/index.ts';
import { MemoryUfs } from '../support/memory-ufs.ts';

const RUNS = Number(process.env['RUNS'] ?? 8);
const WORKER = join(import.meta.dirname, 'namespace-damage-worker.ts');
const FOLDERS = 20;
const FILES = 100;
const logger = createLogger({ write: () => {} });

const work = mkdtempSync(join(tmpdir(), 'evermount-namespace-damage-'));
const good = join(work, 'good');
let data: Buffer;

before(async () => {
  const ufs = new MemoryUfs();
  for (let i = 0; i < FOLDERS * FILES; i++) ufs.put(`folder-${i % FOLDERS}/file-${i}`, i);
  const namespace = await openNamespace({ folder: good, refresh: { policy: 'never' } }, { ufs, logger });
  namespace.begin();
  await namespace.refresh(ROOT_INO, true);
  await namespace.close();
  data = readFileSync(join(good, 'namespace/data.mdb'));
});

after(() => rmSync(work, { recursive: true, force: true }));

/** What a process of its own says of the database with this data file. */
function judge(bytes: Buffer): string {
  const folder = join(work, 'bad');
  rmSync(folder, { recursive: true, force: true });
  cpSync(good, folder, { recursive: true });
  writeFileSync(join(folder, 'namespace/data.mdb'), bytes);
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [WORKER, folder], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  assert.equal(signal, null, `ended by ${String(signal)}`);
  assert.equal(status, 0, stderr);
  assert.deepEqual(readFileSync(join(folder, 'namespace/data.mdb')), bytes, 'a refused database was written to');
  return stdout.trim();
}

test('a whole copy is read at another place', () => {
  assert.equal(judge(data), `fine ${FOLDERS * FILES}`);
});

test('random bytes anywhere are refused or of no consequence', () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`SEED=${seed}, ${data.length} bytes`);
  let state = seed | 1;
  const below = (limit: number): number => {
    state = Math.imul(state, 1664525) + 1013904223;
    return Math.floor(((state >>> 0) / 2 ** 32) * limit);
  };
  const seen = new Map<string, number>();
  for (let run = 0; run < RUNS; run++) {
    const bytes = Buffer.from(data);
    const from = below(bytes.length);
    const length = [1, 8, 512, 4096][run % 4] ?? 1;
    for (let i = from; i < Math.min(from + length, bytes.length); i++) bytes[i] = (bytes[i] ?? 0) ^ (1 + below(255));
    const said = judge(bytes);
    assert.match(
      said,
      new RegExp(`^(damaged|foreign|newer-format|fine ${FOLDERS * FILES})$`),
      `at ${from}, ${length} bytes`,
    );
    seen.set(said, (seen.get(said) ?? 0) + 1);
  }
  console.log(Object.fromEntries(seen));
});

test('a file that was cut, emptied, zeroed or is something else is refused', () => {
  assert.equal(judge(data.subarray(0, data.length - 4096 * 3)), 'damaged');
  assert.equal(judge(data.subarray(0, 5000)), 'damaged');
  assert.equal(judge(Buffer.alloc(0)), 'damaged');
  assert.equal(judge(Buffer.alloc(data.length)), 'damaged');
  assert.equal(judge(Buffer.from('#!/bin/sh\n'.repeat(2000))), 'damaged');
});

test('a flipped byte in a name is refused', () => {
  const at = data.indexOf('file-7\u0000') === -1 ? data.indexOf('file-77') : data.indexOf('file-7');
  const bytes = Buffer.from(data);
  bytes[at] = 0x47;
  assert.match(judge(bytes), /^(damaged|fine 2000)$/);
});

test('the database of another dataset is refused with advice', async () => {
  const ufs = new MemoryUfs({ identity: 'memory://other' });
  await assert.rejects(openNamespace({ folder: good, refresh: { policy: 'never' } }, { ufs, logger }), (err) => {
    assert.ok(err instanceof NamespaceError);
    assert.equal(err.code, 'other-dataset');
    assert.match(err.message, /name another folder, or remove it$/);
    return true;
  });
});
