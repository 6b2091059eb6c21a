// The plan of a session in a small world of daemons that start, serve, drain, stop and die in any order, and of supervisors
// that die: nobody serves beside another, no wait is endless, and the crew is whole again once the world is left alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  isOver,
  newModel,
  plan,
  START_TIMEOUT_MS,
  unservedSince,
  type Action,
  type Event,
  type Model,
  type PlanConfig,
} from '../../src/recovery/session.plan.ts';

const DEADLINE_MS = 30_000;
const HANG_TIMEOUT_MS = 5_000;

type Order = 'serve' | 'drain' | 'resume' | 'dismiss';
/** A daemon as src/recovery/daemon.ts behaves. */
interface Daemon {
  pid: number;
  phase: 'starting' | 'ready' | 'serving' | 'draining';
  /** Orders it has not read yet. */
  inbox: Order[];
  /** Words its supervisor has not read yet. */
  outbox: Event[];
  stoppedSinceMs: number | undefined;
  leaving: boolean;
  answered: boolean;
}

class World {
  nowMs = 0;
  model: Model;
  readonly daemons = new Map<number, Daemon>();
  startsFail = false;
  servesFail = false;
  unservedSinceMs: number | undefined = 0;
  #nextPid = 1;
  #soon: Event[] = [];

  constructor(config: PlanConfig) {
    this.model = newModel(config, 0, []);
    this.dispatch({ event: 'tick' });
  }

  dispatch(event: Event): void {
    const { model, actions } = plan(this.model, event, this.nowMs);
    this.model = model;
    for (const action of actions) this.#perform(action);
  }

  #perform(action: Action): void {
    switch (action.do) {
      case 'start':
        if (this.startsFail) this.#soon.push({ event: 'start-failed' });
        else {
          const pid = this.#nextPid++;
          this.daemons.set(pid, {
            pid,
            phase: 'starting',
            inbox: [],
            outbox: [],
            stoppedSinceMs: undefined,
            leaving: false,
            answered: false,
          });
          this.#soon.push({ event: 'started', pid });
        }
        return;
      case 'serve':
        for (const other of this.daemons.values()) {
          const serves = other.phase === 'serving' || other.phase === 'draining' || other.inbox.includes('serve');
          assert.ok(other.pid === action.pid || !serves, `${action.pid} is told to serve while ${other.pid} serves`);
        }
        this.daemons.get(action.pid)?.inbox.push('serve');
        return;
      case 'drain':
      case 'resume':
      case 'dismiss':
        this.daemons.get(action.pid)?.inbox.push(action.do);
        return;
      case 'kill':
        this.die(this.daemons.get(action.pid), false);
        return;
      case 'abort':
      case 'end':
        for (const daemon of this.daemons.values()) this.daemons.delete(daemon.pid);
        return;
    }
  }

  /** What the supervisor does as soon as it returns to its loop. */
  settle(): void {
    for (let next = this.#soon.shift(); next !== undefined; next = this.#soon.shift()) this.dispatch(next);
  }

  nth(n: number): Daemon | undefined {
    const all = [...this.daemons.values()];
    return all[n % Math.max(1, all.length)];
  }

  die(daemon: Daemon | undefined, crashed: boolean): void {
    if (daemon === undefined || !this.daemons.delete(daemon.pid)) return;
    this.#soon.push({ event: 'died', pid: daemon.pid, crashed, useful: daemon.answered });
  }

  /** Lets a daemon do one thing. */
  step(daemon: Daemon | undefined): void {
    if (daemon === undefined || daemon.stoppedSinceMs !== undefined) return;
    if (daemon.phase === 'starting') {
      daemon.phase = 'ready';
      daemon.outbox.push({ event: 'reported', pid: daemon.pid, phase: daemon.phase });
      return;
    }
    const order = daemon.inbox.shift();
    if (order === undefined) {
      if (daemon.phase === 'serving') daemon.answered = true;
      if (daemon.phase === 'draining') {
        daemon.phase = 'ready';
        daemon.outbox.push({ event: 'drained', pid: daemon.pid });
      }
    } else if (order === 'serve' && daemon.phase === 'ready') {
      if (this.servesFail) {
        this.die(daemon, true);
        return;
      }
      for (const other of this.daemons.values()) {
        assert.ok(other.phase !== 'serving' && other.phase !== 'draining', `${daemon.pid} serves beside ${other.pid}`);
      }
      daemon.phase = 'serving';
      daemon.answered = false;
      daemon.outbox.push({ event: 'serving', pid: daemon.pid });
    } else if (order === 'drain' && daemon.phase === 'serving') daemon.phase = 'draining';
    else if (order === 'resume' && daemon.phase === 'draining') daemon.phase = 'serving';
    else if (order === 'dismiss') this.die(daemon, false);
  }

  /** The supervisor reads one word of a daemon. */
  hear(daemon: Daemon | undefined): void {
    const word = daemon?.outbox.shift();
    // The supervisor looks whether it lives before it believes a report.
    if (word === undefined || (word.event === 'reported' && !this.daemons.has(word.pid))) return;
    this.dispatch(word);
  }

  leave(daemon: Daemon | undefined): void {
    if (daemon === undefined || daemon.phase === 'starting' || daemon.leaving) return;
    daemon.leaving = true;
    daemon.outbox.push({ event: 'leaving', pid: daemon.pid });
  }

  /** The connection of one daemon breaks, and is made anew: what was under way is lost. */
  disconnect(daemon: Daemon | undefined): void {
    if (daemon === undefined || daemon.phase === 'starting') return;
    daemon.inbox = [];
    this.#reportAnew(daemon);
  }

  /** Another supervisor takes over. Orders that were sent are still read, words that were not heard are lost. */
  replaceSupervisor(): void {
    if (isOver(this.model.session)) return;
    const { config, takeovers, epoch } = this.model;
    this.#soon = [];
    const since = unservedSince(this.model.session);
    this.model = { ...newModel(config, this.nowMs, [...this.daemons.keys()], since), takeovers, epoch };
    for (const daemon of this.daemons.values()) {
      if (daemon.phase === 'starting') continue;
      while (daemon.inbox.length > 0 && daemon.stoppedSinceMs === undefined && this.daemons.has(daemon.pid))
        this.step(daemon);
      daemon.inbox = [];
      this.#reportAnew(daemon);
    }
    this.dispatch({ event: 'tick' });
  }

  #reportAnew(daemon: Daemon): void {
    daemon.outbox = [{ event: 'reported', pid: daemon.pid, phase: daemon.phase }];
    if (daemon.leaving) daemon.outbox.push({ event: 'leaving', pid: daemon.pid });
  }

  pass(durationMs: number): void {
    for (const endMs = this.nowMs + durationMs; this.nowMs < endMs;) {
      this.nowMs += 250;
      for (const daemon of [...this.daemons.values()]) {
        if (daemon.stoppedSinceMs === undefined || this.nowMs - daemon.stoppedSinceMs < HANG_TIMEOUT_MS) continue;
        this.dispatch({ event: 'silent', pid: daemon.pid });
      }
      this.dispatch({ event: 'tick' });
      this.settle();
      this.check();
    }
  }

  check(): void {
    const { session } = this.model;
    const served = [...this.daemons.values()].some(({ phase }) => phase === 'serving' || phase === 'draining');
    if (served || isOver(session)) this.unservedSinceMs = undefined;
    else this.unservedSinceMs ??= this.nowMs;
    const longestMs = DEADLINE_MS + START_TIMEOUT_MS + HANG_TIMEOUT_MS + 1_000;
    assert.ok(
      this.nowMs - (this.unservedSinceMs ?? this.nowMs) <= longestMs,
      `nobody serves since ${this.unservedSinceMs ?? 0}`,
    );
  }

  /** Every daemon does what it is told, and time passes. */
  leaveAlone(durationMs: number): void {
    for (const endMs = this.nowMs + durationMs; this.nowMs < endMs;) {
      for (const daemon of [...this.daemons.values()]) {
        this.step(daemon);
        this.settle();
        this.hear(daemon);
        this.settle();
      }
      this.pass(250);
    }
  }
}

const DAEMON = fc.nat(5);
const CONFIG = fc.record({ standby: fc.boolean(), recoverDeadlineMs: fc.constant(DEADLINE_MS) });

const HAPPENING = fc.oneof(
  { weight: 8, arbitrary: DAEMON.map((n) => ({ does: `step ${n}`, act: (world: World) => world.step(world.nth(n)) })) },
  { weight: 8, arbitrary: DAEMON.map((n) => ({ does: `hear ${n}`, act: (world: World) => world.hear(world.nth(n)) })) },
  { weight: 3, arbitrary: fc.constant({ does: 'settle', act: (world: World) => world.settle() }) },
  {
    weight: 3,
    arbitrary: DAEMON.map((n) => ({ does: `kill ${n}`, act: (world: World) => world.die(world.nth(n), false) })),
  },
  {
    weight: 1,
    arbitrary: DAEMON.map((n) => ({ does: `crash ${n}`, act: (world: World) => world.die(world.nth(n), true) })),
  },
  {
    weight: 1,
    arbitrary: DAEMON.map((n) => ({ does: `leave ${n}`, act: (world: World) => world.leave(world.nth(n)) })),
  },
  {
    weight: 1,
    arbitrary: DAEMON.map((n) => ({ does: `disconnect ${n}`, act: (world: World) => world.disconnect(world.nth(n)) })),
  },
  {
    weight: 1,
    arbitrary: DAEMON.map((n) => ({
      does: `stop ${n}`,
      act: (world: World) => {
        const daemon = world.nth(n);
        if (daemon !== undefined) daemon.stoppedSinceMs ??= world.nowMs;
      },
    })),
  },
  {
    weight: 1,
    arbitrary: CONFIG.map((config) => ({
      does: 'restart',
      act: (world: World) => world.dispatch({ event: 'restart', config }),
    })),
  },
  {
    weight: 1,
    arbitrary: fc.constant({ does: 'replace supervisor', act: (world: World) => world.replaceSupervisor() }),
  },
  {
    weight: 3,
    arbitrary: fc
      .integer({ min: 1, max: 60 })
      .map((n) => ({ does: `pass ${n}`, act: (world: World) => world.pass(n * 250) })),
  },
  {
    weight: 1,
    arbitrary: fc.boolean().map((fail) => ({
      does: `starts fail: ${String(fail)}`,
      act: (world: World) => {
        world.startsFail = fail;
      },
    })),
  },
  {
    weight: 1,
    arbitrary: fc.boolean().map((fail) => ({
      does: `serves fail: ${String(fail)}`,
      act: (world: World) => {
        world.servesFail = fail;
      },
    })),
  },
);

const happenings = fc.array(
  HAPPENING.map((each) => ({ ...each, [fc.toStringMethod]: () => each.does })),
  {
    minLength: 20,
    maxLength: 150,
  },
);

test('plan() never has two daemons serve, whatever happens', () => {
  fc.assert(
    fc.property(CONFIG, happenings, (config, all) => {
      const world = new World(config);
      for (const { act } of all) {
        act(world);
        world.check();
      }
    }),
    { numRuns: 1_000 },
  );
});

test('plan() brings a session that is left alone to an end or to a whole crew', () => {
  fc.assert(
    fc.property(CONFIG, happenings, (config, all) => {
      const world = new World(config);
      for (const { act } of all) {
        act(world);
        world.check();
      }
      world.settle();
      world.startsFail = false;
      world.servesFail = false;
      world.leaveAlone(90_000);
      const { model, daemons } = world;
      if (model.session.state === 'aborted') {
        assert.equal(daemons.size, 0);
        return;
      }
      const wanted = model.config.standby ? 2 : 1;
      assert.partialDeepStrictEqual(model.session, { state: 'serving', confirmed: true });
      assert.deepEqual(
        [...daemons.keys()].sort(),
        model.workers.map(({ pid }) => pid).sort(),
        'the plan knows other daemons than there are',
      );
      assert.equal(daemons.size, wanted);
      assert.equal([...daemons.values()].filter(({ phase }) => phase === 'serving').length, 1);
      assert.ok(model.workers.every(({ leaving, epoch }) => !leaving && epoch === model.epoch));
    }),
    { numRuns: 1_000 },
  );
});

test('plan() gives a session up whose daemons all fail', () => {
  fc.assert(
    fc.property(CONFIG, fc.boolean(), fc.nat(20), (config, startsFail, steps) => {
      const world = new World(config);
      for (let i = 0; i < steps; i++) {
        world.step(world.nth(i));
        world.settle();
        world.hear(world.nth(i));
      }
      world.startsFail = startsFail;
      world.servesFail = !startsFail;
      for (const daemon of [...world.daemons.values()]) world.die(daemon, false);
      world.leaveAlone(2 * DEADLINE_MS);
      assert.equal(world.model.session.state, 'aborted');
      assert.equal(world.daemons.size, 0);
    }),
    { numRuns: 100 },
  );
});
