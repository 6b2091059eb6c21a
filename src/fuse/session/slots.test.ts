import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { after, test } from 'node:test';
import { SLOT_BYTES, SLOTS_MAX } from './layout.ts';
import { createSessionMemory, openSessionMemory } from './memory.ts';
import { FrameSlots } from './slots.ts';

const fd = createSessionMemory('slots');
const memory = openSessionMemory(fd);
after(() => closeSync(fd));

/** Puts a frame where the kernel would. */
function fill(slots: FrameSlots, slot: number, unique: bigint): void {
  slots.frame(slot).writeBigUInt64LE(unique, 8);
  slots.frame(slot).writeUInt32LE(40, 0);
}

test('take() gives every slot once, then none', () => {
  const slots = new FrameSlots(memory);
  const taken = Array.from({ length: SLOTS_MAX }, () => slots.take());
  assert.equal(new Set(taken).size, SLOTS_MAX);
  assert.equal(new Set(taken.map((slot) => slots.address(slot))).size, SLOTS_MAX);
  assert.ok(taken.every((slot) => slots.frame(slot).length === SLOT_BYTES));
  assert.equal(slots.take(), -1);
  slots.release(5);
  assert.equal(slots.take(), 5);
  assert.equal(slots.inFlight, SLOTS_MAX);
  for (const slot of taken) slots.release(slot);
});

test('claimLeftovers() finds what the predecessor had taken and not answered, and nothing else', () => {
  const before = new FrameSlots(memory);
  const [first, second, third] = [before.take(), before.take(), before.take()];
  fill(before, first, 2n);
  fill(before, second, 4n);
  fill(before, third, 6n);
  before.release(second);
  const slots = new FrameSlots(memory);
  const left = slots.claimLeftovers();
  assert.deepEqual(left.map((slot) => slots.frame(slot).readBigUInt64LE(8)).sort(), [2n, 6n]);
  assert.equal(slots.inFlight, 2);
  const free = Array.from({ length: SLOTS_MAX - 2 }, () => slots.take());
  assert.ok(free.every((slot) => slot >= 0 && !left.includes(slot)));
  for (const slot of [...free, ...left]) slots.release(slot);
  assert.deepEqual(new FrameSlots(memory).claimLeftovers(), []);
});

test('suspect() counts crashes by request, whether or not it is delivered again, and survives the daemon', () => {
  const slots = new FrameSlots(memory);
  assert.equal(slots.crashesOf(8n), 0);
  slots.suspect(8n);
  slots.suspect(8n | (1n << 63n));
  slots.suspect(10n);
  assert.deepEqual([slots.crashesOf(8n), slots.crashesOf(10n), slots.crashesOf(12n)], [2, 1, 0]);
  const successor = new FrameSlots(memory);
  successor.claimLeftovers();
  successor.suspect(8n);
  assert.equal(successor.crashesOf(8n | (1n << 63n)), 3);
  successor.clear(8n);
  assert.deepEqual([successor.crashesOf(8n), successor.crashesOf(10n)], [0, 1]);
  successor.clear(10n);
  assert.equal(new FrameSlots(memory).crashesOf(10n), 0);
});

test('suspect() forgets older ones rather than overflow', () => {
  const slots = new FrameSlots(memory);
  for (let unique = 2n; unique < 1_000n; unique += 2n) slots.suspect(unique);
  assert.equal(slots.crashesOf(998n), 1);
  for (let unique = 2n; unique < 1_000n; unique += 2n) slots.clear(unique);
  assert.equal(new FrameSlots(memory).crashesOf(998n), 0);
});
