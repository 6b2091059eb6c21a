import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WireError } from './errors.ts';
import { readI64, readLastName, readU64, writeBytes, writeI64, writeU64 } from './words.ts';

const MAX = Number.MAX_SAFE_INTEGER;

test('writeI64() and readI64() agree with BigInt on every safe integer', () => {
  const buf = Buffer.alloc(8);
  fc.assert(
    fc.property(
      fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, -0, -1, MAX, -MAX, -(2 ** 32), 2 ** 32 - 1)),
      (value) => {
        writeI64(buf, value, 0);
        assert.equal(buf.readBigInt64LE(0), BigInt(value));
        assert.equal(readI64(buf, 0, 'it'), value + 0);
      },
    ),
  );
});

test('readU64() and readI64() read any 64 bits exactly or refuse them', () => {
  const buf = Buffer.alloc(8);
  const words = fc.oneof(
    fc.bigInt(0n, 2n ** 64n - 1n),
    fc.bigInt(2n ** 53n - 3n, 2n ** 53n + 3n),
    fc.bigInt(-(2n ** 53n) - 3n, -(2n ** 53n) + 3n),
  );
  fc.assert(
    fc.property(words, (word) => {
      buf.writeBigUInt64LE(BigInt.asUintN(64, word));
      for (const [read, expected] of [
        [readU64, buf.readBigUInt64LE()],
        [readI64, buf.readBigInt64LE()],
      ] as const) {
        if (expected >= -MAX && expected <= MAX) assert.equal(BigInt(read(buf, 0, 'it')), expected);
        else assert.throws(() => read(buf, 0, 'it'), WireError);
      }
    }),
  );
});

test('writeU64() throws RangeError for what is not an unsigned safe integer', () => {
  for (const value of [-1, 0.5, 2 ** 53, NaN, Infinity]) {
    assert.throws(() => writeU64(Buffer.alloc(8), value, 0), RangeError);
  }
});

test('readLastName() returns a view without the NUL; an empty name is a name', () => {
  assert.deepEqual(readLastName(Buffer.from('abc\0'), 1, 'name'), Buffer.from('bc'));
  assert.equal(readLastName(Buffer.from('\0'), 0, 'name').length, 0);
});

test('writeBytes() throws RangeError instead of cutting', () => {
  assert.throws(() => writeBytes(Buffer.alloc(3), Buffer.from('abc'), 1), RangeError);
});
