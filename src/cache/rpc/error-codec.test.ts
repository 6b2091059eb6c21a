import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { UfsError, type UfsFault } from '../ufs/index.ts';
import { decodeError, encodeError } from './error-codec.ts';
import { badRequest, busy, RpcError, unreachable } from './errors.ts';

const FAULTS: { [C in UfsFault['code']]: readonly Extract<UfsFault, { code: C }>[] } = {
  'not-found': [{ code: 'not-found', path: 'a/b' }],
  changed: [{ code: 'changed', path: 'a', version: '"etag"' }],
  denied: [{ code: 'denied', path: 'a', why: 'InvalidAccessKeyId' }],
  unavailable: [
    { code: 'unavailable', path: 'a', why: 'SlowDown', retryAfterMs: 1500 },
    { code: 'unavailable', path: 'a', why: 'ECONNREFUSED' },
  ],
  'bad-answer': [{ code: 'bad-answer', path: 'a', why: 'cut short' }],
  'bad-config': [{ code: 'bad-config', what: 'no endpoint' }],
};

function travel(err: unknown): Error {
  return decodeError('there:1', JSON.parse(JSON.stringify(encodeError(err).body)));
}

suite('errors on the wire', () => {
  test('a UfsError of every code arrives as it was', () => {
    for (const fault of Object.values(FAULTS).flat()) {
      const arrived = travel(new UfsError(`Cannot read: ${fault.code}`, fault));
      assert.ok(arrived instanceof UfsError, fault.code);
      assert.deepEqual(arrived.fault, fault);
      assert.equal(arrived.message, `Cannot read: ${fault.code}`);
    }
  });

  test('each code has a status of its own kind', () => {
    const status = (fault: UfsFault): number => encodeError(new UfsError('x', fault)).status;
    assert.deepEqual(
      Object.values(FAULTS).map(([fault]) => status(fault!)),
      [404, 409, 403, 503, 502, 500],
    );
  });

  test('what the other side may tell of itself arrives as RpcError', () => {
    for (const err of [badRequest('no path'), busy('7 are in flight')]) {
      const arrived = travel(err);
      assert.ok(arrived instanceof RpcError);
      assert.deepEqual(arrived.fault, err.fault);
    }
  });

  test('anything else tells nothing of what was inside', () => {
    for (const err of [new Error('secret'), unreachable('secret:1', 'secret'), 'secret']) {
      const arrived = travel(err);
      assert.ok(arrived instanceof RpcError);
      assert.equal(arrived.code, 'broken');
      assert.doesNotMatch(JSON.stringify(encodeError(err)), /secret/);
    }
  });

  test('what is no error of ours is a bad answer', () => {
    const odd: unknown[] = [
      null,
      'text',
      [],
      {},
      { room: 'ufs', code: 'changed' },
      { room: 'ufs', code: 'changed', message: 'x', path: 'a' },
      { room: 'ufs', code: 'unavailable', message: 'x', path: 'a', why: 'b', retryAfterMs: 'soon' },
      { room: 'ufs', code: 'constructor', message: 'x' },
      { room: 'rpc', code: 'unauthorized', message: 'x', address: 'a' },
    ];
    for (const value of odd) {
      const err = decodeError('there:1', value);
      assert.ok(err instanceof RpcError, JSON.stringify(value));
      assert.equal(err.code, 'bad-answer', JSON.stringify(value));
    }
  });
});
