// The daemons of a session as its supervisor sees them: who lives, who answers, who is told what.
//
// A death is told once, and only when the process is certainly gone. Daemons outlive their supervisor, so some are no
// children of this one: of those nobody tells but their connection and /proc.
import type { Logger } from '../base/index.ts';
import { identify, isAlive, kill, type Channel, type Child, type Message, type ProcessId } from '../host/index.ts';
import { startHeartbeat, type Heartbeat } from './heartbeat.ts';
import type { Worker } from './session.plan.ts';

export interface CrewEvents {
  started(pid: number): void;
  startFailed(): void;
  reported(pid: number, phase: Worker['phase']): void;
  silent(pid: number): void;
  /** crashed: it ended by itself, by an error or a signal of its own making. */
  died(pid: number, crashed: boolean): void;
}

interface Member {
  readonly process: ProcessId;
  readonly child: Child | undefined;
  channel: Channel | undefined;
  heartbeat: Heartbeat | undefined;
  /** Since when it has lost its connection: a daemon that lives without one is no better than one that hangs. */
  lostSinceMs: number | undefined;
}

const DEATH_POLL_MS = 2;
const CRASH_SIGNALS: readonly string[] = ['SIGABRT', 'SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGSYS'];

export class Crew {
  readonly #log: Logger;
  readonly #events: CrewEvents;
  readonly #hangTimeoutMs: () => number;
  readonly #members = new Map<number, Member>();

  constructor(log: Logger, hangTimeoutMs: () => number, events: CrewEvents) {
    this.#log = log;
    this.#hangTimeoutMs = hangTimeoutMs;
    this.#events = events;
  }

  get processes(): ProcessId[] {
    return [...this.#members.values()].map(({ process }) => process);
  }

  /** Takes over those of the listed that live, started by the supervisor before this one; they will report here. */
  adopt(listed: readonly ProcessId[]): number[] {
    const living = listed.filter((each) => isAlive(each));
    for (const process of living) this.#add(process, undefined);
    return living.map(({ pid }) => pid);
  }

  start(startDaemon: () => Child): void {
    let child: Child;
    try {
      child = startDaemon();
    } catch (err) {
      this.#log.error('a daemon could not be started', { err });
      setImmediate(() => this.#events.startFailed());
      return;
    }
    const { pid } = child.process;
    this.#add(child.process, child);
    child.onExit((status, signal) => {
      this.#log.info('daemon ended', { pid, status, signal });
      // One that dies at once may be seen dead before it was told of as started: never the wrong way round.
      setImmediate(() => this.#died(pid, signal === null ? status !== 0 : CRASH_SIGNALS.includes(signal)));
    });
    setImmediate(() => this.#events.started(pid));
  }

  /** A daemon made itself known on this channel. */
  reported(channel: Channel, phase: unknown): void {
    const { pid } = channel.peer;
    if (phase !== 'ready' && phase !== 'serving' && phase !== 'draining') return;
    const process = identify(pid);
    if (process === undefined) return;
    const member = this.#members.get(pid) ?? this.#add(process, undefined);
    member.channel = channel;
    member.lostSinceMs = undefined;
    member.heartbeat?.stop();
    member.heartbeat = startHeartbeat(this.#hangTimeoutMs(), {
      ping: () => channel.send({ op: 'ping' }),
      silent: () => this.#events.silent(pid),
    });
    this.#events.reported(pid, phase);
  }

  /** Any message is a sign of life. */
  heard(channel: Channel): void {
    const member = this.#members.get(channel.peer.pid);
    if (member?.channel === channel) member.heartbeat?.heard();
  }

  /** A connection is over. A child that lives on connects again; of another's child this may be all there is to see. */
  closed(channel: Channel): void {
    const member = this.#members.get(channel.peer.pid);
    if (member?.channel !== channel) return;
    member.channel = undefined;
    member.lostSinceMs = performance.now();
    member.heartbeat?.stop();
    this.#watchDeath(member);
  }

  /** Call now and then: finds those that live without a connection for longer than they may hang. */
  checkLost(): void {
    for (const { process, lostSinceMs } of this.#members.values()) {
      if (lostSinceMs !== undefined && performance.now() - lostSinceMs > this.#hangTimeoutMs()) {
        this.#events.silent(process.pid);
      }
    }
  }

  tell(pid: number, message: Message): void {
    this.#members.get(pid)?.channel?.send(message);
  }

  kill(pid: number): void {
    const member = this.#members.get(pid);
    if (member !== undefined) kill(member.process);
  }

  /** Kills all and tells of none. */
  end(): void {
    for (const { process, heartbeat } of this.#members.values()) {
      heartbeat?.stop();
      kill(process);
    }
    this.#members.clear();
  }

  #add(process: ProcessId, child: Child | undefined): Member {
    const member: Member = { process, child, channel: undefined, heartbeat: undefined, lostSinceMs: undefined };
    this.#members.set(process.pid, member);
    setImmediate(() => this.#watchDeath(member));
    return member;
  }

  /** Looks until it is dead or connected. A child's death is told by the kernel. */
  #watchDeath(member: Member): void {
    const { process, child, channel } = member;
    if (child !== undefined || channel !== undefined || this.#members.get(process.pid) !== member) return;
    if (isAlive(process)) setTimeout(() => this.#watchDeath(member), DEATH_POLL_MS);
    else this.#died(process.pid, false);
  }

  #died(pid: number, crashed: boolean): void {
    const member = this.#members.get(pid);
    if (member === undefined) return;
    this.#members.delete(pid);
    member.heartbeat?.stop();
    member.channel?.close();
    this.#events.died(pid, crashed);
  }
}
