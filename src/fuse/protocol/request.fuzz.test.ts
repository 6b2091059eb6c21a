import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GOOD_FRAMES, requestFrame } from '../../../test/fixtures/fuse-frames/frames.ts';
import { WireError } from './errors.ts';
import { decodeExtensions } from './extensions.ts';
import type { Dialect } from './operations.ts';
import { OPERATIONS } from './operations.ts';
import { decodeRequest } from './request.ts';

const RUNS = { numRuns: 5000 };
const opcodes = Object.values(OPERATIONS).map(({ opcode }) => opcode);
const dialects = fc.record<Dialect>({ minor: fc.integer({ min: 31, max: 45 }), flags: fc.bigInt(0n, 2n ** 64n - 1n) });
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));

/** Decodes, or throws WireError; any other error fails. What it returns lies within the frame. */
function onlyWireErrors(frame: Buffer, dialect: Dialect): void {
  try {
    const request = decodeRequest(frame, dialect);
    assert.ok(request.header.len <= frame.length);
    for (const value of Object.values(request.args ?? {})) {
      if (Buffer.isBuffer(value)) assert.ok(value.length <= frame.length - 40);
    }
    decodeExtensions(frame, request.header);
  } catch (err) {
    if (!(err instanceof WireError)) throw err;
  }
}

test('decodeRequest() throws only WireError on random bytes', () => {
  fc.assert(fc.property(bytes, dialects, onlyWireErrors), RUNS);
});

test('decodeRequest() throws only WireError on a sound header with random arguments', () => {
  const frames = fc
    .tuple(fc.constantFrom(...opcodes), bytes, bytes)
    .map(([opcode, args, tail]) => requestFrame(opcode, [args], tail.subarray(0, tail.length & ~7)));
  fc.assert(fc.property(frames, dialects, onlyWireErrors), RUNS);
});

test('decodeRequest() throws only WireError on good frames with bytes changed', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 });
  const frames = fc.tuple(fc.constantFrom(...GOOD_FRAMES), changes).map(([{ frame }, list]) => {
    const changed = Buffer.from(frame);
    for (const [at, value] of list) changed[at % changed.length] = value;
    return changed;
  });
  fc.assert(fc.property(frames, dialects, onlyWireErrors), RUNS);
});
