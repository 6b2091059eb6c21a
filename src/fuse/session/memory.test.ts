import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, writeSync } from 'node:fs';
import { after, suite, test } from 'node:test';
import { createMemory } from '../../libc/index.ts';
import { HEADER, HEADER_BYTES, LAYOUT_VERSION, MEMORY_BYTES, MemoryError } from './layout.ts';
import { createSessionMemory, openSessionMemory } from './memory.ts';

const fd = createSessionMemory('test');
after(() => closeSync(fd));

function assertRefused(code: MemoryError['code'], of = fd): void {
  assert.throws(
    () => openSessionMemory(of),
    (err) => err instanceof MemoryError && err.code === code,
  );
}

/** Writes a header word for as long as the test looks. */
function withWord(word: number, value: number, look: () => void): void {
  const memory = openSessionMemory(fd);
  const before = memory.u32[word]!;
  memory.u32[word] = value;
  try {
    look();
  } finally {
    memory.u32[word] = before;
    memory.mapped.close();
  }
}

suite('openSessionMemory()', () => {
  test('openSessionMemory() opens what createSessionMemory() made, as often as one likes', () => {
    for (let i = 0; i < 3; i++) openSessionMemory(fd).mapped.close();
  });

  test('openSessionMemory() refuses memory that is cut short anywhere', () => {
    const cut = createMemory('cut', 0);
    for (const sizeBytes of [0, 1, HEADER_BYTES - 1, HEADER_BYTES, 1 << 20, MEMORY_BYTES - 4096, MEMORY_BYTES - 1]) {
      ftruncateSync(cut, sizeBytes);
      assertRefused('memory-too-small', cut);
    }
    closeSync(cut);
  });

  test('openSessionMemory() refuses memory that is not a session, or whose maker died before it was one', () => {
    const blank = createMemory('blank', MEMORY_BYTES);
    assertRefused('memory-not-ours', blank);
    writeSync(blank, Buffer.from('not a session at all'), 0, 20, 0);
    assertRefused('memory-not-ours', blank);
    closeSync(blank);
  });

  test('openSessionMemory() refuses a header that was written in part', () => {
    const header = Buffer.from(openSessionMemory(fd).bytes.subarray(0, HEADER_BYTES));
    const copy = createMemory('copy', MEMORY_BYTES);
    let lastByte = HEADER_BYTES;
    while (header[lastByte - 1] === 0) lastByte--;
    for (let length = 0; length < lastByte; length += 3) {
      writeSync(
        copy,
        Buffer.concat([header.subarray(0, length), Buffer.alloc(HEADER_BYTES - length)]),
        0,
        HEADER_BYTES,
        0,
      );
      const whole = header.subarray(length).every((byte) => byte === 0);
      if (!whole) assert.throws(() => openSessionMemory(copy), MemoryError, `cut at ${length}`);
    }
    closeSync(copy);
  });

  test('openSessionMemory() refuses what another version laid out, and names both versions', () => {
    for (const version of [0, LAYOUT_VERSION + 1, 0xffffffff]) {
      withWord(HEADER.version, version, () => {
        assert.throws(
          () => openSessionMemory(fd),
          (err) =>
            err instanceof MemoryError &&
            err.fault.code === 'memory-version' &&
            err.fault.version === version &&
            err.fault.ours === LAYOUT_VERSION,
        );
      });
    }
  });

  test('openSessionMemory() refuses counts that lead outside their regions', () => {
    const damaged: [number, number][] = [
      [HEADER.slotBytes, 0],
      [HEADER.slots, 65],
      [HEADER.nodesUsed, 0],
      [HEADER.nodesUsed, 1 << 25],
      [HEADER.nodesFree, 2],
      [HEADER.handlesUsed, 0],
      [HEADER.handlesUsed, 0xffffffff],
      [HEADER.handlesFree, 1],
      [HEADER.namesUsed, 0],
      [HEADER.namesUsed, 0xffffffff],
      [HEADER.index, 0],
      [HEADER.index, 26],
      [HEADER.indexFilled, 0xffffffff],
    ];
    for (const [word, value] of damaged) withWord(word, value, () => assertRefused('memory-damaged'));
  });
});
