import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  badGrain,
  decodeHeader,
  decodeRecord,
  decodeTail,
  encodeHeader,
  encodeRecord,
  encodeTail,
  GRAIN_BYTES,
  hasOtherHeader,
  PATH_BYTES_MAX,
  RECORD_BYTES,
  segmentSize,
  sumGrains,
  tailLength,
} from './block-format.ts';

const MIB = 1024 * 1024;
const info = {
  object: '0123456789abcdef01234567',
  index: 3,
  path: Buffer.from([0x61, 0xff, 0x2f, 0x0a]),
  version: 'étag',
  objectBytes: 3.5 * MIB,
  segmentBytes: MIB,
};
const header = encodeHeader(info)!;

test('a header says again what was put into it', () => {
  assert.deepEqual(decodeHeader(Buffer.concat([header, Buffer.from('more')])), { info, headerBytes: header.length });
});

test('a header with any bit flipped, or cut short, is none', () => {
  for (let bit = 0; bit < 8 * header.length; bit++) {
    const flipped = Buffer.from(header);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(decodeHeader(flipped), undefined, `bit ${bit}`);
  }
  for (let length = 0; length < header.length; length++)
    assert.equal(decodeHeader(header.subarray(0, length)), undefined, `${length} bytes`);
});

test('what no header can hold has none', () => {
  assert.equal(encodeHeader({ ...info, path: Buffer.alloc(PATH_BYTES_MAX + 1) }), undefined);
});

test('segments of another length are told from damage', () => {
  const other = encodeHeader({ ...info, segmentBytes: 2 * MIB })!;
  assert.equal(hasOtherHeader(other, header), true);
  assert.equal(hasOtherHeader(header, header), false);
  assert.equal(hasOtherHeader(Buffer.alloc(200), header), false);
});

test('segmentSize() knows the short last segment, the empty object, and what does not exist', () => {
  const sizeOf = (index: number, objectBytes: number): number | undefined =>
    segmentSize({ ...info, index, objectBytes });
  assert.deepEqual(
    [sizeOf(0, 3.5 * MIB), sizeOf(3, 3.5 * MIB), sizeOf(4, 3.5 * MIB), sizeOf(0, 0), sizeOf(1, MIB), sizeOf(-1, MIB)],
    [MIB, MIB / 2, undefined, 0, undefined, undefined],
  );
  assert.equal(sizeOf(0, Number.NaN), undefined);
  assert.equal(segmentSize({ ...info, segmentBytes: MIB - 1 }), undefined);
  assert.equal(segmentSize({ ...info, segmentBytes: 0 }), undefined);
});

test('a record with any bit flipped, or of another block, is not present', () => {
  const bytes = Buffer.alloc(2.2 * MIB, 'data');
  const sums = new Uint32Array(Math.ceil(bytes.length / GRAIN_BYTES));
  sumGrains(bytes, sums, 0);
  const record = encodeRecord(sums, 1, 99);
  const found = new Uint32Array(sums.length);
  assert.equal(decodeRecord(record, found, 1, 99), 'present');
  const grains = MIB / GRAIN_BYTES;
  assert.deepEqual(found.subarray(grains, 2 * grains), sums.subarray(grains, 2 * grains));
  assert.equal(decodeRecord(record, found, 0, 99), 'damaged');
  assert.equal(decodeRecord(Buffer.alloc(RECORD_BYTES), found, 1, 99), 'absent');
  for (let bit = 0; bit < 8 * RECORD_BYTES; bit++) {
    record[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(decodeRecord(record, found, 1, 99), 'damaged', `bit ${bit}`);
    record[bit >> 3]! ^= 1 << (bit & 7);
  }
});

test('a tail with any bit flipped is none', () => {
  const sums = Uint32Array.from([1, 0xffffffff]);
  const bytes = Buffer.alloc(2048);
  const tail = bytes.subarray(10, encodeTail(header, sums, bytes, 10));
  const found = new Uint32Array(2);
  assert.equal(decodeTail(tail, header, found), true);
  assert.deepEqual(found, sums);
  assert.equal(tailLength(tail.subarray(-8)), tail.length);
  for (let bit = 0; bit < 8 * tail.length; bit++) {
    tail[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(decodeTail(tail, header, found), false, `bit ${bit}`);
    tail[bit >> 3]! ^= 1 << (bit & 7);
  }
});

test('badGrain() names the first grain that is wrong', () => {
  const bytes = Buffer.alloc(3 * GRAIN_BYTES + 5, 1);
  const sums = new Uint32Array(6);
  sumGrains(bytes, sums, 2);
  assert.equal(badGrain(bytes, sums, 2), -1);
  bytes[3 * GRAIN_BYTES + 4]! ^= 1;
  assert.equal(badGrain(bytes, sums, 2), 5);
  bytes[GRAIN_BYTES]! ^= 1;
  assert.equal(badGrain(bytes, sums, 2), 3);
});
