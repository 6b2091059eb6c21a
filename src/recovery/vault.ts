// The vault: holds a duplicate of a session's descriptors and of the files open in it, and keeps a supervisor running.
//
// It is as small as it can be, because it must not die: it never looks at a request. It has the privilege of whoever mounted,
// for the one thing daemons may not do: registering backing files with the kernel.
import { rmSync } from 'node:fs';
import { backoffDelayMs, type Logger } from '../base/index.ts';
import { isMounted } from './client.ts';
import {
  abortConnection,
  ChannelServer,
  isAlive,
  isConnectionOver,
  kill,
  type Channel,
  type Message,
  type ProcessId,
} from '../host/index.ts';
import { errno, errnoName, file } from '../libc/index.ts';
import { descriptorList, type Descriptors } from './descriptors.ts';
import type { SessionFolder } from './folders.ts';
import type { Heartbeat } from './heartbeat.ts';
import { startHeartbeat } from './heartbeat.ts';
import { decodeKeepMessage } from './keep-wire.ts';
import type { SessionRecord } from './record.ts';

export interface VaultConfig {
  folder: SessionFolder;
  record: SessionRecord;
  descriptors: Descriptors;
  /** The supervisor that started this vault, if one did: it will connect. */
  supervisor: ProcessId | undefined;
  /** What that one said of the session: for the next, should it die before it connects. */
  last: Message;
}

export interface VaultDeps {
  log: Logger;
  startSupervisor: () => ProcessId;
  exit: () => void;
  nowMs: () => number;
}

const TICK_MS = 200;
const CONNECT_TIMEOUT_MS = 5_000;
const BACKOFF = { baseMs: 50, maxMs: 5_000 };

export class Vault {
  readonly #config: VaultConfig;
  readonly #deps: VaultDeps;
  readonly #server: ChannelServer;
  readonly #channels = new Set<Channel>();
  /** Node -> descriptor of the file open under it. */
  readonly #kept = new Map<bigint, number>();
  readonly #backing = new Map<bigint, number>();
  #supervisor: { process: ProcessId; channel: Channel | undefined; sinceMs: number } | undefined;
  #heartbeat: Heartbeat | undefined;
  #lastState: Message;
  #failures = 0;
  #startNotBeforeMs = 0;
  /** Since when no supervisor has reported that a daemon serves. */
  #unservedSinceMs: number | undefined;
  #timer: NodeJS.Timeout;

  constructor(config: VaultConfig, deps: VaultDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#lastState = config.last;
    this.#unservedSinceMs = deps.nowMs();
    if (config.supervisor !== undefined)
      this.#supervisor = { process: config.supervisor, channel: undefined, sinceMs: deps.nowMs() };
    this.#server = new ChannelServer(
      config.folder.vaultSocket,
      config.record.uid,
      (channel) => this.#accept(channel),
      (peer) => deps.log.warn('connection refused', { ...peer }),
    );
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  #accept(channel: Channel): void {
    this.#channels.add(channel);
    channel.listen({
      message: (message, fds) => this.#message(channel, message, fds),
      bytes: (bytes, fds) => this.#keepMessage(bytes, fds),
      closed: () => {
        this.#channels.delete(channel);
        this.#closed(channel);
      },
    });
  }

  #message(channel: Channel, message: Message, fds: number[]): void {
    const node = nodeOf(message);
    switch (message['op']) {
      case 'supervisor':
        this.#supervisorConnected(channel);
        break;
      case 'state':
        if (channel !== this.#supervisor?.channel) break;
        this.#lastState = message;
        this.#unservedSinceMs =
          message['state'] === 'serving' || message['state'] === 'handing-over'
            ? undefined
            : (this.#unservedSinceMs ?? this.#deps.nowMs());
        break;
      case 'ping':
        channel.send({ op: 'pong' });
        break;
      case 'pong':
        this.#heartbeat?.heard();
        break;
      case 'end':
        if (channel === this.#supervisor?.channel) this.#end();
        break;
      case 'take':
        // What a daemon that was killed has sent comes before the question of its successor.
        for (const other of this.#channels) if (other !== channel) other.receiveNow();
        this.#take(channel, message, node);
        break;
      case 'backing-open':
        channel.send({ op: 'backing', id: message['id'], backingId: this.#backingOpen(node) });
        break;
      case 'backing-close':
        this.#backingClose(node, Number(message['backingId']));
        break;
      default:
        this.#deps.log.warn('message not understood', { op: message['op'], pid: channel.peer.pid });
    }
    for (const fd of fds) file.close(fd);
  }

  #supervisorConnected(channel: Channel): void {
    // Only the supervisor that was started here, or that started this vault, gets the session.
    const process = this.#supervisor?.process;
    if (process === undefined || process.pid !== channel.peer.pid || !isAlive(process)) {
      this.#deps.log.warn('a process that is not the supervisor asked for the session', { ...channel.peer });
      channel.close();
      return;
    }
    this.#supervisor = { process, channel, sinceMs: this.#deps.nowMs() };
    this.#failures = 0;
    this.#heartbeat?.stop();
    this.#heartbeat = startHeartbeat(this.#config.record.options.hangTimeoutMs, {
      ping: () => channel.send({ op: 'ping' }),
      silent: () => {
        this.#deps.log.warn('supervisor does not answer, killing it', { pid: process.pid });
        kill(process);
      },
    });
    const { op: _op, ...state } = this.#lastState;
    channel.send({ op: 'descriptors', last: state }, descriptorList(this.#config.descriptors));
  }

  #closed(channel: Channel): void {
    if (channel !== this.#supervisor?.channel) return;
    this.#heartbeat?.stop();
    this.#supervisor.channel = undefined;
    this.#supervisor.sinceMs = this.#deps.nowMs();
    this.#unservedSinceMs ??= this.#deps.nowMs();
    setImmediate(() => this.#tick());
  }

  /** Level-based: looks whether a supervisor lives and whether the session goes on, and acts on what it sees. */
  #tick(): void {
    const { log, nowMs, startSupervisor } = this.#deps;
    const now = nowMs();
    if (isConnectionOver(this.#config.descriptors.fuse) && this.#supervisor?.channel === undefined) {
      const { folder, record } = this.#config;
      if (!isMounted(record.target, record.connection)) rmSync(folder.path, { recursive: true, force: true });
      this.#end();
      return;
    }
    const supervisor = this.#supervisor;
    if (supervisor !== undefined && supervisor.channel === undefined) {
      if (isAlive(supervisor.process)) {
        // Started and on its way, or alive without its connection: the second cannot go on.
        if (now - supervisor.sinceMs > CONNECT_TIMEOUT_MS) kill(supervisor.process);
        return;
      }
      this.#supervisor = undefined;
      this.#failures++;
      this.#startNotBeforeMs = now + backoffDelayMs(this.#failures - 2, BACKOFF);
      log.warn('supervisor is gone', { pid: supervisor.process.pid });
    }
    if (this.#supervisor === undefined && now >= this.#startNotBeforeMs) {
      try {
        this.#supervisor = { process: startSupervisor(), channel: undefined, sinceMs: now };
      } catch (err) {
        this.#failures++;
        this.#startNotBeforeMs = now + backoffDelayMs(this.#failures, BACKOFF);
        log.error('a supervisor could not be started', { err });
      }
    }
    const { recoverDeadlineMs } = this.#config.record.options;
    // A supervisor that is there keeps the deadline itself; this one is for when none can be brought up.
    const channel = this.#supervisor?.channel;
    if (
      channel === undefined &&
      this.#unservedSinceMs !== undefined &&
      now - this.#unservedSinceMs > recoverDeadlineMs + CONNECT_TIMEOUT_MS
    ) {
      log.error('no supervisor could be started, aborting the connection', { recoverDeadlineMs });
      abortConnection(this.#config.record.connection);
      this.#end();
    }
  }

  #keepMessage(bytes: Buffer, fds: number[]): void {
    const message = decodeKeepMessage(bytes);
    if (message?.kind === 'keep') {
      const fd = fds.shift();
      if (fd !== undefined) {
        this.#drop(message.node);
        this.#kept.set(message.node, fd);
      }
    } else if (message?.kind === 'drop') for (const node of message.nodes) this.#drop(node);
    for (const fd of fds) file.close(fd);
  }

  #drop(node: bigint): void {
    const fd = this.#kept.get(node);
    if (fd === undefined) return;
    file.close(fd);
    this.#kept.delete(node);
  }

  #take(channel: Channel, message: Message, node: bigint): void {
    const fd = this.#kept.get(node);
    channel.send({ op: 'taken', id: message['id'] }, fd === undefined ? [] : [fd]);
  }

  #backingOpen(node: bigint): number {
    const known = this.#backing.get(node);
    if (known !== undefined) return known;
    const fd = this.#kept.get(node);
    if (fd === undefined) return 0;
    const backingId = file.backingOpen(this.#config.descriptors.fuse, fd);
    if (backingId <= 0) {
      this.#deps.log.debug('no passthrough for a file', { errno: errnoName(errno()) });
      return 0;
    }
    this.#backing.set(node, backingId);
    return backingId;
  }

  #backingClose(node: bigint, backingId: number): void {
    if (this.#backing.get(node) === backingId) this.#backing.delete(node);
    if (Number.isInteger(backingId) && backingId > 0) file.backingClose(this.#config.descriptors.fuse, backingId);
  }

  #end(): void {
    clearInterval(this.#timer);
    this.#heartbeat?.stop();
    this.#server.close();
    this.#deps.exit();
  }
}

/** The node a message names, in hexadecimal; 0, which is no node, where it names none. */
function nodeOf(message: Message): bigint {
  const { node } = message;
  return typeof node === 'string' && /^[0-9a-f]{1,16}$/.test(node) ? BigInt(`0x${node}`) : 0n;
}
