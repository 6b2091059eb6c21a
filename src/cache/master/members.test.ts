import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { createLogger } from '../../base/index.ts';
import type { WorkerReport } from '../rpc/index.ts';
import { Members } from './members.ts';

const folder = mkdtempSync(join(tmpdir(), 'evermount-members-'));
test.after(() => rmSync(folder, { recursive: true }));
let files = 0;

interface World {
  path: string;
  nowMs: number;
  changes: number;
}

function world(): World {
  files += 1;
  return { path: join(folder, `workers-${files}.json`), nowMs: 1000, changes: 0 };
}

function open(it: World): Members {
  return new Members(
    { path: it.path, leaseMs: 10_000, workersMax: 3 },
    { log: createLogger({ write: () => {} }), nowMs: () => it.nowMs, changed: () => (it.changes += 1) },
  );
}

function report(id: string, instance = 'i1', address = `${id}:1`): WorkerReport {
  const counts = { localHitBytes: 0, remoteHitBytes: 0, missBytes: 0 };
  return { id, instance, address, usedBytes: 5, quotaBytes: 10, counts };
}

const ids = (members: Members): string[] => members.list().map((it) => it.id);

test('a worker is listed from its first report until it was not heard of for a lease', () => {
  const it = world();
  const members = open(it);
  assert.deepEqual(members.heard(report('b')), { accepted: true, leaseMs: 10_000 });
  members.heard(report('a'));
  assert.deepEqual(ids(members), ['a', 'b']);
  it.nowMs += 9999;
  members.heard(report('a'));
  it.nowMs += 1;
  members.expire();
  assert.deepEqual(ids(members), ['a']);
  assert.equal(it.changes, 3, 'two came, one left, a report alone is no change');
});

test('a second live process under one id is refused, and taken once the first is gone', () => {
  const it = world();
  const members = open(it);
  members.heard(report('a', 'i1', 'one:1'));
  assert.deepEqual(members.heard(report('a', 'i2', 'two:1')), { accepted: false, heldBy: 'i1' });
  assert.equal(members.list()[0]?.address, 'one:1');
  it.nowMs += 10_000;
  assert.equal(members.heard(report('a', 'i2', 'two:1')).accepted, true);
  assert.equal(members.list()[0]?.address, 'two:1');
});

test('a worker that was restarted at its address is taken at once', () => {
  const it = world();
  const members = open(it);
  members.heard(report('a', 'i1', 'one:1'));
  assert.equal(members.heard(report('a', 'i2', 'one:1')).accepted, true);
  assert.equal(it.changes, 1, 'nobody needs to know');
});

test('a master that was restarted answers with the workers it knew, for a lease', () => {
  const it = world();
  open(it).heard(report('a'));
  it.nowMs += 60_000;
  const members = open(it);
  assert.deepEqual(ids(members), ['a']);
  assert.equal(members.heard(report('a', 'i9', 'elsewhere:1')).accepted, true, 'nobody is known to hold the id');
  it.nowMs += 10_000;
  members.expire();
  assert.deepEqual(ids(members), []);
  assert.deepEqual(ids(open(it)), [], 'nor does the next master know it');
});

test('more workers than agreed are refused', () => {
  const members = open(world());
  for (const id of ['a', 'b', 'c']) members.heard(report(id));
  assert.throws(() => members.heard(report('d')), { code: 'too-many' });
  assert.equal(members.heard(report('a')).accepted, true);
});

test('a list that is damaged is refused with advice', () => {
  const it = world();
  writeFileSync(it.path, '[{"id":');
  assert.throws(() => open(it), { code: 'damaged' });
});
