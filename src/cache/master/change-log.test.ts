import assert from 'node:assert/strict';
import test from 'node:test';
import type { WorkerInfo } from '../rpc/index.ts';
import type { FeedPlace, NameChange } from '../rpc/master/index.ts';
import { ChangeLog } from './change-log.ts';

const WORKERS: WorkerInfo[] = [{ id: 'w-0', address: '127.0.0.1:1', usedBytes: 0, quotaBytes: 1 }];
const NO_SIGNAL = new AbortController().signal;

function changed(...paths: string[]): NameChange[] {
  return paths.map((path) => ({ path: Buffer.from(path), what: 'changed' }));
}

function open(eventsMax = 8, answerMax = 100): { log: ChangeLog; at: (seq: number) => FeedPlace } {
  const log = new ChangeLog({ eventsMax, answerMax }, () => WORKERS);
  return { log, at: (seq) => ({ epoch: log.epoch, seq }) };
}

test('a follower is told what came after its place', async () => {
  const { log, at } = open();
  log.namesChanged(changed('a', 'b'));
  log.namesChanged(changed('c'));
  const answer = await log.after(at(1), 0, NO_SIGNAL);
  assert.deepEqual(answer, { ...at(3), resync: false, changes: changed('b', 'c'), workers: undefined });
});

test('a follower waits while there is nothing to tell', async () => {
  const { log, at } = open();
  const answer = log.after(at(0), 60_000, NO_SIGNAL);
  assert.equal(log.followers, 1);
  log.namesChanged(changed('a'));
  assert.deepEqual((await answer).changes, changed('a'));
  assert.equal(log.followers, 0);
});

test('a follower that waits in vain, or leaves, is answered with nothing', async () => {
  const { log, at } = open();
  assert.deepEqual((await log.after(at(0), 1, NO_SIGNAL)).changes, []);
  const stop = new AbortController();
  const left = log.after(at(0), 60_000, stop.signal);
  stop.abort();
  assert.deepEqual((await left).changes, []);
  assert.equal(log.followers, 0);
});

test('changed workers are told as a whole', async () => {
  const { log, at } = open();
  log.workersChanged();
  assert.deepEqual((await log.after(at(0), 0, NO_SIGNAL)).workers, WORKERS);
});

test('whoever comes from another life, from the future or too late is told to resync', async () => {
  const { log, at } = open(4);
  log.namesChanged(changed('a', 'b', 'c', 'd', 'e'));
  for (const place of [{ epoch: 'another', seq: 5 }, at(6), at(0)]) {
    const answer = await log.after(place, 0, NO_SIGNAL);
    assert.deepEqual(answer, { ...at(5), resync: true, changes: [], workers: WORKERS });
  }
  assert.deepEqual((await log.after(at(1), 0, NO_SIGNAL)).changes, changed('b', 'c', 'd', 'e'), 'all that is kept');
});

test('a follower that is overrun while it waits for its turn is told to resync', async () => {
  const { log, at } = open(4);
  const answer = log.after(at(0), 60_000, NO_SIGNAL);
  log.namesChanged(changed('a', 'b', 'c', 'd', 'e'));
  assert.equal((await answer).resync, true);
});

test('many changes are told in several answers', async () => {
  const { log, at } = open(8, 2);
  log.namesChanged(changed('a', 'b', 'c'));
  const first = await log.after(at(0), 0, NO_SIGNAL);
  assert.deepEqual(first.changes, changed('a', 'b'));
  assert.deepEqual((await log.after(first, 0, NO_SIGNAL)).changes, changed('c'));
});

test('after everything was forgotten each follower resyncs, once', async () => {
  const { log, at } = open();
  log.namesChanged(changed('a'));
  log.forgetAll();
  const answer = await log.after(at(1), 0, NO_SIGNAL);
  assert.equal(answer.resync, true);
  log.namesChanged(changed('b'));
  assert.deepEqual((await log.after(answer, 0, NO_SIGNAL)).changes, changed('b'));
});
