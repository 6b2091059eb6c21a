// Damages header words of session memories at random and uses what can still be opened. Arguments: seed, rounds.
//
// Every round prints what it is about to damage first: the last line tells what a hang or a crash came from.
import { closeSync, writeSync } from 'node:fs';
import {
  createSessionMemory,
  HandleTable,
  HEADER,
  MemoryError,
  NodeTable,
  openSessionMemory,
  ROOT_INDEX,
  type SessionMemory,
} from '../../src/fuse/session/index.ts';

const HEADER_WORDS = 512;
/** More than the smallest index holds. */
const NODES = 1_500;
const VALUES = [0, 1, 2, 10, 0x7fffffff, 0x80000000, 0xffffffff];

const [seed, rounds] = process.argv.slice(2);
let random = Number(seed) >>> 0;

function below(limit: number): number {
  random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((random / 2 ** 32) * limit);
}

function use(memory: SessionMemory, from: number): void {
  const nodes = new NodeTable(memory);
  const handles = new HandleTable(memory);
  const key = new Uint32Array(5);
  for (let i = from; i < from + NODES; i++) {
    key[0] = i;
    const node = nodes.ensure(key, ROOT_INDEX, Buffer.from(`name-${'n'.repeat(i % 60)}`));
    nodes.addLookup(node);
    nodes.nameOf(node);
    if (i % 3 === 0) nodes.forget(node, 1);
    if (i % 5 === 0) handles.open(node, 0, BigInt(i), 0);
  }
  for (const handle of [...handles.live()]) if (handle % 2 === 0) handles.close(handle);
}

function damage(memory: SessionMemory): string {
  const words = Array.from({ length: 1 + below(3) }, (): [number, number] => [
    below(2) === 0 ? below(HEADER_WORDS) : (Object.values(HEADER)[below(Object.values(HEADER).length)] ?? 0),
    below(3) === 0 ? below(2 ** 32) : below(2) === 0 ? below(3_000) : (VALUES[below(VALUES.length)] ?? 0),
  ]);
  for (const [word, value] of words) memory.u32[word] = value;
  return JSON.stringify(words);
}

let refused = 0;
for (let round = 0; round < Number(rounds); round++) {
  const fd = createSessionMemory('damaged');
  const whole = openSessionMemory(fd);
  use(whole, 1);
  writeSync(1, `${round} ${damage(whole)}\n`);
  whole.mapped.close();
  try {
    const damaged = openSessionMemory(fd);
    try {
      use(damaged, 1_000);
    } finally {
      damaged.mapped.close();
    }
  } catch (err) {
    if (!(err instanceof MemoryError)) throw err;
    refused++;
  } finally {
    closeSync(fd);
  }
}
writeSync(1, `refused ${refused}\n`);
