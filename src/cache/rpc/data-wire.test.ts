import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { suite, test } from 'node:test';
import { objectRef } from '../ufs/index.ts';
import {
  DATA_BYTES_MAX,
  dataQuery,
  decodeDataQuery,
  FRAME_BYTES,
  FRAME_HEAD_BYTES,
  framedBytes,
  FrameReader,
  sealFrame,
} from './data-wire.ts';

const object = objectRef(Buffer.from('a/\xff', 'latin1'), '"etag" & more', 10 * FRAME_BYTES);

function framed(offset: number, bytes: Buffer, id = object.id): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
    const frame = Buffer.concat([Buffer.alloc(FRAME_HEAD_BYTES), bytes.subarray(at, at + FRAME_BYTES)]);
    sealFrame(frame, id, offset + at);
    frames.push(frame);
  }
  return Buffer.concat(frames);
}

function receive(wire: Buffer, offset: number, length: number, pieceBytes: number): Buffer {
  const got: Buffer[] = [];
  const reader = new FrameReader('there:1', { object, offset, length }, (chunk) => got.push(Buffer.from(chunk)));
  try {
    for (let at = 0; at < wire.length; at += pieceBytes) reader.push(wire.subarray(at, at + pieceBytes));
  } catch (err) {
    assert.match(String(err), /Cannot use the answer of there:1/);
    assert.equal(reader.deliveredBytes, Buffer.concat(got).length);
    throw Object.assign(err as Error, { got: Buffer.concat(got) });
  }
  return Buffer.concat(got);
}

suite('frames', () => {
  test('arrive as they were, whatever the pieces', () => {
    for (const length of [1, 5, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES + 77]) {
      const bytes = randomBytes(length);
      const wire = framed(100, bytes);
      assert.equal(wire.length, framedBytes(length));
      for (const pieceBytes of [7, 4096, 65_536, wire.length]) {
        assert.ok(receive(wire, 100, length, pieceBytes).equals(bytes), `${length} by ${pieceBytes}`);
      }
    }
  });

  test('a bit that flips anywhere is found before a byte of its frame is handed on', () => {
    const bytes = randomBytes(FRAME_BYTES + 1000);
    const wire = framed(0, bytes);
    for (let round = 0; round < 200; round++) {
      const at = (round * 7919) % wire.length;
      const damaged = Buffer.from(wire);
      damaged[at] = damaged[at]! ^ (1 << (round % 8));
      assert.throws(
        () => receive(damaged, 0, bytes.length, 65_536),
        (err: Error & { got: Buffer }) => err.got.equals(bytes.subarray(0, at < FRAME_BYTES + 8 ? 0 : FRAME_BYTES)),
      );
    }
  });

  test('bytes of another object or another place are not taken', () => {
    const bytes = randomBytes(1000);
    assert.throws(() => receive(framed(0, bytes, 'f'.repeat(24)), 0, 1000, 4096), /checksum/);
    assert.throws(() => receive(framed(FRAME_BYTES, bytes), 0, 1000, 4096), /checksum/);
  });

  test('more or less than was asked for is not taken', () => {
    const wire = framed(0, randomBytes(1000));
    assert.throws(() => receive(wire, 0, 999, 4096), /a frame of 1000 bytes instead of 999/);
    assert.throws(() => receive(Buffer.concat([wire, wire]), 0, 1000, 4096), /instead of 0/);
  });
});

suite('what is asked for', () => {
  const asked = (changes: Record<string, string | number> = {}): URLSearchParams => {
    const query = { ...dataQuery({ object, offset: 5, length: 10 }), ...changes };
    return new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]));
  };

  test('arrives as it was, with any bytes in the path', () => {
    assert.deepEqual(decodeDataQuery(asked()), { object, offset: 5, length: 10 });
  });

  test('must lie within the object and its bounds', () => {
    const odd: Record<string, string | number>[] = [
      { offset: object.sizeBytes, length: 1 },
      { offset: -1 },
      { offset: '' },
      { offset: 'x' },
      { offset: 0.5 },
      { length: 0 },
      { length: DATA_BYTES_MAX + 1, size: 2 * DATA_BYTES_MAX },
      { size: 2 ** 60 },
      { path: '!' },
    ];
    for (const changes of odd)
      assert.throws(() => decodeDataQuery(asked(changes)), /Cannot take/, JSON.stringify(changes));
    const missing = asked();
    missing.delete('version');
    assert.throws(() => decodeDataQuery(missing), /version/);
  });
});
