import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  DRAIN_TIMEOUT_MS,
  newModel,
  plan,
  REPORT_TIMEOUT_MS,
  SPARE_DELAY_MS,
  START_TIMEOUT_MS,
  type Action,
  type Event,
  type Model,
  type PlanConfig,
} from './session.plan.ts';

const DEADLINE_MS = 60_000;
const ALONE: PlanConfig = { standby: false, recoverDeadlineMs: DEADLINE_MS };
const WITH_STANDBY: PlanConfig = { standby: true, recoverDeadlineMs: DEADLINE_MS };
const TICK: Event = { event: 'tick' };

/** A session being told of events; keeps what the plan said last and in all. */
class Told {
  model: Model;
  nowMs = 1_000;
  actions: Action[] = [];
  readonly all: Action[] = [];

  constructor(config: PlanConfig, awaiting: readonly number[] = []) {
    this.model = newModel(config, this.nowMs, awaiting);
  }

  tell(...events: Event[]): this {
    for (const event of events) {
      const result = plan(this.model, event, this.nowMs);
      this.model = result.model;
      this.actions = result.actions;
      this.all.push(...result.actions);
    }
    return this;
  }

  after(durationMs: number, event: Event = TICK): this {
    this.nowMs += durationMs;
    return this.tell(event);
  }

  starts(): number {
    return this.all.filter((action) => action.do === 'start').length;
  }
}

const started = (pid: number): Event => ({ event: 'started', pid });
const ready = (pid: number): Event => ({ event: 'reported', pid, phase: 'ready' });
const confirms = (pid: number): Event => ({ event: 'serving', pid });
const killed = (pid: number, useful = true): Event => ({ event: 'died', pid, crashed: false, useful });
const crashed = (pid: number, useful = false): Event => ({ event: 'died', pid, crashed: true, useful });

/** Daemon 1 serves, alone. */
const serving = (): Told => new Told(ALONE).tell(TICK, started(1), ready(1), confirms(1));
/** Daemon 1 serves, 2 stands by. */
const servingWithStandby = (): Told =>
  new Told(WITH_STANDBY).tell(TICK, started(1), started(2), ready(1), ready(2), confirms(1));
/** Daemon 1 drains for 2. */
const handingOver = (): Told => serving().tell({ event: 'restart', config: ALONE }, started(2), ready(2));

suite('plan(), the paths of a session', () => {
  test('plan() starts one daemon, and tells it to serve once it is ready', () => {
    const told = new Told(ALONE).tell(TICK);
    assert.deepEqual(told.actions, [{ do: 'start' }]);
    assert.deepEqual(told.tell(started(1)).actions, []);
    assert.deepEqual(told.tell(ready(1)).actions, [{ do: 'serve', pid: 1, cause: 'start' }]);
    assert.deepEqual(told.tell(confirms(1)).actions, []);
    assert.partialDeepStrictEqual(told.model.session, { state: 'serving', pid: 1, confirmed: true });
    assert.equal(told.model.takeovers, 0);
  });

  test('plan() starts two daemons where a standby is wanted, and one serves', () => {
    const told = servingWithStandby();
    assert.equal(told.starts(), 2);
    assert.deepEqual(
      told.all.filter((action) => action.do === 'serve').map(({ pid }) => pid),
      [1],
    );
  });

  test('plan() has the standby serve in the same step in which the daemon died, and starts another a little later', () => {
    const told = servingWithStandby().tell(killed(1));
    assert.deepEqual(told.actions, [{ do: 'serve', pid: 2, cause: 'killed' }]);
    assert.deepEqual(told.after(SPARE_DELAY_MS).actions, [{ do: 'start' }]);
    assert.equal(told.model.takeovers, 1);
  });

  test('plan() starts a daemon at once when the only one was killed', () => {
    const told = serving().tell(killed(1));
    assert.deepEqual(told.actions, [{ do: 'start' }]);
    assert.partialDeepStrictEqual(told.model.session, { state: 'recovering', cause: 'killed' });
    assert.deepEqual(told.tell(started(2), ready(2)).actions, [{ do: 'serve', pid: 2, cause: 'killed' }]);
  });

  test('plan() tells the successor that the daemon crashed by itself', () => {
    assert.deepEqual(servingWithStandby().tell(crashed(1, true)).actions[0], { do: 'serve', pid: 2, cause: 'crashed' });
  });

  test('plan() replaces a standby that died, and the session does not notice', () => {
    const told = servingWithStandby().tell(killed(2, false));
    assert.deepEqual(told.actions, [{ do: 'start' }]);
    assert.partialDeepStrictEqual(told.model.session, { state: 'serving', pid: 1 });
    assert.equal(told.model.takeovers, 0);
  });

  test('plan() hands over only once the new daemon is ready: drain, then serve, then dismiss', () => {
    const told = serving().tell({ event: 'restart', config: ALONE });
    assert.deepEqual(told.actions, [{ do: 'start' }]);
    assert.deepEqual(told.tell(started(2)).actions, []);
    assert.deepEqual(told.tell(ready(2)).actions, [{ do: 'drain', pid: 1 }]);
    assert.deepEqual(told.tell({ event: 'drained', pid: 1 }).actions, [{ do: 'serve', pid: 2, cause: 'drained' }]);
    assert.deepEqual(told.tell(confirms(2)).actions, [{ do: 'dismiss', pid: 1 }]);
  });

  test('plan() lets the old daemon go on when the new one dies while it drains', () => {
    const told = handingOver().tell(killed(2, false));
    assert.deepEqual(told.actions, [{ do: 'resume', pid: 1 }, { do: 'start' }]);
    assert.partialDeepStrictEqual(told.model.session, { state: 'serving', pid: 1, confirmed: true });
  });

  test('plan() has the old daemon serve anew when it had drained before it was told to go on', () => {
    const told = handingOver().tell(killed(2, false), { event: 'drained', pid: 1 });
    assert.deepEqual(told.actions[0], { do: 'serve', pid: 1, cause: 'drained' });
  });

  test('plan() has the new daemon serve when the old one dies while it drains', () => {
    assert.deepEqual(handingOver().tell(killed(1)).actions[0], { do: 'serve', pid: 2, cause: 'killed' });
  });

  test('plan() kills a daemon that does not finish draining in time, and its successor gets what it left', () => {
    const told = handingOver();
    assert.deepEqual(told.after(DRAIN_TIMEOUT_MS - 1).actions, []);
    assert.partialDeepStrictEqual(told.after(1).actions, [{ do: 'kill', pid: 1 }]);
    assert.deepEqual(told.tell(killed(1)).actions[0], { do: 'serve', pid: 2, cause: 'killed' });
  });

  test('plan() replaces a daemon that was asked to go, and it serves until then', () => {
    const told = serving().tell({ event: 'leaving', pid: 1 });
    assert.deepEqual(told.actions, [{ do: 'start' }]);
    assert.partialDeepStrictEqual(told.model.session, { state: 'serving', pid: 1 });
    assert.deepEqual(told.tell(started(2), ready(2)).actions, [{ do: 'drain', pid: 1 }]);
    told.tell({ event: 'drained', pid: 1 });
    assert.deepEqual(told.tell(confirms(2)).actions, [{ do: 'dismiss', pid: 1 }]);
  });

  test('plan() replaces standby and daemon at a restart, and no daemon of before stays', () => {
    const told = servingWithStandby().tell({ event: 'restart', config: WITH_STANDBY });
    assert.deepEqual(told.actions, [{ do: 'start' }, { do: 'start' }]);
    told.tell(started(3), started(4), ready(3), { event: 'drained', pid: 1 }, ready(4), confirms(3));
    assert.deepEqual(
      told.model.workers.map(({ pid }) => pid),
      [3, 4],
    );
    assert.deepEqual(
      told.all.filter((action) => action.do === 'dismiss').map(({ pid }) => pid),
      [1, 2],
    );
  });

  test('plan() has an old standby serve when the daemon dies in the middle of a restart: better than waiting', () => {
    const told = servingWithStandby().tell(
      { event: 'restart', config: WITH_STANDBY },
      started(3),
      started(4),
      killed(1),
    );
    assert.deepEqual(told.actions[0], { do: 'serve', pid: 2, cause: 'killed' });
  });

  test('plan() dismisses the standby when a restart turns it off', () => {
    const told = servingWithStandby().tell({ event: 'restart', config: ALONE }, started(3), ready(3));
    told.tell({ event: 'drained', pid: 1 }, confirms(3));
    assert.deepEqual(
      told.model.workers.map(({ pid }) => pid),
      [3],
    );
  });

  test('plan() kills a daemon that does not answer, and one that does not become ready', () => {
    assert.partialDeepStrictEqual(serving().tell({ event: 'silent', pid: 1 }).actions, [{ do: 'kill', pid: 1 }]);
    const told = new Told(ALONE).tell(TICK, started(1));
    assert.deepEqual(told.after(START_TIMEOUT_MS).actions, []);
    assert.partialDeepStrictEqual(told.after(1).actions, [{ do: 'kill', pid: 1 }]);
  });

  test('plan() kills a daemon that was told to serve and does not say that it does', () => {
    const told = new Told(ALONE).tell(TICK, started(1), ready(1));
    assert.deepEqual(told.after(START_TIMEOUT_MS).actions, []);
    assert.partialDeepStrictEqual(told.after(1).actions, [{ do: 'kill', pid: 1 }]);
  });

  test('plan() tells a daemon again to serve when it comes back and was not reached', () => {
    const told = new Told(ALONE).tell(TICK, started(1), ready(1), ready(1));
    assert.deepEqual(told.actions, [{ do: 'serve', pid: 1, cause: 'start' }]);
  });
});

suite('plan(), deadlines', () => {
  test('plan() gives a session up whose daemons die whenever they are told to serve', () => {
    const told = serving().tell(killed(1));
    let pid = 1;
    for (const endMs = told.nowMs + 2 * DEADLINE_MS; told.nowMs < endMs; told.after(250)) {
      while (told.model.startsUnderWay > 0) told.tell(started(++pid), ready(pid), crashed(pid));
    }
    assert.equal(told.model.session.state, 'aborted');
  });

  test('plan() gives the session up when no daemon served until the deadline, not before', () => {
    const told = serving().tell(killed(1), { event: 'start-failed' });
    assert.ok(!told.after(DEADLINE_MS - 1).actions.some((action) => action.do === 'abort'));
    assert.deepEqual(told.after(1).actions, [{ do: 'abort', why: 'no daemon served within 60000 ms' }]);
    assert.equal(told.model.session.state, 'aborted');
  });

  test('plan() counts the deadline from the death of the last daemon that served, however many die afterwards', () => {
    const told = serving().tell(killed(1));
    for (let pid = 2; pid < 8; pid++) told.after(9_000, started(pid)).tell(killed(pid, false));
    assert.deepEqual(told.after(6_000).actions.at(-1)?.do, 'abort');
  });

  test('plan() does nothing any more once a session was given up', () => {
    const told = serving().tell({ event: 'connection-over', unmounted: false });
    assert.deepEqual(told.actions, [{ do: 'abort', why: 'the connection was aborted' }]);
    for (const event of [killed(1), ready(7), TICK, { event: 'restart', config: ALONE } as const]) {
      assert.deepEqual(told.tell(event).actions, []);
    }
  });

  test('plan() ends the session at the unmount, once', () => {
    const told = serving().tell({ event: 'connection-over', unmounted: true });
    assert.deepEqual(told.actions, [{ do: 'end' }]);
    assert.deepEqual(told.tell({ event: 'connection-over', unmounted: true }).actions, []);
  });
});

suite('plan(), daemons that die at once', () => {
  test('plan() starts at most 10 daemons within 10 s when each of them dies at its start', () => {
    const told = new Told(ALONE).tell(TICK);
    for (let pid = 1, alive = 0; told.nowMs < 11_000; told.after(1)) {
      if (told.starts() <= alive) continue;
      alive++;
      told.tell(started(pid), crashed(pid));
      pid++;
    }
    assert.ok(told.starts() >= 6 && told.starts() <= 10, `${told.starts()} starts`);
  });

  test('plan() starts at most 10 daemons within 10 s when none can be started', () => {
    const told = new Told(ALONE).tell(TICK);
    for (let failed = 0; told.nowMs < 11_000; told.after(1)) {
      for (; failed < told.starts(); failed++) told.tell({ event: 'start-failed' });
    }
    assert.ok(told.starts() >= 6 && told.starts() <= 10, `${told.starts()} starts`);
  });

  test('plan() starts anew without a pause after a daemon that had been of use, however often that happens', () => {
    const told = serving();
    for (let pid = 1; pid < 30; pid++) {
      assert.deepEqual(told.tell(killed(pid)).actions, [{ do: 'start' }]);
      told.tell(started(pid + 1), ready(pid + 1), confirms(pid + 1));
    }
    assert.equal(told.model.fruitless, 0);
  });

  test('plan() does not count it against the daemons when a ready one is killed from outside', () => {
    const told = servingWithStandby();
    for (let pid = 2; pid < 20; pid++) told.tell(killed(pid, false), started(pid + 1), ready(pid + 1));
    assert.equal(told.model.fruitless, 0);
  });
});

suite('plan(), daemons that outlived their supervisor', () => {
  test('plan() starts nobody and lets nobody serve before all of them reported', () => {
    const told = new Told(WITH_STANDBY, [1, 2]).tell(TICK);
    assert.deepEqual(told.actions, []);
    assert.deepEqual(told.tell(ready(2)).actions, []);
    assert.deepEqual(told.tell({ event: 'reported', pid: 1, phase: 'serving' }).actions, []);
    assert.partialDeepStrictEqual(told.model.session, { state: 'serving', pid: 1, confirmed: true });
  });

  test('plan() has one that is ready serve when the one that served is dead', () => {
    const told = new Told(WITH_STANDBY, [1, 2]).tell(TICK, ready(2));
    assert.deepEqual(told.tell(killed(1, false)).actions, [{ do: 'serve', pid: 2, cause: 'killed' }]);
  });

  test('plan() kills those that do not report in time', () => {
    const told = new Told(ALONE, [1]).tell(TICK);
    assert.deepEqual(told.after(REPORT_TIMEOUT_MS - 1).actions, []);
    assert.partialDeepStrictEqual(told.after(1).actions, [{ do: 'kill', pid: 1 }]);
    assert.deepEqual(told.tell(killed(1, false)).actions, [{ do: 'start' }]);
  });

  test('plan() waits for one that is still draining before another serves, and not for ever', () => {
    const told = new Told(WITH_STANDBY, [1, 2]).tell({ event: 'reported', pid: 1, phase: 'draining' }, ready(2));
    assert.ok(!told.all.some((action) => action.do === 'serve'));
    assert.partialDeepStrictEqual(
      told.after(DRAIN_TIMEOUT_MS).actions.find((action) => action.do === 'kill'),
      { do: 'kill', pid: 1 },
    );
    assert.deepEqual(told.tell({ event: 'drained', pid: 1 }).actions[0]?.do, 'serve');
  });
});

test('plan() takes every event in every state, and leaves the model it was given alone', () => {
  const states: Told[] = [
    new Told(ALONE),
    new Told(ALONE, [1]),
    serving(),
    servingWithStandby(),
    handingOver(),
    serving().tell(killed(1)),
    serving().tell({ event: 'connection-over', unmounted: false }),
    serving().tell({ event: 'connection-over', unmounted: true }),
  ];
  const eventsOf = (pid: number): Event[] => [
    started(pid),
    { event: 'start-failed' },
    ...(['starting', 'ready', 'serving', 'draining'] as const).map(
      (phase) => ({ event: 'reported', pid, phase }) as const,
    ),
    confirms(pid),
    { event: 'drained', pid },
    { event: 'leaving', pid },
    killed(pid),
    crashed(pid),
    { event: 'silent', pid },
    { event: 'restart', config: WITH_STANDBY },
    { event: 'connection-over', unmounted: true },
    { event: 'connection-over', unmounted: false },
    TICK,
  ];
  for (const { model, nowMs } of states) {
    for (const event of [1, 2, 99].flatMap(eventsOf)) {
      const before = JSON.stringify(model);
      const { model: after, actions } = plan(model, event, nowMs);
      assert.equal(JSON.stringify(model), before, event.event);
      assert.ok(actions.filter((action) => action.do === 'serve').length <= 1);
      const over = model.session.state === 'aborted' || model.session.state === 'ended';
      if (over) assert.equal(after.session.state, model.session.state);
    }
  }
});
