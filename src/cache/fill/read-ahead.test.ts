import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ReadAhead, type Range } from './read-ahead.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** Reads `count` times `length` bytes, `step` apart; returns what was asked for. */
function readOn(ahead: ReadAhead, offset: number, length: number, count: number, step = length): Range[] {
  const asked: Range[] = [];
  for (let i = 0; i < count; i++) {
    const range = ahead.onRead(offset + i * step, length);
    if (range !== undefined) asked.push(range);
  }
  return asked;
}

test('Reading from the start is believed at once, and the window grows to its maximum', () => {
  const asked = readOn(new ReadAhead(GIB), 0, 128 * KIB, 2048);
  assert.deepEqual(asked[0], { offset: 128 * KIB, length: MIB });
  let end = 128 * KIB;
  for (const { offset, length } of asked) {
    assert.equal(offset, end, 'without gap or overlap');
    end = offset + length;
  }
  assert.ok(
    end > 256 * MIB + 24 * MIB && end <= 256 * MIB + 32 * MIB,
    `at 256 MiB everything up to ${end} was asked for`,
  );
  assert.ok(
    asked.slice(10).every(({ length }) => length >= 8 * MIB),
    'in large pieces',
  );
});

test('Reading from the middle is a stream from its second read on', () => {
  const ahead = new ReadAhead(GIB);
  assert.equal(ahead.onRead(100 * MIB, 128 * KIB), undefined);
  assert.deepEqual(ahead.onRead(100 * MIB + 128 * KIB, 128 * KIB), { offset: 100 * MIB + 256 * KIB, length: MIB });
});

test('Random and strided reads have nothing fetched ahead', () => {
  const ahead = new ReadAhead(GIB);
  ahead.onRead(0, 1);
  for (let i = 1; i < 500; i++) assert.equal(ahead.onRead((i * 7_919 * 4096) % GIB, 4096), undefined);
  assert.deepEqual(readOn(new ReadAhead(GIB), 4 * MIB, 64 * KIB, 200, 4 * MIB), []);
});

test('A jump backward begins anew', () => {
  const ahead = new ReadAhead(GIB);
  readOn(ahead, 0, MIB, 100);
  assert.equal(ahead.onRead(50 * MIB, MIB), undefined);
  assert.deepEqual(ahead.onRead(51 * MIB, MIB), { offset: 52 * MIB, length: MIB });
});

test('Reads of a stream may overtake each other', () => {
  const ahead = new ReadAhead(GIB);
  const asked = readOn(ahead, 0, 128 * KIB, 8);
  for (let at = MIB; at < 64 * MIB; at += 256 * KIB) {
    for (const offset of [at + 128 * KIB, at]) {
      const range = ahead.onRead(offset, 128 * KIB);
      if (range !== undefined) asked.push(range);
    }
  }
  const last = asked.at(-1)!;
  assert.ok(last.offset + last.length > 64 * MIB + 20 * MIB);
});

test('Four streams in one file are told apart', () => {
  const ahead = new ReadAhead(GIB);
  const ends = [0, 0, 0, 0];
  for (let i = 0; i < 256; i++) {
    for (let stream = 0; stream < 4; stream++) {
      const range = ahead.onRead(stream * 256 * MIB + i * 128 * KIB, 128 * KIB);
      if (range !== undefined) ends[stream] = range.offset + range.length - stream * 256 * MIB;
    }
  }
  for (const end of ends) assert.ok(end > 32 * MIB + 20 * MIB, `${end}`);
});

test('A small file is fetched whole at its first read, and that once', () => {
  const ahead = new ReadAhead(3 * MIB);
  assert.deepEqual(ahead.onRead(MIB, 4096), { offset: 0, length: 3 * MIB });
  assert.deepEqual(readOn(ahead, 0, 128 * KIB, 24), []);
  assert.equal(new ReadAhead(16 * KIB).onRead(0, 128 * KIB), undefined, 'the read itself is all of it');
});

test('Never asks beyond the end, further than the window ahead of a read, or twice for the same bytes of a stream', () => {
  const streams = fc.array(fc.record({ start: fc.nat(200 * MIB), length: fc.integer({ min: 1, max: 2 * MIB }) }), {
    minLength: 1,
    maxLength: 4,
  });
  const order = fc.array(fc.nat(3), { maxLength: 300 });
  const property = fc.property(
    fc.nat(256 * MIB),
    streams,
    order,
    fc.constantFrom(512 * KIB, 4 * MIB, 32 * MIB),
    (size, all, turns, window) => {
      const ahead = new ReadAhead(size, { windowBytesMax: window, wholeBytesMax: 0 });
      const positions = all.map(({ start }) => start);
      let furthest: number | undefined;
      for (const turn of turns) {
        const stream = turn % all.length;
        const offset = positions[stream]!;
        const { length } = all[stream]!;
        positions[stream] = offset + length;
        const range = ahead.onRead(offset, length);
        if (range === undefined) continue;
        assert.ok(range.length > 0 && range.offset >= 0 && range.offset + range.length <= size);
        // Streams that meet are one: then it is the furthest read that counts.
        const reach = Math.max(...positions.filter((it) => it - positions[stream]! <= 4 * MIB));
        assert.ok(range.offset + range.length <= Math.min(reach, size) + window);
        if (all.length === 1) {
          assert.ok(furthest === undefined || range.offset >= furthest);
          furthest = range.offset + range.length;
        }
      }
    },
  );
  fc.assert(property);
});
