import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { decodeEntries, EntryWriter, RECORD_BYTES_MAX, type WireEntry } from './entry-codec.ts';

const FILE: WireEntry = {
  name: Buffer.from('a.bin'),
  kind: 'file',
  ino: 7,
  sizeBytes: 2 ** 40 + 1,
  mtimeMs: 1700000000123.5,
  version: 'm1:"etag"',
  posix: undefined,
  target: undefined,
};

function encode(entries: readonly WireEntry[]): Buffer {
  const writer = new EntryWriter(1024 * 1024);
  for (const entry of entries) assert.ok(writer.put(entry.name, entry));
  return Buffer.from(writer.take());
}

const PLAIN = { noNullPrototype: true };
const bytes = (maxLength: number) => fc.uint8Array({ minLength: 1, maxLength }).map((it) => Buffer.from(it));
const entries = fc.array(
  fc.record(
    {
      name: bytes(255),
      kind: fc.constantFrom('file' as const, 'folder' as const),
      ino: fc.maxSafeNat(),
      sizeBytes: fc.maxSafeNat(),
      mtimeMs: fc.integer().map((it) => it / 2),
      version: fc.string({ unit: 'grapheme', maxLength: 80 }),
      posix: fc.option(fc.record({ mode: fc.nat(0o7777), uid: fc.nat(), gid: fc.nat() }, PLAIN), { nil: undefined }),
      target: fc.constant(undefined),
    },
    PLAIN,
  ),
);

test('any entries come back as they were', () => {
  fc.assert(
    fc.property(entries, (list) => {
      const wire = encode(list);
      const got = decodeEntries(wire, 'test');
      wire.fill(0xee); // the memory is the giver's own again
      assert.deepEqual(got, list);
    }),
  );
});

test('a link carries its target', () => {
  const link: WireEntry = { ...FILE, kind: 'link', sizeBytes: 4, version: '', target: Buffer.from('../x') };
  assert.deepEqual(decodeEntries(encode([link]), 'test'), [link]);
});

test('records that were cut are refused, wherever the cut is', () => {
  const one = encode([FILE]);
  const wire = Buffer.concat([one, one]);
  for (let cut = 1; cut < wire.length; cut++) {
    if (cut === one.length) continue;
    assert.throws(() => decodeEntries(wire.subarray(0, cut), 'test'), { code: 'bad-answer' }, `cut at ${cut}`);
  }
});

test('whatever arrives, it is entries or refused', () => {
  fc.assert(
    fc.property(entries, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), (list, flips) => {
      const wire = encode([FILE, ...list]);
      for (const [at, value] of flips) wire[at % wire.length] = value;
      try {
        for (const entry of decodeEntries(wire, 'test')) {
          assert.ok(Number.isSafeInteger(entry.ino) && Number.isSafeInteger(entry.sizeBytes));
        }
      } catch (err) {
        assert.equal((err as { code?: string }).code, 'bad-answer', String(err));
      }
    }),
    { numRuns: 500 },
  );
});

test('a writer that is full says so, and goes on once what it has is taken', () => {
  const writer = new EntryWriter(0);
  const name = Buffer.alloc(60_000, 'n');
  let count = 0;
  while (writer.put(name, FILE)) count += 1;
  assert.ok(count >= 1 && writer.lengthBytes <= RECORD_BYTES_MAX);
  assert.equal(decodeEntries(writer.take(), 'test').length, count);
  assert.ok(writer.put(name, FILE));
});
