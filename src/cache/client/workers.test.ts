import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createLogger } from '../../base/index.ts';
import type { RpcClient } from '../rpc/index.ts';
import { Workers } from './workers.ts';

const log = createLogger({ write: () => {} });
const OBJECT = '0123456789abcdef01234567';

function threeWorkers(): { workers: Workers; clock: { nowMs: number }; ids: (count?: number) => string[] } {
  const clock = { nowMs: 0 };
  const connect = (address: string): RpcClient => ({ address }) as RpcClient;
  const workers = new Workers({ connect, log, nowMs: () => clock.nowMs });
  workers.update(['a', 'b', 'c'].map((id) => ({ id, address: `${id}:1` })));
  return { workers, clock, ids: (count = 3) => workers.candidates(OBJECT, 0, count).map(({ id }) => id) };
}

suite('Workers', () => {
  test('one that failed is left out, then tried by one request, then asked again by all', () => {
    const { workers, clock, ids } = threeWorkers();
    const [first] = workers.candidates(OBJECT, 0, 1);
    workers.asked(first!);
    workers.failed(first!, new Error('reset'));
    assert.equal(ids().includes(first!.id), false);
    clock.nowMs = 1000;
    assert.equal(ids()[0], first!.id);
    workers.asked(first!);
    assert.equal(ids().includes(first!.id), false, 'only one request tries it');
    workers.succeeded(first!);
    assert.equal(ids()[0], first!.id);
  });

  test('one that goes on failing is tried less and less often, but is', () => {
    const { workers, clock } = threeWorkers();
    const [first] = workers.candidates(OBJECT, 0, 1);
    const triedAtMs: number[] = [];
    for (; clock.nowMs < 100_000; clock.nowMs += 500) {
      if (workers.candidates(OBJECT, 0, 1)[0] !== first) continue;
      workers.asked(first!);
      workers.failed(first!, new Error('refused'));
      triedAtMs.push(clock.nowMs);
    }
    assert.deepEqual(triedAtMs.slice(0, 5), [0, 1000, 3000, 7000, 15_000]);
    assert.ok(triedAtMs.at(-1)! > 80_000);
  });

  test('requests that fail together count once', () => {
    const { workers, clock, ids } = threeWorkers();
    const [first] = workers.candidates(OBJECT, 0, 1);
    for (let at = 0; at < 10; at++) workers.failed(first!, new Error('reset'));
    clock.nowMs = 1000;
    assert.equal(ids()[0], first!.id);
  });

  test('a trial that told nothing does not lock the worker out', () => {
    const { workers, clock, ids } = threeWorkers();
    const [first] = workers.candidates(OBJECT, 0, 1);
    workers.failed(first!, new Error('reset'));
    clock.nowMs = 1000;
    workers.asked(first!);
    workers.gaveUp(first!);
    assert.equal(ids()[0], first!.id);
  });

  test('an update keeps what is known of a worker, unless it has another address', () => {
    const { workers, ids } = threeWorkers();
    const [first, second] = workers.candidates(OBJECT, 0, 2);
    for (const worker of [first!, second!]) workers.failed(worker, new Error('reset'));
    workers.update([first!, { ...second!, address: 'elsewhere:1' }]);
    assert.deepEqual(ids(), [second!.id]);
    assert.equal(workers.setAsideCount, 1);
    assert.deepEqual(
      workers.lastResorts(OBJECT, 0, 3).map(({ id }) => id),
      [first!.id, second!.id],
    );
  });
});
