import assert from 'node:assert/strict';
import test from 'node:test';
import { Fault } from './fault.ts';

type TankFault = { code: 'empty' } | { code: 'leaking'; litersPerHour: number };
class TankError extends Fault<TankFault> {}

test('Fault carries its code, facts, message and cause', () => {
  const cause = new Error('rust');
  const error = new TankError('Cannot fill tank "a": it leaks', { code: 'leaking', litersPerHour: 3 }, { cause });
  assert.deepEqual(error.fault, { code: 'leaking', litersPerHour: 3 });
  assert.equal(error.code, 'leaking');
  assert.equal(error.message, 'Cannot fill tank "a": it leaks');
  assert.equal(error.cause, cause);
});

test('Fault is an Error of its own class, named for it', () => {
  const error = new TankError('Cannot drive: tank is empty', { code: 'empty' });
  assert.ok(error instanceof TankError && error instanceof Fault && error instanceof Error);
  assert.equal(error.name, 'TankError');
  assert.ok(!('cause' in error));
});
