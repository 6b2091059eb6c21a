import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestFrame } from '../../../test/fixtures/fuse-frames/frames.ts';
import { pack } from '../../../test/fixtures/fuse-frames/layouts.ts';
import { WireError } from './errors.ts';
import { decodeExtensions } from './extensions.ts';
import { decodeInHeader } from './in-header.ts';

const padded = (...parts: Buffer[]): Buffer => {
  const bytes = Buffer.concat(parts);
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7)]);
};

/** One extension: its header, whose size counts itself, and its body. */
const extension = (type: number, body: Buffer): Buffer =>
  padded(pack('fuse_ext_header', { size: 8 + body.length, type }), body);

const decode = (tail: Buffer) => {
  const frame = requestFrame(9, [Buffer.from('\0\0\0\0\0\0\0\0name\0')], tail);
  return decodeExtensions(frame, decodeInHeader(frame));
};

const groups = extension(
  32,
  Buffer.concat([pack('fuse_supp_groups', { nr_groups: 2 }), Buffer.from('e803000000000100', 'hex')]),
);
const label = padded(pack('fuse_secctx', { size: 5 }), Buffer.from('security.selinux\0'), Buffer.from('a:b:c'));

test('decodeExtensions() finds nothing where there is nothing', () => {
  assert.deepEqual(decode(Buffer.alloc(0)), { groups: [], secctx: [] });
});

test('decodeExtensions() finds groups and security contexts, and skips kinds it does not know', () => {
  const found = decode(
    Buffer.concat([extension(2, Buffer.concat([label, label])), extension(77, Buffer.alloc(3)), groups]),
  );
  const context = { name: Buffer.from('security.selinux'), value: Buffer.from('a:b:c') };
  assert.deepEqual(found, { groups: [1000, 65536], secctx: [context, context] });
});

test('decodeExtensions() throws only WireError when sizes do not add up', () => {
  const broken = [
    Buffer.alloc(8),
    pack('fuse_ext_header', { size: 7, type: 32 }),
    pack('fuse_ext_header', { size: 16, type: 32 }),
    extension(32, pack('fuse_supp_groups', { nr_groups: 0xffff_ffff })),
    extension(32, Buffer.alloc(0)),
    extension(1, pack('fuse_secctx', { size: 1 })),
    extension(1, Buffer.concat([pack('fuse_secctx', { size: 9 }), Buffer.from('name\0value')])),
    extension(3, label),
  ];
  for (const tail of broken) assert.throws(() => decode(tail), WireError, tail.toString('hex'));
});
