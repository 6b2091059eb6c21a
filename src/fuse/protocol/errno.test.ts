import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRNO, errnoName } from './errno.ts';

test('errnoName() knows the numbers it has, with either sign', () => {
  assert.equal(errnoName(ERRNO.ENOENT), 'ENOENT');
  assert.equal(errnoName(-38), 'ENOSYS');
  assert.equal(errnoName(511), 'errno 511');
});
