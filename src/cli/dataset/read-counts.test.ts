import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlockFile, BlockSource } from '../../cache/fill/index.ts';
import { objectRef } from '../../cache/ufs/index.ts';
import { countReads } from './read-counts.ts';

test('countReads() counts what readers get, at once or later, and nothing beyond the end of a file', async () => {
  const object = objectRef(Buffer.from('a'), 'v', 10);
  const file: BlockFile = {
    object,
    read: (offset, into) => (offset === 0 ? into.length : Promise.resolve(into.length)),
    prefetch: () => {},
    openWhole: () => Promise.resolve(undefined),
    close: () => {},
  };
  const source: BlockSource = { open: () => file, find: () => undefined, close: () => Promise.resolve() };
  const counts = { readBytes: 0 };
  const counted = countReads(source, counts).open(object);
  assert.equal(counted.object, object);
  void counted.read(0, Buffer.alloc(4));
  assert.equal(counts.readBytes, 4);
  await counted.read(8, Buffer.alloc(100));
  assert.equal(counts.readBytes, 6);
  await counted.read(20, Buffer.alloc(100));
  assert.equal(counts.readBytes, 6);
});
