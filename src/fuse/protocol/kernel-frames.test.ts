// Requests a real kernel wrote: every operation it can be brought to send.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { WireError } from './errors.ts';
import { decodeExtensions } from './extensions.ts';
import { isResent } from './ids.ts';
import { OPERATIONS } from './operations.ts';
import type { OperationName } from './operations.ts';
import { decodeRequest } from './request.ts';
import type { Request, RequestOf } from './request.ts';
import { shortened } from '../../../test/fixtures/fuse-frames/frames.ts';

interface KernelFrame {
  name: string;
  minor: number;
  flags: string;
  note?: string;
  hex: string;
}

const captured = new URL('../../../test/fixtures/fuse-frames/linux-6.18.json', import.meta.url);
const { frames } = JSON.parse(readFileSync(captured, 'utf8')) as { frames: KernelFrame[] };
const bytesOf = (frame: KernelFrame): Buffer => Buffer.from(frame.hex, 'hex');
const dialectOf = (frame: KernelFrame) => ({ minor: frame.minor, flags: BigInt(frame.flags) });
const decode = (frame: KernelFrame): Request => decodeRequest(bytesOf(frame), dialectOf(frame));

function decodeOnly<N extends OperationName>(name: N, note?: string): RequestOf<N> {
  const frame = frames.find((each) => each.name === name && each.note === note);
  assert.ok(frame, `${name} was captured`);
  return decode(frame) as RequestOf<N>;
}

for (const frame of frames) {
  test(`a kernel's ${frame.name} (${frame.note ?? `${frame.hex.length / 2} bytes`}) decodes, none of its truncations does`, () => {
    const request = decode(frame);
    assert.equal(request.name, frame.name);
    assert.equal(request.header.len, frame.hex.length / 2);
    const bytes = bytesOf(frame);
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => decodeRequest(bytes.subarray(0, length), dialectOf(frame)), WireError);
      assert.throws(() => decodeRequest(shortened(bytes, length), dialectOf(frame)), WireError);
    }
  });
}

test('every operation was captured but the two that only DAX sends', () => {
  const seen = new Set(frames.map(({ name }) => name));
  assert.deepEqual(
    Object.keys(OPERATIONS).filter((name) => !seen.has(name)),
    ['SETUPMAPPING', 'REMOVEMAPPING'],
  );
});

test('what the kernel was asked for is what was decoded', () => {
  assert.equal(decodeOnly('INIT').args.minor, 45);
  assert.equal(decodeOnly('SYMLINK').args.target.toString(), '../target/é');
  assert.equal(decodeOnly('WRITE').args.data.toString(), 'hello evermount\n');
  assert.deepEqual(decodeOnly('SETXATTR').args.value, Buffer.from('blue\0\xff', 'latin1'));
  assert.deepEqual(decodeOnly('SETXATTR', '8-byte struct: SETXATTR_EXT not agreed').args, {
    ...decodeOnly('SETXATTR').args,
  });
  assert.equal(decodeOnly('RENAME2').args.flags, 1);
  assert.equal(decodeOnly('TMPFILE').args.name.toString(), '/');
  assert.equal(decodeOnly('LSEEK').args.whence, 3);
  assert.equal(decodeOnly('FALLOCATE').args.length, 8192);
  assert.equal(decodeOnly('SETLK').args.lk.end, 2n ** 63n - 1n);
  assert.equal(decodeOnly('IOCTL', 'with data').args.data.toString(), '12345678');
  assert.equal(decodeOnly('NOTIFY_REPLY').header.unique, 77n);
  assert.equal(decodeOnly('BATCH_FORGET').args.forgets.length, 4);
  assert.equal(decodeOnly('COPY_FILE_RANGE_64').args.len, 100);
  assert.ok((decodeOnly('STATX').args.sxMask & 0x800) !== 0, 'the birth time was asked for');
});

test('a truncate to 5 GB and a date before 1970 survive', () => {
  const setattrs = frames
    .filter(({ name }) => name === 'SETATTR')
    .map((frame) => decode(frame) as RequestOf<'SETATTR'>);
  assert.ok(setattrs.some(({ args }) => args.size === 5_000_000_000));
  assert.ok(setattrs.some(({ args }) => args.atime === -2 && args.atimensec === 500_000_000 && args.mtime === -1));
});

test('a request delivered again says so', () => {
  assert.ok(isResent(decodeOnly('GETXATTR', 'delivered again after RESEND').header.unique));
  assert.ok(!isResent(decodeOnly('GETXATTR').header.unique));
});

test('the groups the kernel appended are found, and are not part of the name', () => {
  const frame = frames.find(({ note }) => note === 'extension at the tail: supplementary groups');
  assert.ok(frame);
  const request = decode(frame) as RequestOf<'MKDIR'>;
  assert.equal(request.args.name.toString(), 'grp');
  assert.deepEqual(decodeExtensions(bytesOf(frame), request.header), { groups: [4242], secctx: [] });
});
