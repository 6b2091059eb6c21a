// The node table against a Map: random lookups, forgets and renames, seen by the table that made them and by a successor.
import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { after, test } from 'node:test';
import fc from 'fast-check';
import {
  createSessionMemory,
  NodeTable,
  openSessionMemory,
  ROOT_INDEX,
  type NodeIndex,
} from '../../src/fuse/session/index.ts';

const fd = createSessionMemory('node-table');
const memory = openSessionMemory(fd);
after(() => closeSync(fd));

interface Known {
  id: bigint;
  parent: number;
  name: string;
  lookups: number;
}

/** What the kernel knows, by the number of the object; the root is object 0. */
class Kernel {
  readonly table: NodeTable;
  readonly known = new Map<number, Known>();

  constructor(table: NodeTable) {
    this.table = table;
  }

  indexOf(object: number): NodeIndex {
    if (object === 0) return ROOT_INDEX;
    const node = this.known.get(object);
    return node === undefined ? 0 : this.table.indexOf(node.id);
  }

  isBelow(object: number, ancestor: number): boolean {
    for (let at = object; at !== 0; at = this.known.get(at)?.parent ?? 0) if (at === ancestor) return true;
    return false;
  }

  lookup(object: number, parent: number, name: string): void {
    if (parent !== 0 && !this.known.has(parent)) return;
    const before = this.known.get(object);
    const { table } = this;
    const index = table.ensure(keyOf(object), this.indexOf(parent), Buffer.from(name));
    table.addLookup(index);
    const id = table.nodeId(index);
    if (before !== undefined) assert.equal(id, before.id, 'one object, one node');
    // A folder never goes below itself: it stays where it was.
    const stays = before !== undefined && this.isBelow(parent, object);
    const place = stays ? { parent: before.parent, name: before.name } : { parent, name };
    this.known.set(object, { id, ...place, lookups: (before?.lookups ?? 0) + 1 });
    if (before !== undefined && !stays && before.parent !== parent) this.prune(before.parent);
  }

  forget(object: number, count: number): void {
    const node = this.known.get(object);
    if (node === undefined || node.lookups === 0) return;
    const fewer = Math.min(count, node.lookups);
    this.table.forget(this.indexOf(object), fewer);
    node.lookups -= fewer;
    this.prune(object);
  }

  /** A node without lookups and children is gone, and then perhaps its parent. */
  prune(object: number): void {
    const node = this.known.get(object);
    if (node === undefined || node.lookups > 0) return;
    if ([...this.known.values()].some(({ parent }) => parent === object)) return;
    this.known.delete(object);
    assert.equal(this.table.indexOf(node.id), 0, 'a node without lookups and children is gone');
    this.prune(node.parent);
  }

  pathOf(object: number): string {
    const node = this.known.get(object);
    if (node === undefined) return '.';
    return node.parent === 0 ? node.name : `${this.pathOf(node.parent)}/${node.name}`;
  }

  check(table: NodeTable): void {
    assert.deepEqual(table.verify(), { live: this.known.size });
    assert.equal(table.liveCount, this.known.size);
    const path = Buffer.alloc(4096);
    for (const [object, node] of this.known) {
      const index = table.indexOf(node.id);
      assert.notEqual(index, 0);
      assert.equal(table.find(keyOf(object)), index);
      assert.equal(table.lookupsOf(index), node.lookups);
      assert.equal(table.nameOf(index).toString(), node.name);
      const at = table.writePath(index, path);
      assert.equal(path.toString('utf8', at, path.length - 1), this.pathOf(object));
    }
  }

  forgetAll(): void {
    for (const object of [...this.known.keys()]) this.forget(object, Infinity);
    assert.equal(this.known.size, 0);
  }
}

function keyOf(object: number): Uint32Array {
  return Uint32Array.of(object, 0, object % 3, 0, 7);
}

const OBJECTS_MAX = 40;
const NAME = fc.oneof(
  fc.constantFrom('a', 'b', 'ä', 'x'.repeat(255)),
  fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme-ascii' }),
);
const STEP = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .record({ object: fc.integer({ min: 1, max: OBJECTS_MAX }), parent: fc.nat(OBJECTS_MAX), name: NAME })
      .map(
        ({ object, parent, name }) =>
          (kernel: Kernel) =>
            kernel.lookup(object, parent === object ? 0 : parent, name),
      ),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ object: fc.integer({ min: 1, max: OBJECTS_MAX }), count: fc.integer({ min: 1, max: 4 }) })
      .map(
        ({ object, count }) =>
          (kernel: Kernel) =>
            kernel.forget(object, count),
      ),
  },
);

test('NodeTable knows what the kernel knows, and so does a successor on the same memory', () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 300 }), (steps) => {
      const kernel = new Kernel(new NodeTable(memory));
      for (const step of steps) step(kernel);
      kernel.check(kernel.table);
      kernel.check(new NodeTable(memory));
      kernel.forgetAll();
    }),
    { numRuns: 200 },
  );
  assert.deepEqual(new NodeTable(memory).verify(), { live: 0 });
});

test('NodeTable grows its index, shrinks it and stays whole through generations of many nodes', () => {
  const table = new NodeTable(memory);
  const kernel = new Kernel(table);
  for (let round = 0; round < 4; round++) {
    const many = round % 2 === 0 ? 6_000 : 50;
    for (let object = 1; object <= many; object++) kernel.lookup(object, 0, `name-${round}-${object}`);
    assert.deepEqual(table.verify(), { live: many });
    for (const [object, node] of kernel.known) assert.equal(table.find(keyOf(object)), table.indexOf(node.id));
    for (let object = many; object >= 1; object--) {
      const { id } = kernel.known.get(object)!;
      table.forget(table.indexOf(id), 1);
      kernel.known.delete(object);
    }
  }
  assert.deepEqual(table.verify(), { live: 0 });
});

test('NodeTable never gives a nodeid to two objects', () => {
  const table = new NodeTable(memory);
  const seen = new Set<bigint>();
  for (let object = 1; object < 2_000; object++) {
    const index = table.ensure(keyOf(object), ROOT_INDEX, Buffer.from('name'));
    table.addLookup(index);
    const id = table.nodeId(index);
    assert.ok(!seen.has(id));
    seen.add(id);
    table.forget(index, 1);
  }
});

test('NodeTable gives the space of names back', () => {
  const table = new NodeTable(memory);
  const round = (): void => {
    for (let object = 1; object < 500; object++) {
      const index = table.ensure(keyOf(object), ROOT_INDEX, Buffer.from('n'.repeat(1 + (object % 255))));
      table.addLookup(index);
    }
    for (let object = 1; object < 500; object++) table.forget(table.find(keyOf(object)), 1);
  };
  round();
  const used = memory.u32.slice(0, 32);
  for (let i = 0; i < 20; i++) round();
  assert.deepEqual(memory.u32.slice(8, 20), used.slice(8, 20));
});
