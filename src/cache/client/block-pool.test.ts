import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BlockPool, POOL_BLOCK_BYTES } from './block-pool.ts';
import type { MemoryBlock } from './memory-block.ts';

function poolOf(blocks: number): { pool: BlockPool; clock: { nowMs: number }; fill: (index: number) => MemoryBlock } {
  const clock = { nowMs: 0 };
  const pool = new BlockPool(blocks * POOL_BLOCK_BYTES, () => clock.nowMs);
  const fill = (index: number): MemoryBlock => {
    const block = pool.add('object', index, POOL_BLOCK_BYTES);
    assert.ok(block !== undefined, `room for ${index}`);
    block.state = 'arriving';
    block.arrive(Buffer.alloc(POOL_BLOCK_BYTES, index), 0);
    pool.isWhole(block);
    return block;
  };
  return { pool, clock, fill };
}

suite('BlockPool', () => {
  test('makes room by what was read, longest ago first, and not by what was just fetched', () => {
    const { pool, fill } = poolOf(3);
    const [first, second] = [fill(0), fill(1)];
    fill(2);
    assert.equal(pool.add('object', 3, POOL_BLOCK_BYTES), undefined);
    pool.wasRead(second);
    pool.wasRead(first);
    fill(3);
    assert.deepEqual([first.state, second.state], ['whole', 'gone']);
    assert.equal(pool.find('object', 1), undefined);
    assert.equal(pool.usedBytes, 3 * POOL_BLOCK_BYTES);
  });

  test('what nobody read in a while makes room in the end', () => {
    const { pool, clock, fill } = poolOf(1);
    fill(0);
    clock.nowMs = 4999;
    assert.equal(pool.add('object', 1, 1), undefined);
    clock.nowMs = 5000;
    assert.ok(pool.add('object', 1, 1) !== undefined);
  });

  test('memory that somebody copies from is not used again before that is done', async () => {
    const { pool, fill } = poolOf(2);
    const held = fill(7);
    held.users += 1;
    pool.wasRead(held);
    pool.remove(held);
    assert.equal(await held.reach(1), true);
    const other = fill(8);
    assert.notEqual(other.memory, held.memory);
    assert.equal(held.memory[0], 7);
    assert.equal(pool.add('object', 9, POOL_BLOCK_BYTES), undefined, 'it still counts');
    pool.letGo(held);
    assert.equal(fill(9).memory, held.memory);
  });

  test('who waits for a block that goes is told so', async () => {
    const { pool } = poolOf(2);
    const block = pool.add('object', 0, 100);
    assert.ok(block !== undefined);
    block.state = 'arriving';
    const [some, all] = [block.reach(10), block.reach(100)];
    block.arrive(Buffer.alloc(50), 0);
    pool.remove(block);
    assert.deepEqual(await Promise.all([some, all]), [true, false]);
    assert.equal(pool.usedBytes, 0);
  });
});
