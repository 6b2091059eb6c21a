import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentRange, fileFacts, retryAfterMs } from './facts.ts';

const MODIFIED = 'Sat, 21 Nov 2026 06:27:59 GMT';

test('fileFacts() has a version that follows ETag, time and size', () => {
  const version = (headers: Record<string, string>): string | undefined => fileFacts(headers)?.version;
  const one = version({ 'content-length': '10', etag: '"a"' });
  assert.notEqual(one, version({ 'content-length': '10', etag: '"b"' }));
  assert.notEqual(one, version({ 'content-length': '11', etag: '"a"' }));
  const timed = version({ 'content-length': '10', 'last-modified': MODIFIED });
  assert.notEqual(timed, version({ 'content-length': '10', 'last-modified': 'Sat, 21 Nov 2026 06:28:00 GMT' }));
  assert.notEqual(timed, version({ 'content-length': '9', 'last-modified': MODIFIED }));
});

test('fileFacts() is the same for the whole file and a range of it, weak or strong', () => {
  const whole = fileFacts({ 'content-length': '10', etag: '"a"', 'last-modified': MODIFIED });
  assert.deepEqual(
    fileFacts({ 'content-length': '3', 'content-range': 'bytes 2-4/10', etag: 'W/"a"', 'last-modified': MODIFIED }),
    whole,
  );
  assert.equal(whole?.mtimeMs, Date.UTC(2026, 10, 21, 6, 27, 59));
});

test('fileFacts() is undefined where a change would go unnoticed', () => {
  assert.equal(fileFacts({ 'content-length': '10' }), undefined);
  assert.equal(fileFacts({ 'content-length': '10', 'last-modified': 'yesterday' }), undefined);
  assert.equal(fileFacts({ etag: '"a"' }), undefined);
  assert.equal(fileFacts({ etag: '"a"', 'content-length': '-1' }), undefined);
});

test('contentRange() reads a range and nothing else', () => {
  assert.deepEqual(contentRange({ 'content-range': 'bytes 0-11/12' }), { first: 0, last: 11, sizeBytes: 12 });
  for (const text of ['bytes */12', 'bytes 0-11/*', '0-11/12', ''])
    assert.equal(contentRange({ 'content-range': text }), undefined);
});

test('retryAfterMs() reads seconds and dates', () => {
  const nowMs = Date.parse(MODIFIED);
  assert.equal(retryAfterMs({ 'retry-after': '3' }, nowMs), 3000);
  assert.equal(retryAfterMs({ 'retry-after': 'Sat, 21 Nov 2026 06:28:04 GMT' }, nowMs), 5000);
  assert.equal(retryAfterMs({ 'retry-after': 'Sat, 21 Nov 2026 06:00:00 GMT' }, nowMs), 0);
  assert.equal(retryAfterMs({ 'retry-after': 'soon' }, nowMs), undefined);
  assert.equal(retryAfterMs({}, nowMs), undefined);
});
