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
  connectChannel,
  connectionOf,
  identify,
  isAlive,
  isConnectionOver,
  kill,
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
import { startHeartbeat, type Heartbeat } from './heartbeat.ts';
import { readRecord, writeRecord, type SessionOptions, type SessionRecord } from './record.ts';
import { isOver, newModel, plan, unservedSince, type Action, type Event, type Model } from './session.plan.ts';

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

export interface SupervisorDeps {
  log: Logger;
  startDaemon: () => Child;
  startVault: () => ProcessId;
  exit: () => void;
}

interface Link {
  process: ProcessId;
  channel: Channel | undefined;
  child: Child | undefined;
  heartbeat: Heartbeat | undefined;
  /** The session's count of answers when it was told to serve. */
  answeredBefore: number;
  startedMs: number;
}

const TICK_MS = 250;
const DEATH_POLL_MS = 2;
const VAULT_RETRY_MS = 20;
const VAULT_CONNECT_TIMEOUT_MS = 5_000;
const CRASH_SIGNALS: readonly string[] = ['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGSYS'];

export class Supervisor {
  readonly #config: SupervisorConfig;
  readonly #deps: SupervisorDeps;
  readonly #server: ChannelServer;
  readonly #links = new Map<number, Link>();
  readonly #restartWaiters: { channel: Channel; epoch: number }[] = [];
  readonly #timer: NodeJS.Timeout;
  #record: SessionRecord;
  #model: Model;
  #vault: Channel | undefined;
  #vaultProcess: ProcessId | undefined;
  #vaultHeartbeat: Heartbeat | undefined;
  #lastTakeover: { tookMs: number; leftovers: number; atMs: number } | undefined;
  #longestGapMs = 0;
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
    const awaiting = this.#survivors(config.last);
    const since = config.last['unservedSinceMs'];
    this.#model = newModel(this.#planConfig(), Date.now(), awaiting, typeof since === 'number' ? since : undefined);
    if (typeof config.last['takeovers'] === 'number') this.#model.takeovers = config.last['takeovers'];
    if (typeof config.last['epoch'] === 'number') this.#model.epoch = config.last['epoch'];
    this.#vaultConnected(config.vault);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#dispatch({ event: 'tick' });
  }

  /** Daemons started by the supervisor before this one that still live: they will report here. */
  #survivors(last: Message): number[] {
    const listed = Array.isArray(last['workers']) ? (last['workers'] as ProcessId[]) : [];
    const living = listed.filter((each) => isAlive(each));
    for (const process of living) {
      this.#links.set(process.pid, {
        process,
        channel: undefined,
        child: undefined,
        heartbeat: undefined,
        answeredBefore: 0,
        startedMs: 0,
      });
      this.#watchDeath(process.pid);
    }
    return living.map(({ pid }) => pid);
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
        this.#startDaemon();
        return;
      case 'serve': {
        const link = this.#links.get(action.pid);
        if (link !== undefined) link.answeredBefore = this.#answered();
        link?.channel?.send({ op: 'serve', mode: this.#takeoverMode(), cause: action.cause });
        return;
      }
      case 'drain':
      case 'resume':
      case 'dismiss':
        this.#links.get(action.pid)?.channel?.send({ op: action.do });
        return;
      case 'kill': {
        log.warn('killing a daemon', { pid: action.pid, why: action.why });
        const link = this.#links.get(action.pid);
        if (link !== undefined) kill(link.process);
        return;
      }
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

  #startDaemon(): void {
    let child: Child;
    try {
      child = this.#deps.startDaemon();
    } catch (err) {
      this.#deps.log.error('a daemon could not be started', { err });
      setImmediate(() => this.#dispatch({ event: 'start-failed' }));
      return;
    }
    const { process } = child;
    const { pid } = process;
    this.#links.set(pid, {
      process,
      channel: undefined,
      child,
      heartbeat: undefined,
      answeredBefore: 0,
      startedMs: performance.now(),
    });
    child.onExit((status, signal) =>
      this.#died(pid, signal === null ? status !== 0 : CRASH_SIGNALS.includes(signal), status, signal),
    );
    setImmediate(() => this.#dispatch({ event: 'started', pid }));
  }

  #died(pid: number, crashed: boolean, status: number | null, signal: string | null): void {
    const link = this.#links.get(pid);
    if (link === undefined) return;
    this.#links.delete(pid);
    link.heartbeat?.stop();
    link.channel?.close();
    const serving = this.#model.session.state === 'serving' && this.#model.session.pid === pid;
    this.#deps.log.info('daemon ended', { pid, status, signal, served: serving });
    this.#dispatch({ event: 'died', pid, crashed, useful: serving && this.#answered() !== link.answeredBefore });
  }

  /** For a daemon that is no child of ours: nobody tells of its death but its connection and /proc. */
  #watchDeath(pid: number): void {
    const link = this.#links.get(pid);
    if (link === undefined || link.child !== undefined) return;
    if (isAlive(link.process))
      setTimeout(() => this.#watchDeath(pid), link.channel === undefined ? DEATH_POLL_MS : TICK_MS);
    else this.#died(pid, false, null, null);
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
      closed: () => this.#closed(channel),
    });
  }

  #message(channel: Channel, message: Message): void {
    const { pid } = channel.peer;
    const link = this.#links.get(pid);
    if (link?.channel === channel) link.heartbeat?.heard();
    switch (message['op']) {
      case 'daemon':
        this.#daemonReported(channel, message);
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
        if (pid === this.#vaultProcess?.pid)
          channel.send({ op: 'descriptors' }, descriptorList(this.#config.descriptors));
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

  #daemonReported(channel: Channel, message: Message): void {
    const { pid } = channel.peer;
    const phase = message['phase'];
    const process = identify(pid);
    if (process === undefined || (phase !== 'ready' && phase !== 'serving' && phase !== 'draining')) return;
    const link = this.#links.get(pid) ?? {
      process,
      channel,
      child: undefined,
      heartbeat: undefined,
      answeredBefore: 0,
      startedMs: 0,
    };
    link.channel = channel;
    link.heartbeat?.stop();
    link.heartbeat = startHeartbeat(this.#record.options.hangTimeoutMs, {
      ping: () => channel.send({ op: 'ping' }),
      silent: () => this.#dispatch({ event: 'silent', pid }),
    });
    if (!this.#links.has(pid)) {
      this.#links.set(pid, link);
      this.#watchDeath(pid);
    }
    this.#dispatch({ event: 'reported', pid, phase });
  }

  #closed(channel: Channel): void {
    const link = this.#links.get(channel.peer.pid);
    if (link?.channel !== channel) return;
    link.channel = undefined;
    link.heartbeat?.stop();
    if (link.child === undefined) this.#watchDeath(channel.peer.pid);
    // A child that lost its connection and lives on will connect again; one that does not is found by the plan's deadlines.
  }

  #tick(): void {
    boundLog(this.#config.folder.log);
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
        stallMs: this.#longestGapMs,
        leftovers: this.#lastTakeover?.leftovers ?? 0,
      });
    }
  }

  /** How long nobody took requests. */
  #noteGap(before: Model, after: Model): void {
    const isServed = (model: Model): boolean => model.session.state === 'serving' && model.session.confirmed;
    if (isServed(before) && !isServed(after)) this.#unservedSinceMs = performance.now();
    if (!isServed(before) && isServed(after) && this.#unservedSinceMs !== undefined) {
      this.#longestGapMs = performance.now() - this.#unservedSinceMs;
      this.#unservedSinceMs = undefined;
    }
  }

  #vaultConnected(channel: Channel): void {
    this.#vault = channel;
    this.#vaultProcess = identify(channel.peer.pid);
    this.#vaultHeartbeat?.stop();
    this.#vaultHeartbeat = startHeartbeat(this.#record.options.hangTimeoutMs, {
      ping: () => channel.send({ op: 'ping' }),
      silent: () => {
        this.#deps.log.warn('vault does not answer, killing it', { pid: channel.peer.pid });
        if (this.#vaultProcess !== undefined) kill(this.#vaultProcess);
      },
    });
    channel.listen({
      message: (message, fds) => {
        for (const fd of fds) file.close(fd); // a vault that was just started hands back what it got from here
        this.#vaultHeartbeat?.heard();
        if (message['op'] === 'ping') channel.send({ op: 'pong' });
      },
      closed: () => {
        this.#vaultHeartbeat?.stop();
        this.#vault = undefined;
        if (!this.#ended) this.#replaceVault();
      },
    });
    this.#publish();
  }

  #replaceVault(): void {
    if (this.#ended) return;
    const old = this.#vaultProcess;
    if (old !== undefined && isAlive(old)) {
      kill(old);
      setTimeout(() => this.#replaceVault(), DEATH_POLL_MS);
      return;
    }
    this.#deps.log.warn('vault is gone, starting another', { pid: old?.pid });
    try {
      this.#vaultProcess = this.#deps.startVault();
    } catch (err) {
      this.#deps.log.error('a vault could not be started', { err });
      this.#vaultProcess = undefined;
    }
    this.#reachVault(Date.now() + VAULT_CONNECT_TIMEOUT_MS);
  }

  #reachVault(untilMs: number): void {
    if (this.#ended) return;
    let channel: Channel | undefined;
    try {
      channel = connectChannel(this.#config.folder.vaultSocket, this.#record.uid);
    } catch {
      // not listening yet, or dead again
    }
    if (channel !== undefined && channel.peer.pid === this.#vaultProcess?.pid) {
      channel.send({ op: 'supervisor' });
      this.#vaultConnected(channel);
      return;
    }
    channel?.close();
    if (Date.now() > untilMs || this.#vaultProcess === undefined || !isAlive(this.#vaultProcess)) {
      setTimeout(() => this.#replaceVault(), TICK_MS);
    } else setTimeout(() => this.#reachVault(untilMs), VAULT_RETRY_MS);
  }

  #publish(): void {
    const { session, takeovers, epoch } = this.#model;
    const workers = [...this.#links.values()].map(({ process }) => process);
    const unservedSinceMs = unservedSince(session);
    this.#vault?.send({ op: 'state', state: session.state, unservedSinceMs, takeovers, epoch, workers });
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
      pids: { vault: this.#vaultProcess?.pid, supervisor: process.pid, daemon: servingPid, standby: standby?.pid },
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
    for (const { process, heartbeat } of this.#links.values()) {
      heartbeat?.stop();
      kill(process);
    }
    this.#vaultHeartbeat?.stop();
    this.#vault?.send({ op: 'end' });
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
