import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openModifies } from './open.ts';
import { operationName, OPERATIONS } from './operations.ts';
import type { OperationName } from './operations.ts';

const names = Object.keys(OPERATIONS) as OperationName[];

test('operationName() finds every operation by its opcode, and nothing else', () => {
  for (const name of names) assert.equal(operationName(OPERATIONS[name].opcode), name);
  const known = new Set(names.map((name) => OPERATIONS[name].opcode));
  assert.equal(known.size, names.length);
  for (let opcode = 0; opcode <= 53; opcode++) {
    assert.equal(operationName(opcode) !== undefined, known.has(opcode), `opcode ${opcode}`);
  }
  assert.equal(operationName(4096), undefined);
});

test('only what waits for nothing has no reply', () => {
  assert.deepEqual(
    names.filter((name) => OPERATIONS[name].reply === 'none'),
    ['FORGET', 'INTERRUPT', 'NOTIFY_REPLY', 'BATCH_FORGET'],
  );
});

test('a read-only file system refuses exactly these', () => {
  assert.deepEqual(names.filter((name) => OPERATIONS[name].modifies).sort(), [
    'COPY_FILE_RANGE',
    'COPY_FILE_RANGE_64',
    'CREATE',
    'FALLOCATE',
    'LINK',
    'MKDIR',
    'MKNOD',
    'REMOVEXATTR',
    'RENAME',
    'RENAME2',
    'RMDIR',
    'SETATTR',
    'SETXATTR',
    'SYMLINK',
    'TMPFILE',
    'UNLINK',
    'WRITE',
  ]);
});

test('openModifies() is true for any way of writing, and for truncating', () => {
  assert.equal(openModifies(0o0), false);
  assert.equal(openModifies(0o100000 | 0o4000 | 0o2000000), false);
  for (const flags of [0o1, 0o2, 0o3, 0o1000, 0o2001]) assert.equal(openModifies(flags), true);
});
