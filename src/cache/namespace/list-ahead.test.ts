import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../base/index.ts';
import { ListAhead } from './list-ahead.ts';

const logger = createLogger({ write: () => {} });

function setUp(list: () => Promise<void> = () => Promise.resolve()): {
  ahead: ListAhead;
  listed: number[];
  clock: { nowMs: number };
} {
  const listed: number[] = [];
  const clock = { nowMs: 1_000_000 };
  const ahead = new ListAhead({
    list: (folder) => {
      listed.push(folder);
      return list();
    },
    nowMs: () => clock.nowMs,
    logger,
  });
  return { ahead, listed, clock };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('onLookup() lists a folder at the third lookup in it, and not again soon', async () => {
  const { ahead, listed, clock } = setUp();
  ahead.onLookup(7);
  ahead.onLookup(8);
  ahead.onLookup(7);
  assert.deepEqual(listed, []);
  ahead.onLookup(7);
  ahead.onLookup(7);
  assert.deepEqual(listed, [7]);
  await settled();
  for (let i = 0; i < 10; i++) ahead.onLookup(7);
  assert.deepEqual(listed, [7]);
  clock.nowMs += 60_001;
  for (let i = 0; i < 3; i++) ahead.onLookup(7);
  assert.deepEqual(listed, [7, 7]);
});

test('onLookup() does not list for lookups that lie far apart', () => {
  const { ahead, listed, clock } = setUp();
  for (let i = 0; i < 10; i++) {
    ahead.onLookup(7);
    clock.nowMs += 10_000;
  }
  assert.deepEqual(listed, []);
});

test('onLookup() lists two folders at a time, and others later', async () => {
  const ends: (() => void)[] = [];
  const { ahead, listed } = setUp(() => new Promise((resolve) => ends.push(resolve)));
  for (const folder of [1, 2, 3]) for (let i = 0; i < 3; i++) ahead.onLookup(folder);
  assert.deepEqual(listed, [1, 2]);
  ends[0]?.();
  await settled();
  ahead.onLookup(3);
  assert.deepEqual(listed, [1, 2, 3]);
});

test('a folder that cannot be listed harms nobody, and close() waits for what is under way', async () => {
  const { ahead, listed } = setUp(() => Promise.reject(new Error('gone')));
  for (let i = 0; i < 5; i++) ahead.onLookup(7);
  await ahead.close();
  assert.deepEqual(listed, [7]);
});
