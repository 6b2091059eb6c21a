import assert from 'node:assert/strict';
import { mock, suite, test, type TestContext } from 'node:test';
import { startHeartbeat, type Heartbeat } from './heartbeat.ts';

const TIMEOUT_MS = 500;
const BEAT_MS = 100;

/** A heartbeat on a clock that only the test moves. */
class Beating implements Disposable {
  pings = 0;
  silences = 0;
  nowMs = 0;
  readonly heartbeat: Heartbeat;

  constructor(t: TestContext) {
    mock.timers.enable({ apis: ['setInterval'] });
    t.mock.method(performance, 'now', () => this.nowMs);
    this.heartbeat = startHeartbeat(TIMEOUT_MS, { ping: () => this.pings++, silent: () => this.silences++ });
  }

  beat(beats: number, answers: boolean): void {
    for (let i = 0; i < beats; i++) {
      this.nowMs += BEAT_MS;
      mock.timers.tick(BEAT_MS);
      if (answers) this.heartbeat.heard();
    }
  }

  [Symbol.dispose](): void {
    this.heartbeat.stop();
    mock.timers.reset();
  }
}

suite('startHeartbeat()', () => {
  test('startHeartbeat() pings and stays content while it is answered', (t) => {
    using beating = new Beating(t);
    beating.beat(100, true);
    assert.equal(beating.pings, 100);
    assert.equal(beating.silences, 0);
  });

  test('startHeartbeat() reports a silence one beat after the timeout at the latest, and again while it lasts', (t) => {
    using beating = new Beating(t);
    beating.beat(5, false);
    assert.equal(beating.silences, 0);
    beating.beat(1, false);
    assert.equal(beating.silences, 1);
    beating.beat(5, false);
    assert.equal(beating.silences, 2);
  });

  test('startHeartbeat() begins anew with every answer', (t) => {
    using beating = new Beating(t);
    for (let i = 0; i < 10; i++) {
      beating.beat(4, false);
      beating.beat(1, true);
    }
    assert.equal(beating.silences, 0);
  });

  test('startHeartbeat() blames nobody for the time in which this process itself did not run', (t) => {
    using beating = new Beating(t);
    beating.beat(4, false);
    beating.nowMs += 60_000;
    beating.beat(5, false);
    assert.equal(beating.silences, 0);
    beating.beat(1, false);
    assert.equal(beating.silences, 1);
  });

  test('startHeartbeat() is still after stop()', (t) => {
    using beating = new Beating(t);
    beating.heartbeat.stop();
    beating.beat(20, false);
    assert.deepEqual([beating.pings, beating.silences], [0, 0]);
  });
});
