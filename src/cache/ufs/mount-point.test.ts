import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UfsError } from './errors.ts';
import { parseMountPoint, schemeOf } from './mount-point.ts';

test('parseMountPoint() takes a storage, with a path before it or not', () => {
  assert.deepEqual(parseMountPoint('s3://bucket/a=b'), { mountPoint: 's3://bucket/a=b', path: '/' });
  assert.deepEqual(parseMountPoint('/x=s3://bucket/a=b'), { mountPoint: 's3://bucket/a=b', path: '/x' });
  assert.deepEqual(parseMountPoint('/a=b=local:/data'), { mountPoint: 'local:/data', path: '/a=b' });
  assert.deepEqual(parseMountPoint('/=https://host/'), { mountPoint: 'https://host/', path: '/' });
});

test('parseMountPoint() refuses what is none, and does not repeat it', () => {
  for (const text of [
    '',
    '/data',
    'data',
    'hdfs://host/',
    '/x=hdfs://host/',
    'x=s3://bucket',
    '/x/=s3://b',
    '//=s3://b',
    '/..=s3://b',
  ]) {
    assert.throws(
      () => parseMountPoint(text),
      (err) => err instanceof UfsError && err.code === 'bad-config',
      text,
    );
  }
  assert.throws(
    () => parseMountPoint('ftp://user:secret@host/'),
    (err) => err instanceof UfsError && !err.message.includes('secret'),
  );
});

test('schemeOf() names what there is', () => {
  assert.equal(schemeOf('S3://bucket'), 's3');
  assert.throws(() => schemeOf('hdfs://host/'), /there is no hdfs:\/\/ \(there are local:\/\/, pvc:\/\/, s3:\/\//);
});
