// The supervisor: starts daemons, sees them die, tells one of them to serve. Decides nothing itself: session.plan.ts does.
//
// It holds a duplicate of the session's descriptors beside the vault; whichever of the two dies is started anew by the other
// and gets the descriptors back from it. Daemons outlive their supervisor and report to the next one.
import { copyFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { unreachable, type Logger } from '../base/index.ts';
import { INIT_FLAGS } from '../fuse/protocol/index.ts';
import { HEADER } from '../fuse/session/index.ts';
import {
  abortConnection,
  ChannelServer,
  connectionOf,
  isConnectionOver,
  readMountinfo,
  waitingRequests,
  type Channel,
  type Child,
  type Message,
  type ProcessId,
} from '../host/index.ts';
import { file } from '../libc/index.ts';
import { descriptorList, type Descriptors } from './descriptors.ts';
import type { SessionFolder } from './folders.ts';
import { Crew } from './crew.ts';
import { VaultLink } from './vault-link.ts';
import { readRecord, writeRecord, type SessionOptions, type SessionRecord } from './record.ts';
import {
  isOver,
  isRestarting,
  newModel,
  plan,
  unservedSince,
  type Action,
  type Event,
  type Model,
} from './session.plan.ts';

export interface SupervisorConfig {
  folder: SessionFolder;
  record: SessionRecord;
  descriptors: Descriptors;
  /** Whether a warm standby is kept. */
  standby: (options: SessionOptions) => boolean;
  /** The vault, already connected. */
  vault: Channel;
  /** What the supervisor before this one reported last. */
  last: Message;
}

/** The steps of a hand-over in the supervisor: where a crash test kills. */
export type SupervisorStep = 'before-drain' | 'before-serve' | 'after-serve';

export interface SupervisorDeps {
  log: Logger;
  startDaemon: () => Child;
  startVault: () => ProcessId;
  exit: () => void;
  step: (step: SupervisorStep) => void;
}

const TICK_MS = 250;

export class Supervisor {
  readonly #config: SupervisorConfig;
  readonly #deps: SupervisorDeps;
  readonly #server: ChannelServer;
  readonly #crew: Crew;
  readonly #vault: VaultLink;
  readonly #restartWaiters: { channel: Channel; epoch: number }[] = [];
  readonly #timer: NodeJS.Timeout;
  #record: SessionRecord;
  #model: Model;
  #lastTakeover: { tookMs: number; leftovers: number; atMs: number } | undefined;
  /** The session's count of answers when the serving daemon was told to serve. */
  #answeredBefore = 0;
  #lastGapMs = 0;
  #unservedSinceMs: number | undefined;
  #ended = false;

  constructor(config: SupervisorConfig, deps: SupervisorDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#record = config.record;
    this.#server = new ChannelServer(
      config.folder.supervisorSocket,
      config.record.uid,
      (channel) => this.#accept(channel),
      (peer) => deps.log.warn('connection refused', { ...peer }),
    );
    const hangTimeoutMs = (): number => this.#record.options.hangTimeoutMs;
    this.#crew = new Crew(deps.log, hangTimeoutMs, {
      started: (pid) => this.#dispatch({ event: 'started', pid }),
      startFailed: () => this.#dispatch({ event: 'start-failed' }),
      reported: (pid, phase) => this.#dispatch({ event: 'reported', pid, phase }),
      silent: (pid) => this.#dispatch({ event: 'silent', pid }),
      died: (pid, crashed) => this.#died(pid, crashed),
    });
    const { workers, unservedSinceMs, takeovers, epoch } = config.last;
    const awaiting = this.#crew.adopt(Array.isArray(workers) ? (workers as ProcessId[]) : []);
    const since = typeof unservedSinceMs === 'number' ? unservedSinceMs : undefined;
    this.#model = newModel(this.#planConfig(), Date.now(), awaiting, since);
    if (typeof takeovers === 'number') this.#model.takeovers = takeovers;
    if (typeof epoch === 'number') {
      this.#model.epoch = epoch;
      this.#model.epochOfFound = config.last['restarting'] === true ? epoch - 1 : epoch;
    }
    this.#vault = new VaultLink(
      { socket: config.folder.vaultSocket, uid: config.record.uid, hangTimeoutMs },
      { log: deps.log, startVault: deps.startVault, onConnected: () => this.#publish() },
      config.vault,
    );
    this.#publish();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#dispatch({ event: 'tick' });
  }

  #planConfig(): Model['config'] {
    const { options } = this.#record;
    return { standby: this.#config.standby(options), recoverDeadlineMs: options.recoverDeadlineMs };
  }

  #dispatch(event: Event): void {
    if (this.#ended) return;
    const before = this.#model;
    const { model, actions } = plan(before, event, Date.now());
    this.#model = model;
    this.#noteGap(before, model);
    // The vault learns who may be serving before anybody is told to: a successor must know whom to wait for.
    if (actions.length > 0 || before.session !== model.session || before.workers !== model.workers) this.#publish();
    for (const action of actions) this.#perform(action);
    this.#answerRestarts();
  }

  #perform(action: Action): void {
    const { log } = this.#deps;
    switch (action.do) {
      case 'start':
        this.#crew.start(this.#deps.startDaemon);
        return;
      case 'serve':
        this.#deps.step('before-serve');
        this.#answeredBefore = this.#answered();
        this.#crew.tell(action.pid, { op: 'serve', mode: this.#takeoverMode(), cause: action.cause });
        this.#deps.step('after-serve');
        return;
      case 'drain':
        this.#deps.step('before-drain');
        this.#crew.tell(action.pid, { op: action.do });
        return;
      case 'resume':
      case 'dismiss':
        this.#crew.tell(action.pid, { op: action.do });
        return;
      case 'kill':
        log.warn('killing a daemon', { pid: action.pid, why: action.why });
        this.#crew.kill(action.pid);
        return;
      case 'abort':
        this.#abort(action.why);
        return;
      case 'end':
        this.#end(true);
        return;
      default:
        unreachable(action);
    }
  }

  #takeoverMode(): 'resend' | 'journal' {
    const { takeover } = this.#record.options;
    if (takeover !== 'auto') return takeover;
    return (this.#record.agreed.flags & INIT_FLAGS.HAS_RESEND) !== 0n ? 'resend' : 'journal';
  }

  #died(pid: number, crashed: boolean): void {
    const { session } = this.#model;
    const served = session.state === 'serving' && session.pid === pid;
    this.#dispatch({ event: 'died', pid, crashed, useful: served && this.#answered() !== this.#answeredBefore });
  }

  #answered(): number {
    const word = Buffer.alloc(4);
    file.pread(this.#config.descriptors.memory, word, 4, HEADER.answered * 4);
    return word.readUInt32LE(0);
  }

  #accept(channel: Channel): void {
    channel.listen({
      message: (message, fds) => {
        for (const fd of fds) file.close(fd); // nobody gives a supervisor descriptors this way
        this.#message(channel, message);
      },
      closed: () => this.#crew.closed(channel),
    });
  }

  #message(channel: Channel, message: Message): void {
    const { pid } = channel.peer;
    this.#crew.heard(channel);
    switch (message['op']) {
      case 'daemon':
        this.#crew.reported(channel, message['phase']);
        return;
      case 'serving':
        this.#lastTakeover = {
          tookMs: Number(message['tookMs']),
          leftovers: Number(message['leftovers']),
          atMs: Date.now(),
        };
        this.#deps.log.info('daemon serves', { ...message, op: undefined, pid });
        this.#dispatch({ event: 'serving', pid });
        return;
      case 'drained':
        this.#dispatch({ event: 'drained', pid });
        return;
      case 'leaving':
        this.#dispatch({ event: 'leaving', pid });
        return;
      case 'over':
        this.#connectionOver();
        return;
      case 'descriptors':
        // Only for the vault that was started here.
        if (pid === this.#vault.pid)
          channel.send({ op: 'descriptors', last: this.#state() }, descriptorList(this.#config.descriptors));
        else channel.close();
        return;
      case 'status':
        channel.send({ op: 'status', ...this.#status() });
        return;
      case 'restart':
        this.#restart(channel, message);
        return;
      case 'pong':
        return;
      default:
        this.#deps.log.warn('message not understood', { op: message['op'], pid });
    }
  }

  #tick(): void {
    boundLog(this.#config.folder.log);
    this.#crew.checkLost();
    if (isConnectionOver(this.#config.descriptors.fuse)) this.#connectionOver();
    this.#dispatch({ event: 'tick' });
  }

  #connectionOver(): void {
    if (!isConnectionOver(this.#config.descriptors.fuse)) return;
    const { connection } = this.#record;
    const mounted = readMountinfo().some((mount) => connectionOf(mount) === connection);
    this.#dispatch({ event: 'connection-over', unmounted: !mounted });
  }

  #restart(channel: Channel, message: Message): void {
    const { folder } = this.#config;
    if (message['reread'] === true) this.#record = { ...readRecord(folder.record), agreed: this.#record.agreed };
    this.#dispatch({ event: 'restart', config: this.#planConfig() });
    this.#restartWaiters.push({ channel, epoch: this.#model.epoch });
    this.#answerRestarts();
  }

  /** Tells those who asked for a restart once a daemon of its epoch serves, or that the session is over. */
  #answerRestarts(): void {
    const { session, workers } = this.#model;
    for (const waiter of [...this.#restartWaiters]) {
      const serving =
        session.state === 'serving' && session.confirmed ? workers.find(({ pid }) => pid === session.pid) : undefined;
      const done = serving !== undefined && serving.epoch >= waiter.epoch;
      if (!done && !isOver(session)) continue;
      this.#restartWaiters.splice(this.#restartWaiters.indexOf(waiter), 1);
      waiter.channel.send({
        op: 'restarted',
        done,
        stallMs: this.#lastGapMs,
        leftovers: this.#lastTakeover?.leftovers ?? 0,
      });
    }
  }

  /** How long nobody took requests. */
  #noteGap(before: Model, after: Model): void {
    const isServed = (model: Model): boolean => model.session.state === 'serving' && model.session.confirmed;
    if (isServed(before) && !isServed(after)) this.#unservedSinceMs = performance.now();
    if (!isServed(before) && isServed(after) && this.#unservedSinceMs !== undefined) {
      this.#lastGapMs = performance.now() - this.#unservedSinceMs;
      this.#unservedSinceMs = undefined;
    }
  }

  #publish(): void {
    this.#vault.send({ op: 'state', ...this.#state() });
  }

  /** What the next supervisor has to know. */
  #state(): Message {
    const { session, takeovers, epoch } = this.#model;
    const unservedSinceMs = unservedSince(session);
    const restarting = isRestarting(this.#model);
    return { state: session.state, unservedSinceMs, takeovers, epoch, restarting, workers: this.#crew.processes };
  }

  #status(): Message {
    const { session, workers, takeovers, fruitless } = this.#model;
    const { connection, target, source, createdAt, options } = this.#record;
    const servingPid =
      session.state === 'serving' ? session.pid : session.state === 'handing-over' ? session.from : undefined;
    const standby = workers.find((worker) => worker.phase === 'ready' && worker.pid !== servingPid);
    return {
      target,
      source,
      state: session.state,
      sinceMs: 'sinceMs' in session ? Date.now() - session.sinceMs : undefined,
      connection,
      takeovers: Math.max(0, takeovers),
      fruitless,
      takeoverMode: this.#takeoverMode(),
      lastTakeover: this.#lastTakeover,
      requestsWaiting: waitingRequests(connection),
      createdAt,
      options,
      pids: { vault: this.#vault.pid, supervisor: process.pid, daemon: servingPid, standby: standby?.pid },
    };
  }

  /** Ends the connection for good. Where the kernel's control files are out of reach, by closing every descriptor of it. */
  #abort(why: string): void {
    this.#deps.log.error('giving the session up', { why });
    abortConnection(this.#record.connection);
    try {
      writeRecord(this.#config.folder.record, { ...this.#record, aborted: why });
    } catch (err) {
      this.#deps.log.error('the end could not be written down', { err });
    }
    this.#end(false);
  }

  #end(remove: boolean): void {
    this.#ended = true;
    clearInterval(this.#timer);
    this.#answerRestarts();
    this.#crew.end();
    this.#vault.end();
    this.#server.close();
    if (remove) rmSync(this.#config.folder.path, { recursive: true, force: true });
    this.#deps.exit();
  }
}

const LOG_BYTES_MAX = 1024 * 1024;

/** Keeps the log and one before it. Writers append, so emptying the file is enough. */
function boundLog(path: string): void {
  try {
    if (statSync(path).size <= LOG_BYTES_MAX) return;
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
  } catch {
    // no log, or a full disk: neither is a reason to stop
  }
}
