import assert from 'node:assert/strict';
import test from 'node:test';
import { decodeLoadSpec, decodeLoadStatus, encodeLoadSpec, encodeLoadStatus, NO_PROGRESS } from './load.ts';

const SPEC = { paths: [Buffer.from([0x61, 0xff]), Buffer.alloc(0)], refresh: true, metadataOnly: true, replicas: 2 };
const viaJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('a load job arrives as it was sent, odd names included', () => {
  assert.deepEqual(decodeLoadSpec(viaJson(encodeLoadSpec(SPEC))), SPEC);
});

test('the status of a load job arrives as it was sent', () => {
  const failures = [{ path: Buffer.from([0xfe]), why: 'denied' }];
  const progress = { ...NO_PROGRESS, state: 'running' as const, loadedBytes: 7, failedFiles: 1, failures };
  const status = { id: 'a', spec: SPEC, progress };
  assert.deepEqual(decodeLoadStatus(viaJson(encodeLoadStatus(status))), status);
});

test('a load job that makes no sense is refused', () => {
  const good = { paths: [''], refresh: false, replicas: 1 };
  for (const bad of [
    undefined,
    {},
    { ...good, paths: [] },
    { ...good, paths: [1] },
    { ...good, paths: ['%'] },
    { ...good, replicas: 0 },
    { ...good, replicas: 1.5 },
    { ...good, refresh: 'yes' },
    { ...good, metadataOnly: 1 },
  ]) {
    assert.throws(() => decodeLoadSpec(bad), { code: 'bad-request' }, JSON.stringify(bad));
  }
});
