import assert from 'node:assert/strict';
import test from 'node:test';
import { DeadlineError, sleep, withDeadline } from './deadline.ts';

const never = new Promise<never>(() => {});

test('withDeadline() rejects with code deadline once the time has passed', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const waiting = withDeadline(never, 500, 'the daemon');
  t.mock.timers.tick(500);
  await assert.rejects(waiting, (err: unknown) => {
    assert.ok(err instanceof DeadlineError);
    assert.deepEqual(err.fault, { code: 'deadline', what: 'the daemon', timeoutMs: 500 });
    assert.equal(err.message, 'Cannot wait for the daemon any longer: 500 ms have passed');
    return true;
  });
});

test('withDeadline() passes on what the promise says in time, and clears its timer', async () => {
  const timersBefore = activeTimers();
  assert.equal(await withDeadline(Promise.resolve(7), 3_600_000, 'seven'), 7);
  await assert.rejects(withDeadline(Promise.reject(new Error('no')), 3_600_000, 'a yes'), { message: 'no' });
  assert.equal(activeTimers(), timersBefore);
});

test('withDeadline() drops a rejection that comes after the deadline', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const late = Promise.withResolvers<never>();
  const waiting = withDeadline(late.promise, 10, 'it');
  t.mock.timers.tick(10);
  await assert.rejects(waiting, DeadlineError);
  late.reject(new Error('too late')); // Unhandled, it would fail this test.
});

test('sleep() resolves after the delay, not before', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let awake = false;
  const sleeping = sleep(100).then(() => (awake = true));
  t.mock.timers.tick(99);
  await new Promise(setImmediate); // Whatever was due has run.
  assert.equal(awake, false);
  t.mock.timers.tick(1);
  await sleeping;
});

test('sleep() rejects with the reason of the signal and clears its timer', async () => {
  const timersBefore = activeTimers();
  const stop = new AbortController();
  const sleeping = sleep(3_600_000, stop.signal);
  const reason = new Error('enough');
  stop.abort(reason);
  await assert.rejects(sleeping, reason);
  await assert.rejects(sleep(3_600_000, stop.signal), reason);
  assert.equal(activeTimers(), timersBefore);
});

function activeTimers(): number {
  return process.getActiveResourcesInfo().filter((it) => it === 'Timeout').length;
}
