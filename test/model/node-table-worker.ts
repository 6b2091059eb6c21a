// Works on the tables of a session memory as fast as it can, until it is killed. Descriptor 3 is the memory, argument 2 a seed.
// The next worker on the same memory first checks what the one before left.
import assert from 'node:assert/strict';
import { writeSync } from 'node:fs';
import { HandleTable, NodeTable, openSessionMemory, ROOT_INDEX } from '../../src/fuse/session/index.ts';

const OBJECTS = 3_000;
const BURST = 700;

const memory = openSessionMemory(3);
const nodes = new NodeTable(memory);
const handles = new HandleTable(memory);
let random = Number(process.argv[2]);

function below(limit: number): number {
  random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((random / 2 ** 32) * limit);
}

const key = new Uint32Array(5);
function keyOf(object: number): Uint32Array {
  key[0] = object;
  key[4] = 9;
  return key;
}

nodes.verify();
for (const handle of handles.live()) assert.ok(handles.nodeOf(handle) < OBJECTS * 20, `handle ${handle} is of no node`);
writeSync(1, 'verified\n');

for (;;) {
  const grows = below(2) === 0;
  for (let i = 0; i < BURST; i++) {
    const object = 1 + below(OBJECTS);
    const found = nodes.find(keyOf(object));
    if (grows || found === 0) {
      const parent = nodes.find(keyOf(1 + below(20)));
      const name = Buffer.from(`${object}-${'n'.repeat(below(200))}`);
      nodes.addLookup(nodes.ensure(keyOf(object), parent === 0 ? ROOT_INDEX : parent, name));
    } else nodes.forget(found, nodes.lookupsOf(found));
    if (below(4) === 0) handles.open(1 + below(100), 0, BigInt(i), 0);
    else
      for (const handle of handles.live()) {
        handles.close(handle);
        break;
      }
  }
}
