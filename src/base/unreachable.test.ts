import assert from 'node:assert/strict';
import test from 'node:test';
import { unreachable } from './unreachable.ts';

test('unreachable() throws and names the value that should not exist', () => {
  assert.throws(() => unreachable('adrift' as never), { message: 'Cannot handle "adrift": no case for it' });
});
