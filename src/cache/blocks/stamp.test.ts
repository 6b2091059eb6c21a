import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createLogger } from '../../base/index.ts';
import { encodeHeader, headerSum, RECORD_BYTES } from './block-format.ts';
import { BLOCK_BYTES } from './block-store.ts';
import { openBlockStore } from './open.ts';
import { decodeStamp, encodeStamp, fileStamp, STAMP_AGE_MS_MAX } from './stamp.ts';

const path = mkdtempSync(join(tmpdir(), 'evermount-stamp-test-'));
after(() => rmSync(path, { recursive: true }));

test('a stamp says again what was put into it, and nothing once a bit is flipped', () => {
  const stamp = 's'.repeat(40);
  const bytes = encodeStamp(stamp, 123, 7);
  assert.deepEqual(decodeStamp(bytes, 7), { stamp, verifiedMs: 123 });
  assert.equal(decodeStamp(bytes, 8), undefined);
  assert.equal(decodeStamp(encodeStamp(stamp, 123, 7, 1), 7), undefined, 'of another boot');
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(decodeStamp(bytes, 7), undefined, `bit ${bit}`);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
  }
});

test('fileStamp() changes with every write to the file', () => {
  const file = join(path, 'file');
  const fd = openSync(file, 'w+');
  const before = fileStamp(fd);
  assert.equal(fileStamp(fd), before);
  writeSync(fd, 'x');
  assert.notEqual(fileStamp(fd), before);
  closeSync(fd);
  assert.equal(fileStamp(-1), undefined);
});

test('a medium that decayed unseen by stat is found once the stamp is too old', async () => {
  let nowMs = Date.now();
  const config = { tiers: [{ medium: 'SSD' as const, paths: [{ path, quotaBytes: 1e9 }] }] };
  const store = openBlockStore(config, { log: createLogger({ write: () => {} }), nowMs: () => nowMs });
  const object = 'ab'.repeat(12);
  const info = {
    object,
    index: 0,
    path: Buffer.from('p'),
    version: 'v',
    objectBytes: BLOCK_BYTES,
    segmentBytes: BLOCK_BYTES,
  };
  const first = store.open(info)!;
  await first.write(0, Buffer.alloc(BLOCK_BYTES, 7));
  first.close();

  // A byte flipped, and a stamp made to match: what stat would show of a decayed medium.
  const folder = join(path, 'evermount-blocks', object.charAt(0));
  assert.deepEqual(readdirSync(folder).sort(), [`${object}-0.data`, `${object}-0.sum`]);
  const data = openSync(join(folder, `${object}-0.data`), 'r+');
  writeSync(data, 'x', 1000);
  const header = encodeHeader(info)!;
  const sidecar = openSync(join(folder, `${object}-0.sum`), 'r+');
  const stamp = encodeStamp(fileStamp(data)!, nowMs, headerSum(header) >>> 1);
  writeSync(sidecar, stamp, 0, stamp.length, Math.ceil(header.length / RECORD_BYTES) * RECORD_BYTES);
  for (const fd of [data, sidecar]) closeSync(fd);

  const segment = store.open(info)!;
  const believed = await segment.openWhole();
  assert.ok(believed !== undefined, 'the stamp is believed while it is young');
  closeSync(believed);
  const into = Buffer.alloc(10);
  assert.equal(segment.read(1000, into), 10);
  assert.equal(
    into.toString('latin1', 0, 1),
    'x',
    'reads believe it too: a medium is not looked at again within the week',
  );
  nowMs += STAMP_AGE_MS_MAX + 1;
  assert.equal(await segment.openWhole(), undefined);
  assert.equal(segment.has(0), false);
  assert.equal(store.usage().damagedBlocks, 1);
  segment.close();
  await store.close();
});
