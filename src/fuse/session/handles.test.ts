import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { after, test } from 'node:test';
import { HandleTable } from './handles.ts';
import { createSessionMemory, openSessionMemory } from './memory.ts';

const fd = createSessionMemory('handles');
const memory = openSessionMemory(fd);
after(() => closeSync(fd));
const handles = new HandleTable(memory);

test('open() makes a handle that says what it was made of, and close() ends it', () => {
  const index = handles.open(7, 0, 0x1_0000_0005n, 2);
  const fh = handles.fileHandle(index);
  assert.equal(handles.indexOf(fh), index);
  assert.deepEqual([handles.nodeOf(index), handles.flagsOf(index), handles.liveCount], [7, 2, 1]);
  handles.close(index);
  handles.close(index);
  assert.deepEqual([handles.indexOf(fh), handles.liveCount], [0, 0]);
});

test('open() never gives out a file handle twice, although it uses records again', () => {
  const seen = new Set<bigint>();
  for (let i = 0; i < 1_000; i++) {
    const index = handles.open(1, 0, BigInt(i), 0);
    const fh = handles.fileHandle(index);
    assert.ok(!seen.has(fh));
    seen.add(fh);
    handles.close(index);
  }
});

test('indexOf() knows no handle that was never made', () => {
  for (const fh of [0n, 1n << 40n, 0xffffffffn, 0xffffffff_ffffffffn, 12_345n]) assert.equal(handles.indexOf(fh), 0);
});

test('madeBy() finds the handle of an OPEN that is delivered again, with or without the bit that says so', () => {
  const index = handles.open(3, 0, 0x7fff_ffff_0000_0010n, 0);
  assert.equal(handles.madeBy(0x7fff_ffff_0000_0010n), index);
  assert.equal(handles.madeBy(0xffff_ffff_0000_0010n), index);
  assert.equal(handles.madeBy(0x7fff_ffff_0000_0012n), 0);
  handles.close(index);
  assert.equal(handles.madeBy(0x7fff_ffff_0000_0010n), 0);
});

test('a successor finds every handle its predecessor left', () => {
  const made = Array.from({ length: 100 }, (_, i) => handles.open(i, 0, BigInt(i), 0));
  for (const index of made.filter((_, i) => i % 3 === 0)) handles.close(index);
  const successor = new HandleTable(openSessionMemory(fd));
  assert.deepEqual([...successor.live()].sort(), made.filter((_, i) => i % 3 !== 0).sort());
});
