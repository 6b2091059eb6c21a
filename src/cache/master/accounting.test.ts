import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { createLogger } from '../../base/index.ts';
import type { TransferCounts } from '../rpc/index.ts';
import { Accounting } from './accounting.ts';

const folder = mkdtempSync(join(tmpdir(), 'evermount-accounting-'));
test.after(() => rmSync(folder, { recursive: true }));

function open(name: string, lines: string[] = []): Accounting {
  return new Accounting({ path: join(folder, name), reportersMax: 2 }, createLogger({ write: (it) => lines.push(it) }));
}

function counts(localHitBytes: number, remoteHitBytes: number, missBytes: number): TransferCounts {
  return { localHitBytes, remoteHitBytes, missBytes };
}

test('what each tells of itself counts once', () => {
  const it = open('once');
  it.told('w1', counts(0, 50, 10));
  it.told('w1', counts(0, 60, 10));
  it.told('c1', counts(30, 0, 0));
  assert.deepEqual(it.total, counts(30, 60, 10));
  assert.deepEqual(it.ratios(), { cacheHitRatio: 0.9, localHitRatio: 0.3, remoteHitRatio: 0.6 });
});

test('there are no ratios before anything was read', () => {
  assert.deepEqual(open('none').ratios(), {
    cacheHitRatio: undefined,
    localHitRatio: undefined,
    remoteHitRatio: undefined,
  });
});

test('a restarted master counts nothing twice', () => {
  const before = open('restart');
  before.told('w1', counts(0, 50, 10));
  before.save();
  before.told('w1', counts(0, 55, 10)); // never written
  const after = open('restart');
  assert.deepEqual(after.total, counts(0, 50, 10));
  after.told('w1', counts(0, 70, 10));
  assert.deepEqual(after.total, counts(0, 70, 10));
});

test('a damaged file is only figures: they start anew, and that is said', () => {
  writeFileSync(join(folder, 'damaged'), '{');
  const lines: string[] = [];
  assert.deepEqual(open('damaged', lines).total, counts(0, 0, 0));
  assert.match(lines.join(''), /accounting starts anew/);
});
