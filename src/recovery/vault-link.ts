// The vault as its supervisor sees it: connected, or being replaced by another one.
import type { Logger } from '../base/index.ts';
import { connectChannel, identify, isAlive, kill, type Channel, type Message, type ProcessId } from '../host/index.ts';
import { file } from '../libc/index.ts';
import { startHeartbeat, type Heartbeat } from './heartbeat.ts';

export interface VaultLinkConfig {
  socket: string;
  uid: number;
  hangTimeoutMs: () => number;
}

export interface VaultLinkDeps {
  log: Logger;
  startVault: () => ProcessId;
  /** Another vault is there, which was told nothing yet. */
  onConnected: () => void;
}

const DEATH_POLL_MS = 2;
const RETRY_MS = 20;
const REPLACE_AGAIN_MS = 250;
const CONNECT_TIMEOUT_MS = 5_000;

export class VaultLink {
  readonly #config: VaultLinkConfig;
  readonly #deps: VaultLinkDeps;
  #channel: Channel | undefined;
  #process: ProcessId | undefined;
  #heartbeat: Heartbeat | undefined;
  #ended = false;

  /** Takes the connection to the vault that is there. */
  constructor(config: VaultLinkConfig, deps: VaultLinkDeps, channel: Channel) {
    this.#config = config;
    this.#deps = deps;
    this.#process = identify(channel.peer.pid);
    this.#take(channel);
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  send(message: Message): void {
    this.#channel?.send(message);
  }

  /** No vault is started any more. */
  end(): void {
    this.#ended = true;
    this.#heartbeat?.stop();
    this.send({ op: 'end' });
  }

  #take(channel: Channel): void {
    this.#channel = channel;
    this.#heartbeat = startHeartbeat(this.#config.hangTimeoutMs(), {
      ping: () => channel.send({ op: 'ping' }),
      silent: () => {
        this.#deps.log.warn('vault does not answer, killing it', { pid: this.pid });
        if (this.#process !== undefined) kill(this.#process);
      },
    });
    channel.listen({
      message: (message, fds) => {
        for (const fd of fds) file.close(fd); // a new vault answers with what it got from here
        this.#heartbeat?.heard();
        if (message['op'] === 'ping') channel.send({ op: 'pong' });
      },
      closed: () => {
        this.#heartbeat?.stop();
        this.#channel = undefined;
        this.#replace();
      },
    });
  }

  #replace(): void {
    if (this.#ended) return;
    const { log, startVault } = this.#deps;
    const old = this.#process;
    if (old !== undefined && isAlive(old)) {
      kill(old); // alive without its connection: it cannot go on
      setTimeout(() => this.#replace(), DEATH_POLL_MS);
      return;
    }
    log.warn('vault is gone, starting another', { pid: old?.pid });
    try {
      this.#process = startVault();
    } catch (err) {
      log.error('a vault could not be started', { err });
      this.#process = undefined;
    }
    this.#reach(performance.now() + CONNECT_TIMEOUT_MS);
  }

  #reach(untilMs: number): void {
    if (this.#ended) return;
    const channel = this.#tryConnect();
    if (channel !== undefined) {
      channel.send({ op: 'supervisor' });
      this.#take(channel);
      this.#deps.onConnected();
    } else if (performance.now() > untilMs || this.#process === undefined || !isAlive(this.#process)) {
      setTimeout(() => this.#replace(), REPLACE_AGAIN_MS);
    } else setTimeout(() => this.#reach(untilMs), RETRY_MS);
  }

  /** A channel to the very process that was started, or undefined: it is not listening yet, or somebody else is. */
  #tryConnect(): Channel | undefined {
    let channel: Channel;
    try {
      channel = connectChannel(this.#config.socket, this.#config.uid);
    } catch {
      return undefined;
    }
    if (channel.peer.pid === this.pid) return channel;
    channel.close();
    return undefined;
  }
}
