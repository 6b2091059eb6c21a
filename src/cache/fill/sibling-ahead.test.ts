import assert from 'node:assert/strict';
import test from 'node:test';
import { createLogger } from '../../base/index.ts';
import { SiblingAhead, type SiblingAheadConfig } from './sibling-ahead.ts';

const nameOf = (index: number): Buffer => Buffer.from(`f${String(index).padStart(6, '0')}`);
const indexOf = (name: Buffer): number => Number(name.toString().slice(1));

type Setup = { count?: number; sizeBytes?: number; isLate?: boolean; config?: SiblingAheadConfig };

/** A folder of `count` files; `fetched` are the indexes of those that were fetched ahead, in order. */
function setup({ count = 1000, sizeBytes = 16_384, isLate = false, config = {} }: Setup = {}) {
  const fetched: number[] = [];
  let asked = 0;
  const ahead = new SiblingAhead(config, {
    next: (_folder, name, max) => {
      asked++;
      const from = Math.ceil(indexOf(name) + 1);
      const siblings = Array.from({ length: Math.max(0, Math.min(max, count - from)) }, (_, i) => ({
        name: nameOf(from + i),
        sizeBytes,
      }));
      return isLate ? Promise.resolve(siblings) : siblings;
    },
    fetch: (_folder, { name }) => void fetched.push(indexOf(name)),
    log: createLogger({ write: () => {} }),
  });
  return { ahead, fetched, open: (index: number) => ahead.onOpen(7, nameOf(index)), asks: () => asked };
}

test('Files read in the order of names are fetched ahead from the third on, each once, up to filesMax ahead', () => {
  const { open, fetched, asks } = setup();
  for (let i = 0; i < 1000; i++) {
    open(i);
    assert.ok(fetched.length <= i + 1 + 32);
    if (i >= 3) assert.ok(fetched.includes(i), `${i} was fetched before it was opened`);
    if (i === 500) assert.ok(fetched.length >= 516);
  }
  assert.deepEqual(
    fetched,
    Array.from({ length: 997 }, (_, i) => i + 3),
  );
  assert.ok(asks() < 100);
});

test('Files read in random order are left alone but for a few', () => {
  const { open, fetched } = setup();
  for (let i = 0; i < 1000; i++) open((i * 619) % 1000);
  assert.ok(fetched.length <= 40, `${fetched.length}`);
});

test('Files read in falling order are left alone', () => {
  const { open, fetched } = setup();
  for (let i = 999; i >= 0; i--) open(i);
  assert.deepEqual(fetched, []);
});

test('Four readers side by side are one run', () => {
  const { open, fetched } = setup();
  for (let i = 0; i < 1000; i += 4) for (const j of [2, 0, 3, 1]) open(i + j);
  assert.ok(fetched.length > 950, `${fetched.length}`);
  assert.equal(new Set(fetched).size, fetched.length);
});

test('Files that are passed over do not stop the run', () => {
  const { open, fetched } = setup();
  for (let i = 0; i < 1000; i += 3) open(i);
  assert.ok(fetched.length > 900, `${fetched.length}`);
  assert.equal(new Set(fetched).size, fetched.length);
});

test('The run ends when other files are opened, and begins again where they are', () => {
  const { open, fetched } = setup({ count: 100_000 });
  for (let i = 0; i < 50; i++) open(i);
  const before = fetched.length;
  for (const i of [90_000, 70_000, 50_000, 40_000, 30_000]) open(i);
  assert.ok(fetched.length - before <= 32);
  for (let i = 60_000; i < 60_050; i++) open(i);
  assert.ok(fetched.includes(60_030));
});

test('What is ahead is bounded in bytes', () => {
  const { open, fetched } = setup({ sizeBytes: 1024 * 1024, config: { bytesMax: 5 * 1024 * 1024 } });
  for (let i = 0; i < 200; i++) {
    open(i);
    assert.ok(fetched.length <= i + 1 + 5);
  }
  assert.ok(fetched.includes(199));
});

test('Names that come late are skipped where the reader was faster', async () => {
  const { open, fetched } = setup({ isLate: true });
  for (let i = 0; i < 500; i++) {
    open(i);
    if (i % 2 === 0) await Promise.resolve();
  }
  assert.ok(fetched.length > 400, `${fetched.length}`);
  assert.equal(new Set(fetched).size, fetched.length);
});

test('A folder that is read again from its start is a run again', () => {
  const { open, fetched } = setup({ count: 50 });
  for (let pass = 0; pass < 3; pass++) for (let i = 0; i < 50; i++) open(i);
  assert.equal(fetched.length, 3 * 47);
});

test('next() that fails ends the run and nothing else', async () => {
  let asked = 0;
  const ahead = new SiblingAhead(
    {},
    {
      next: () => {
        asked++;
        return Promise.reject(new Error('no'));
      },
      fetch: () => assert.fail(),
      log: createLogger({ write: () => {} }),
    },
  );
  for (let i = 0; i < 100; i++) {
    ahead.onOpen(1, nameOf(i));
    await new Promise(setImmediate);
  }
  assert.ok(asked >= 2 && asked < 10, `${asked}`);
});
