import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layoutOf, unpack } from '../../../test/fixtures/fuse-frames/layouts.ts';
import type { Values } from '../../../test/fixtures/fuse-frames/layouts.ts';
import type { NodeId } from './ids.ts';
import {
  encodeDelete,
  encodeIncEpoch,
  encodeInvalEntry,
  encodeInvalInode,
  encodePollWakeup,
  encodePrune,
  encodeResend,
  encodeRetrieve,
  encodeStoreHeader,
  NOTIFY,
} from './notify.ts';

const NODE = (2n ** 63n) as NodeId;
const PARENT = 5n as NodeId;
const name = Buffer.from('näme');

interface Case {
  readonly what: keyof typeof NOTIFY;
  readonly encode: (buf: Buffer) => number;
  readonly struct?: string;
  readonly body?: Values;
  readonly tail?: Buffer;
}

const CASES: readonly Case[] = [
  {
    what: 'POLL',
    encode: (buf) => encodePollWakeup(buf, { kh: 3n }),
    struct: 'fuse_notify_poll_wakeup_out',
    body: { kh: 3n },
  },
  {
    what: 'INVAL_INODE',
    encode: (buf) => encodeInvalInode(buf, { ino: NODE, off: -1, len: 0 }),
    struct: 'fuse_notify_inval_inode_out',
    body: { ino: NODE, off: -1n, len: 0n },
  },
  {
    what: 'INVAL_ENTRY',
    encode: (buf) => encodeInvalEntry(buf, { parent: PARENT, name, flags: 1 }),
    struct: 'fuse_notify_inval_entry_out',
    body: { parent: 5n, namelen: 5, flags: 1 },
    tail: Buffer.from('näme\0'),
  },
  {
    what: 'DELETE',
    encode: (buf) => encodeDelete(buf, { parent: PARENT, child: NODE, name }),
    struct: 'fuse_notify_delete_out',
    body: { parent: 5n, child: NODE, namelen: 5, padding: 0 },
    tail: Buffer.from('näme\0'),
  },
  {
    what: 'RETRIEVE',
    encode: (buf) => encodeRetrieve(buf, { notifyUnique: 77n, nodeid: NODE, offset: 2 ** 40, size: 4096 }),
    struct: 'fuse_notify_retrieve_out',
    body: { notify_unique: 77n, nodeid: NODE, offset: 2n ** 40n, size: 4096, padding: 0 },
  },
  { what: 'RESEND', encode: encodeResend },
  { what: 'INC_EPOCH', encode: encodeIncEpoch },
  {
    what: 'PRUNE',
    encode: (buf) => encodePrune(buf, [PARENT, NODE]),
    struct: 'fuse_notify_prune_out',
    body: { count: 2, padding: 0, spare: 0n },
    tail: Buffer.from('0500000000000000' + '0000000000000080', 'hex'),
  },
];

for (const { what, encode, struct, body, tail } of CASES) {
  test(`${what} is one whole message: its length is the length written`, () => {
    const buf = Buffer.alloc(200, 0xaa);
    const len = encode(buf);
    const bodyBytes = struct === undefined ? 0 : layoutOf(struct).size;
    assert.equal(len, 16 + bodyBytes + (tail?.length ?? 0));
    assert.deepEqual(unpack('fuse_out_header', buf), { len, error: NOTIFY[what], unique: 0n });
    if (struct !== undefined) assert.deepEqual(unpack(struct, buf, 16), body);
    assert.deepEqual(buf.subarray(16 + bodyBytes, len), tail ?? Buffer.alloc(0));
    assert.ok(buf.subarray(len).every((byte) => byte === 0xaa));
  });
}

test('encodeStoreHeader() counts the data it does not write', () => {
  const buf = Buffer.alloc(64, 0xaa);
  const headBytes = encodeStoreHeader(buf, { nodeid: NODE, offset: 4096, size: 1000 });
  assert.equal(headBytes, 40);
  assert.deepEqual(unpack('fuse_out_header', buf), { len: 1040, error: NOTIFY.STORE, unique: 0n });
  assert.deepEqual(unpack('fuse_notify_store_out', buf, 16), { nodeid: NODE, offset: 4096n, size: 1000, padding: 0 });
});

test('encodeInvalEntry() throws RangeError when the name does not fit, rather than cutting it', () => {
  assert.throws(() => encodeInvalEntry(Buffer.alloc(36), { parent: PARENT, name, flags: 0 }), RangeError);
  assert.throws(() => encodeInvalEntry(Buffer.alloc(37), { parent: PARENT, name, flags: 0 }), RangeError);
  assert.equal(encodeInvalEntry(Buffer.alloc(38), { parent: PARENT, name, flags: 0 }), 38);
});
