// What happens to a session when something happens to its daemons: the whole state machine, as a function of values.
//
// A session is served by at most one daemon. Every daemon starts out 'ready' and serves only when told, so the first start,
// a warm standby, a cold respawn and a planned hand-over are one path. Drawn in docs/ARCHITECTURE.md.
// Invariants: 'serve' is only planned once nobody else serves, that is, the daemon before is dead or drained; every state
// without a serving daemon has a deadline.
import type { TakeoverCause } from '../fuse/session/index.ts';
import { backoffDelayMs, unreachable } from '../base/index.ts';

export type SessionState =
  /** Nobody serves: requests wait. Ends in 'serving', or at the deadline in 'aborted'. */
  | { state: 'recovering'; sinceMs: number; cause: TakeoverCause }
  /** confirmed: it said that it takes requests. unservedSinceMs: when the wait began that it ends; cause: how. */
  | {
      state: 'serving';
      pid: number;
      sinceMs: number;
      confirmed: boolean;
      unservedSinceMs: number;
      cause: TakeoverCause;
    }
  /** The serving daemon takes no more requests and answers those it has; then the other one serves. */
  | { state: 'handing-over'; from: number; to: number; sinceMs: number }
  /** Given up: applications get errors until the unmount. */
  | { state: 'aborted'; sinceMs: number; why: string }
  | { state: 'ended' };

export interface Worker {
  pid: number;
  phase: 'starting' | 'ready' | 'serving' | 'draining';
  sinceMs: number;
  /** Which restart it belongs to: older ones are replaced. */
  epoch: number;
  /** It was asked to go (SIGTERM). */
  leaving: boolean;
  /** Since when it is being killed: a process in an uninterruptible wait survives SIGKILL. */
  doomedSinceMs?: number;
}

export interface PlanConfig {
  standby: boolean;
  recoverDeadlineMs: number;
}

export interface Model {
  config: PlanConfig;
  session: SessionState;
  workers: readonly Worker[];
  epoch: number;
  /** Of daemons found already running: older than `epoch` if the supervisor before died in the middle of a restart. */
  epochOfFound: number;
  /** Daemons that began to serve, less the first. */
  takeovers: number;
  /** Daemons in a row that died without having been of use. */
  fruitless: number;
  startNotBeforeMs: number;
  /** A takeover just happened: the machine's time belongs to those who waited, a new standby can be started later. */
  spareNotBeforeMs: number;
  /** Starts that were asked for and not heard of yet. */
  startsUnderWay: number;
  /** Daemons of a predecessor of this supervisor that have not reported yet: one of them may be serving. */
  awaiting: readonly number[];
  awaitUntilMs: number;
}

export type Event =
  | { event: 'started'; pid: number }
  | { event: 'start-failed' }
  | { event: 'reported'; pid: number; phase: Worker['phase'] }
  | { event: 'serving'; pid: number }
  | { event: 'drained'; pid: number }
  | { event: 'leaving'; pid: number }
  /** Certainly dead. crashed: by itself. useful: it answered something since it was told to serve. */
  | { event: 'died'; pid: number; crashed: boolean; useful: boolean }
  | { event: 'silent'; pid: number }
  | { event: 'restart'; config: PlanConfig }
  | { event: 'connection-over'; unmounted: boolean }
  | { event: 'tick' };

export type Action =
  | { do: 'start' }
  | { do: 'serve'; pid: number; cause: TakeoverCause }
  | { do: 'drain'; pid: number }
  | { do: 'resume'; pid: number }
  | { do: 'dismiss'; pid: number }
  | { do: 'kill'; pid: number; why: string }
  | { do: 'abort'; why: string }
  | { do: 'end' };

/** A daemon that is not ready by then is killed. */
export const START_TIMEOUT_MS = 20_000;
/** Requests being served at a hand-over have this long; then the daemon is killed and they are delivered again. */
export const DRAIN_TIMEOUT_MS = 10_000;
/** Daemons of a dead supervisor that do not report to the new one by then are killed. */
export const REPORT_TIMEOUT_MS = 3_000;
/** A daemon that crashed this soon without having answered anything did not end the wait for one. */
export const STEADY_MS = 10_000;
/** How long after a takeover the next standby is started. */
export const SPARE_DELAY_MS = 100;
const BACKOFF = { baseMs: 50, maxMs: 5_000 };

/** `unservedSinceMs`: a wait that began under the supervisor before this one goes on, and so does its deadline. */
export function newModel(
  config: PlanConfig,
  nowMs: number,
  awaiting: readonly number[],
  unservedSinceMs: number = nowMs,
): Model {
  return {
    config,
    session: {
      state: 'recovering',
      sinceMs: Math.min(unservedSinceMs, nowMs),
      cause: awaiting.length > 0 ? 'killed' : 'start',
    },
    workers: [],
    epoch: 0,
    epochOfFound: 0,
    takeovers: -1,
    fruitless: 0,
    startNotBeforeMs: 0,
    spareNotBeforeMs: 0,
    startsUnderWay: 0,
    awaiting,
    awaitUntilMs: nowMs + REPORT_TIMEOUT_MS,
  };
}

/** The next model, and what to do to get there. */
export function plan(before: Model, event: Event, nowMs: number): { model: Model; actions: Action[] } {
  const draft: Draft = { model: { ...before }, actions: [], nowMs };
  apply(draft, event);
  settle(draft);
  return { model: draft.model, actions: draft.actions };
}

interface Draft {
  model: Model;
  actions: Action[];
  nowMs: number;
}

function apply(draft: Draft, event: Event): void {
  const { model, nowMs } = draft;
  switch (event.event) {
    case 'started':
      model.startsUnderWay = Math.max(0, model.startsUnderWay - 1);
      if (phaseOf(model, event.pid) !== undefined) return;
      model.workers = [
        ...model.workers,
        { pid: event.pid, phase: 'starting', sinceMs: nowMs, epoch: model.epoch, leaving: false },
      ];
      return;
    case 'start-failed':
      model.startsUnderWay = Math.max(0, model.startsUnderWay - 1);
      countFruitless(draft);
      return;
    case 'reported':
      reported(draft, event.pid, event.phase);
      return;
    case 'serving':
      if (model.session.state === 'serving' && model.session.pid === event.pid)
        model.session = { ...model.session, confirmed: true };
      return;
    case 'drained':
      drained(draft, event.pid);
      return;
    case 'leaving':
      change(draft, event.pid, { leaving: true });
      return;
    case 'died':
      died(draft, event);
      return;
    case 'silent':
      doom(draft, event.pid, 'it does not answer');
      return;
    case 'restart':
      model.epoch++;
      model.config = event.config;
      return;
    case 'connection-over':
      if (isOver(model.session)) return;
      if (event.unmounted) {
        model.session = { state: 'ended' };
        draft.actions.push({ do: 'end' });
      } else giveUp(draft, 'the connection was aborted');
      return;
    case 'tick':
      return;
    default:
      unreachable(event);
  }
}

function drained(draft: Draft, pid: number): void {
  const { model, nowMs } = draft;
  change(draft, pid, { phase: 'ready' });
  const { session } = model;
  if (session.state === 'handing-over' && session.from === pid) serve(draft, session.to, 'drained');
  else if (session.state === 'serving' && session.pid === pid) {
    // It had drained before it heard that it shall go on: nobody serves.
    model.session = { state: 'recovering', sinceMs: nowMs, cause: 'drained' };
  }
}

/** A daemon says what it does: a new one, one of the supervisor before, or one whose connection was lost, with words in it. */
function reported(draft: Draft, pid: number, phase: Worker['phase']): void {
  const { model, nowMs } = draft;
  const known = phaseOf(model, pid);
  if (known === undefined) {
    model.workers = [...model.workers, { pid, phase, sinceMs: nowMs, epoch: model.epochOfFound, leaving: false }];
  } else if (known === 'starting') change(draft, pid, { phase });
  model.awaiting = model.awaiting.filter((each) => each !== pid);
  const { session } = model;
  if (phase === 'serving' && session.state === 'recovering') model.session = servingBy(pid, nowMs);
  if (phase === 'serving' && session.state === 'serving' && session.pid !== pid && !session.confirmed) {
    // One that nobody told this supervisor of: it has the fence, so the appointed one waits for it in vain.
    draft.actions.push({ do: 'kill', pid: session.pid, why: 'another daemon serves already' });
    model.session = servingBy(pid, nowMs);
    return;
  }
  const isAppointed = session.state === 'serving' && session.pid === pid && !session.confirmed;
  if (isAppointed && phase === 'serving') model.session = { ...session, confirmed: true };
  else if (isAppointed && phase === 'ready') {
    // The word to serve may be lost. It is told again, and nobody else: it may have heard it after all.
    draft.actions.push({ do: 'serve', pid, cause: session.cause });
  } else if (phase === 'ready' && (known === 'draining' || known === 'serving')) drained(draft, pid);
}

function died(draft: Draft, { pid, crashed, useful }: Event & { event: 'died' }): void {
  const { model, nowMs } = draft;
  const phase = phaseOf(model, pid);
  model.workers = model.workers.filter((worker) => worker.pid !== pid);
  model.awaiting = model.awaiting.filter((each) => each !== pid);
  // Killed from outside after it was ready says nothing about whether the next one can live.
  if (useful) model.fruitless = 0;
  else if (phase === 'starting' || crashed) countFruitless(draft);
  const { session } = model;
  const cause: TakeoverCause = crashed ? 'crashed' : 'killed';
  if (session.state === 'serving' && session.pid === pid) {
    // The deadline goes on where a daemon served nobody, else one that dies whenever it is to serve would put it off for ever.
    const inVain = !session.confirmed || (crashed && !useful && nowMs - session.sinceMs < STEADY_MS);
    model.session = { state: 'recovering', sinceMs: inVain ? session.unservedSinceMs : nowMs, cause };
  }
  if (session.state !== 'handing-over') return;
  if (session.from === pid) serve(draft, session.to, cause);
  else if (session.to === pid) {
    draft.actions.push({ do: 'resume', pid: session.from });
    change(draft, session.from, { phase: 'serving' });
    model.session = servingBy(session.from, nowMs);
  }
}

/** What the state calls for, whatever the event was: deadlines, a daemon to serve, daemons to start or to send away. */
function settle(draft: Draft): void {
  const { model, nowMs } = draft;
  if (isOver(model.session)) return;
  for (const worker of model.workers) {
    if (worker.phase === 'starting' && nowMs - worker.sinceMs > START_TIMEOUT_MS) {
      doom(draft, worker.pid, 'it did not become ready');
    }
  }
  if (model.awaiting.length > 0 && nowMs >= model.awaitUntilMs) {
    for (const pid of model.awaiting)
      draft.actions.push({ do: 'kill', pid, why: 'it does not report to the new supervisor' });
    model.awaitUntilMs = nowMs + REPORT_TIMEOUT_MS;
  }
  advance(draft);
  balance(draft);
}

function advance(draft: Draft): void {
  const { model, nowMs } = draft;
  const { session } = model;
  const holder =
    session.state === 'serving' ? session.pid : session.state === 'handing-over' ? session.from : undefined;
  const doomed = model.workers.find((worker) => worker.pid === holder)?.doomedSinceMs;
  if (doomed !== undefined && nowMs - doomed >= model.config.recoverDeadlineMs) {
    giveUp(draft, 'the daemon hangs and cannot be killed');
    return;
  }
  if (session.state === 'recovering') {
    // Left draining by a supervisor that died: until it is done, nobody else may serve.
    const draining = model.workers.find((worker) => worker.phase === 'draining');
    const heir = model.awaiting.length === 0 && draining === undefined ? candidate(model) : undefined;
    if (draining !== undefined && nowMs - draining.sinceMs >= DRAIN_TIMEOUT_MS) killUndrained(draft, draining.pid);
    // The deadline comes first: daemons that are ready and fail when they are to serve would put it off for ever.
    if (nowMs - session.sinceMs >= model.config.recoverDeadlineMs) {
      giveUp(draft, `no daemon served within ${model.config.recoverDeadlineMs} ms`);
    } else if (heir !== undefined) serve(draft, heir.pid, session.cause);
  } else if (session.state === 'serving' && !session.confirmed) {
    if (nowMs - session.sinceMs > START_TIMEOUT_MS) doom(draft, session.pid, 'it was told to serve and does not');
  } else if (session.state === 'serving') {
    const serving = model.workers.find((worker) => worker.pid === session.pid);
    if (serving === undefined || isFresh(model, serving)) return;
    const heir = candidate(model);
    if (heir === undefined || !isFresh(model, heir)) return;
    draft.actions.push({ do: 'drain', pid: serving.pid });
    change(draft, serving.pid, { phase: 'draining' });
    model.session = { state: 'handing-over', from: serving.pid, to: heir.pid, sinceMs: nowMs };
  } else if (session.state === 'handing-over' && nowMs - session.sinceMs >= DRAIN_TIMEOUT_MS) {
    killUndrained(draft, session.from);
  }
}

function killUndrained(draft: Draft, pid: number): void {
  doom(draft, pid, 'it did not finish its requests for a hand-over');
}

/** Starts what is missing and dismisses what is left over, once somebody serves. */
function balance(draft: Draft): void {
  const { model, nowMs } = draft;
  const { session } = model;
  if (isOver(session)) return;
  const wanted = model.config.standby ? 2 : 1;
  const fresh = model.workers.filter((worker) => isFresh(model, worker));
  const notBeforeMs = Math.max(model.startNotBeforeMs, session.state === 'serving' ? model.spareNotBeforeMs : 0);
  if (nowMs >= notBeforeMs && model.awaiting.length === 0) {
    for (let have = fresh.length + model.startsUnderWay; have < wanted; have++) {
      model.startsUnderWay++;
      draft.actions.push({ do: 'start' });
    }
  }
  // Until a fresh one serves, the older ones are a standby.
  if (session.state !== 'serving' || !session.confirmed || !fresh.some(({ pid }) => pid === session.pid)) return;
  let surplus = fresh.length - wanted;
  for (const worker of model.workers) {
    if (worker.phase !== 'ready' || worker.pid === session.pid) continue;
    const old = !isFresh(model, worker);
    if (!old && surplus <= 0) continue;
    if (!old) surplus--;
    draft.actions.push({ do: 'dismiss', pid: worker.pid });
    model.workers = model.workers.filter((each) => each !== worker);
  }
}

function serve(draft: Draft, pid: number, cause: TakeoverCause): void {
  const { model, nowMs } = draft;
  if (phaseOf(model, pid) !== 'ready') {
    model.session = { state: 'recovering', sinceMs: nowMs, cause };
    return;
  }
  change(draft, pid, { phase: 'serving' });
  const unservedSinceMs = model.session.state === 'recovering' ? model.session.sinceMs : nowMs;
  model.session = { state: 'serving', pid, sinceMs: nowMs, confirmed: false, unservedSinceMs, cause };
  model.takeovers++;
  if (cause === 'killed' || cause === 'crashed') model.spareNotBeforeMs = nowMs + SPARE_DELAY_MS;
  draft.actions.push({ do: 'serve', pid, cause });
}

function doom(draft: Draft, pid: number, why: string): void {
  const worker = draft.model.workers.find((each) => each.pid === pid);
  change(draft, pid, { doomedSinceMs: worker?.doomedSinceMs ?? draft.nowMs });
  draft.actions.push({ do: 'kill', pid, why });
}

function servingBy(pid: number, nowMs: number): SessionState {
  return { state: 'serving', pid, sinceMs: nowMs, confirmed: true, unservedSinceMs: nowMs, cause: 'start' };
}

function giveUp(draft: Draft, why: string): void {
  draft.model.session = { state: 'aborted', sinceMs: draft.nowMs, why };
  draft.actions.push({ do: 'abort', why });
}

function countFruitless(draft: Draft): void {
  const { model, nowMs } = draft;
  model.fruitless++;
  model.startNotBeforeMs = model.fruitless < 2 ? nowMs : nowMs + backoffDelayMs(model.fruitless - 1, BACKOFF);
}

/** Who serves next: a fresh daemon if one is ready, else any that is ready. */
function candidate(model: Model): Worker | undefined {
  const ready = model.workers.filter((worker) => worker.phase === 'ready');
  return ready.find((worker) => isFresh(model, worker)) ?? ready[0];
}

function isFresh(model: Model, worker: Worker): boolean {
  return worker.epoch === model.epoch && !worker.leaving;
}

/** Since when nobody takes requests; undefined while somebody does. */
export function unservedSince(session: SessionState): number | undefined {
  if (session.state === 'recovering') return session.sinceMs;
  return session.state === 'serving' && !session.confirmed ? session.unservedSinceMs : undefined;
}

/** Whether a restart was asked for and no daemon of its epoch serves yet. */
export function isRestarting({ session, workers, epoch }: Model): boolean {
  const serving = workers.find(({ pid }) => session.state === 'serving' && session.confirmed && pid === session.pid);
  return serving === undefined ? epoch > 0 && session.state !== 'recovering' : serving.epoch < epoch;
}

export function isOver(session: SessionState): boolean {
  return session.state === 'aborted' || session.state === 'ended';
}

function phaseOf(model: Model, pid: number): Worker['phase'] | undefined {
  return model.workers.find((worker) => worker.pid === pid)?.phase;
}

function change(draft: Draft, pid: number, to: Partial<Worker>): void {
  draft.model.workers = draft.model.workers.map((worker) => (worker.pid === pid ? { ...worker, ...to } : worker));
}
