import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeId } from '../fuse/protocol/index.ts';
import { decodeKeepMessage, encodeDrops, encodeKeep } from './keep-wire.ts';

const NODES = [1n, 2n, 0xffffffffn, 0x7fffffff_ffffffffn, 0xffffffff_ffffffffn] as NodeId[];

test('a keep says which node', () => {
  for (const node of NODES) assert.deepEqual(decodeKeepMessage(encodeKeep(node)), { kind: 'keep', node });
});

test('a drop says which nodes, also when there are none', () => {
  for (let length = 0; length <= NODES.length; length++) {
    const nodes = NODES.slice(0, length);
    assert.deepEqual(decodeKeepMessage(encodeDrops(nodes)), { kind: 'drop', nodes });
  }
});

test('no message begins as JSON does', () => {
  for (const bytes of [encodeKeep(NODES[0]!), encodeDrops(NODES)]) assert.notEqual(bytes[0], '{'.charCodeAt(0));
});

test('decodeKeepMessage() knows nothing but keeps of one node and drops', () => {
  const keep = encodeKeep(NODES[0]!);
  const refused: [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['less than a head', keep.subarray(0, 7)],
    ['a keep of no node', keep.subarray(0, 8)],
    ['half a node', keep.subarray(0, 12)],
    ['a keep of two nodes', Buffer.concat([keep, Buffer.alloc(8)])],
    ['a byte too many', Buffer.concat([keep, Buffer.alloc(1)])],
    ['half a node to drop', encodeDrops(NODES).subarray(0, -4)],
    ['an unknown kind', Buffer.concat([Buffer.from([3]), keep.subarray(1)])],
    ['zeros', Buffer.alloc(16)],
  ];
  for (const [what, bytes] of refused) assert.equal(decodeKeepMessage(bytes), undefined, what);
});
