import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BAD_FRAMES,
  GOOD_FRAMES,
  NODE,
  requestFrame,
  shortened,
  UNIQUE,
} from '../../../test/fixtures/fuse-frames/frames.ts';
import { WireError } from './errors.ts';
import { BEFORE_INIT, OPERATIONS } from './operations.ts';
import { decodeRequest } from './request.ts';

for (const { name, note, dialect, frame, args } of GOOD_FRAMES) {
  const title = note === undefined ? name : `${name} ${note}`;

  test(`decodeRequest() decodes ${title}`, () => {
    const request = decodeRequest(frame, dialect);
    assert.equal(request.name, name);
    assert.deepEqual(request.args, args);
    assert.equal(request.header.unique, UNIQUE);
    assert.equal(request.header.nodeid, NODE);
  });

  test(`decodeRequest() ignores what follows ${title} in a larger buffer`, () => {
    const request = decodeRequest(Buffer.concat([frame, Buffer.alloc(100, 0xaa)]), dialect);
    assert.deepEqual(request.args, args);
  });

  test(`decodeRequest() refuses every truncation of ${title}`, () => {
    for (let bytes = 0; bytes < frame.length; bytes++) {
      assert.throws(() => decodeRequest(frame.subarray(0, bytes), dialect), WireError, `${bytes} bytes`);
      assert.throws(
        () => decodeRequest(shortened(frame, bytes), dialect),
        WireError,
        `${bytes} bytes, length adjusted`,
      );
    }
  });
}

for (const { why, frame, code, answerable } of BAD_FRAMES) {
  test(`decodeRequest() refuses ${why}: ${code}`, () => {
    assert.throws(
      () => decodeRequest(frame, BEFORE_INIT),
      (err) => {
        assert.ok(err instanceof WireError);
        assert.equal(err.fault.code, code);
        assert.equal(err.fault.unique, answerable ? UNIQUE : undefined);
        return true;
      },
    );
  });
}

test('GOOD_FRAMES have every operation', () => {
  assert.deepEqual(new Set(GOOD_FRAMES.map(({ name }) => name)), new Set(Object.keys(OPERATIONS)));
});

test('decodeRequest() keeps extensions out of the arguments', () => {
  const extensions = Buffer.alloc(16, 1);
  const request = decodeRequest(requestFrame(1, [Buffer.from('name\0')], extensions), BEFORE_INIT);
  assert.equal(request.header.totalExtlen, 2);
  assert.deepEqual(request.args, { name: Buffer.from('name') });
});

test('decodeRequest() returns views, not copies', () => {
  const frame = requestFrame(1, [Buffer.from('name\0')]);
  const request = decodeRequest(frame, BEFORE_INIT);
  assert.equal(request.name, 'LOOKUP');
  frame[40] = 'N'.charCodeAt(0);
  assert.equal(request.args.name.toString(), 'Name');
});
