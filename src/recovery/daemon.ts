// The daemon: serves the file system once it is told to, and until then is a warm standby.
//
// It has no privilege and starts nothing. Fence: only who holds the lock on the session memory may read requests; the kernel
// frees the lock when its holder is gone, so two daemons never serve one session, whatever a supervisor believes.
import { closeSync, openSync } from 'node:fs';
import { sleep, type Logger } from '../base/index.ts';
import { FuseDevice } from '../fuse/device/index.ts';
import {
  emptyStat,
  openSessionMemory,
  rehearse,
  Server,
  type FileSystem,
  type NodeNames,
  type ServerConfig,
  type SessionMemory,
  type TakeoverCause,
  type TakeoverMode,
} from '../fuse/session/index.ts';
import { connectChannel, type Channel, type Message } from '../host/index.ts';
import { file } from '../libc/index.ts';
import type { Descriptors } from './descriptors.ts';
import type { SessionFolder } from './folders.ts';
import { readRecord, type SessionRecord } from './record.ts';
import { VaultKeeper } from './vault-keeper.ts';

export interface DaemonConfig {
  folder: SessionFolder;
  uid: number;
  descriptors: Descriptors;
}

/** The steps of a hand-over in the daemon: where a crash test kills. */
export type DaemonStep = 'told-to-serve' | 'fence-taken' | 'serving' | 'drain-asked' | 'drained';

export interface DaemonDeps {
  log: Logger;
  filesystem: (record: SessionRecord, descriptors: Descriptors, nodes: NodeNames) => FileSystem;
  exit: (status: number) => void;
  step: (step: DaemonStep) => void;
}

const RECONNECT_MS = 20;
const REHEARSAL_DELAY_MS = 30;
const FENCE_TIMEOUT_MS = 5_000;
/** For putting things in order after the last request. */
const END_TIMEOUT_MS = 1_000;
/** A standby that finds no supervisor for this long is of no use to anybody. */
const ORPHAN_TIMEOUT_MS = 30_000;
export const PASSTHROUGH_MIN_BYTES = 128 * 1024;

export class Daemon {
  readonly #config: DaemonConfig;
  readonly #deps: DaemonDeps;
  readonly #lockFd: number;
  readonly #memory: SessionMemory;
  readonly #record: SessionRecord;
  #supervisor: Channel | undefined;
  #lostSinceMs = performance.now();
  #prepared: Server | undefined;
  #server: Server | undefined;
  #keeper: VaultKeeper | undefined;
  #phase: 'ready' | 'serving' | 'draining' = 'ready';
  #leaving = false;
  /** Told to serve, and on the way to it. */
  #isTold = false;

  constructor(config: DaemonConfig, deps: DaemonDeps) {
    this.#config = config;
    this.#deps = deps;
    // A second open of the same memory: the lock belongs to it alone, not to the copies others hold.
    this.#lockFd = openSync(`/proc/self/fd/${config.descriptors.memory}`, 'r+');
    this.#memory = openSessionMemory(config.descriptors.memory);
    this.#record = readRecord(config.folder.record);
    this.#keeper = new VaultKeeper(config.folder.vaultSocket, config.uid, () => this.#server?.files.keepAll());
    this.#prepared = this.#prepare();
    process.on('SIGTERM', () => this.#leave());
    this.#connect();
    // Whoever is told to serve at once has no time for it.
    setTimeout(() => void this.#rehearse(), REHEARSAL_DELAY_MS);
  }

  #connect(): void {
    try {
      const channel = connectChannel(this.#config.folder.supervisorSocket, this.#config.uid);
      this.#supervisor = channel;
      channel.listen({
        message: (message, fds) => {
          for (const fd of fds) file.close(fd); // nobody gives a daemon descriptors this way
          this.#message(message);
        },
        closed: () => this.#lost(),
      });
      channel.send({ op: 'daemon', phase: this.#phase });
      if (this.#leaving) channel.send({ op: 'leaving' });
    } catch {
      // Being replaced, or a stranger in its place. A serving daemon serves on.
      if (this.#phase === 'ready' && performance.now() - this.#lostSinceMs > ORPHAN_TIMEOUT_MS) this.#deps.exit(0);
      else setTimeout(() => this.#connect(), RECONNECT_MS);
    }
  }

  #lost(): void {
    this.#supervisor = undefined;
    this.#lostSinceMs = performance.now();
    setTimeout(() => this.#connect(), RECONNECT_MS);
  }

  #message(message: Message): void {
    switch (message['op']) {
      case 'ping':
        this.#supervisor?.send({ op: 'pong' });
        return;
      case 'serve':
        void this.#serve(message['mode'] as TakeoverMode, message['cause'] as TakeoverCause);
        return;
      case 'drain':
        void this.#drain();
        return;
      case 'resume':
        this.#resume();
        return;
      case 'dismiss':
        this.#deps.exit(0);
        return;
    }
  }

  async #serve(mode: TakeoverMode, cause: TakeoverCause): Promise<void> {
    if (this.#phase !== 'ready') return;
    this.#isTold = true;
    this.#deps.step('told-to-serve');
    const startMs = performance.now();
    await this.#takeFence();
    this.#deps.step('fence-taken');
    const server = this.#prepared ?? this.#prepare();
    this.#prepared = undefined;
    this.#server = server;
    const root = emptyStat();
    if ((await server.filesystem.root(root)) === 0) server.nodes.setRootKey(root.key);
    this.#phase = 'serving';
    this.#isTold = false;
    server.filesystem.begin?.(server);
    const found = server.takeOver(mode, cause);
    this.#deps.step('serving');
    this.#supervisor?.send({ op: 'serving', ...found, tookMs: performance.now() - startMs });
  }

  /** Everything that can be done before it is known what the predecessor leaves. */
  #prepare(): Server {
    const { descriptors } = this.#config;
    const record = this.#record;
    return new Server(serverConfig(record), {
      device: new FuseDevice(descriptors.fuse),
      memory: this.#memory,
      filesystem: (nodes) => this.#deps.filesystem(record, descriptors, nodes),
      keeper: this.#keeper as VaultKeeper,
      onEnd: (how) => void this.#over(how),
    });
  }

  /** Gets warm while somebody else serves. */
  async #rehearse(): Promise<void> {
    const { descriptors } = this.#config;
    const record = this.#record;
    await rehearse({
      config: serverConfig(record),
      filesystem: (nodes) => this.#deps.filesystem(record, descriptors, nodes),
      isOver: () => this.#phase !== 'ready' || this.#isTold,
    });
  }

  /** Waits until nobody else may read requests. */
  async #takeFence(): Promise<void> {
    const endMs = performance.now() + FENCE_TIMEOUT_MS;
    while (!file.tryLock(this.#lockFd)) {
      if (performance.now() > endMs) {
        this.#deps.log.error('another daemon still serves the session', { waitedMs: FENCE_TIMEOUT_MS });
        this.#deps.exit(1);
      }
      await sleep(1);
    }
  }

  async #drain(): Promise<void> {
    if (this.#phase !== 'serving' || this.#server === undefined) return;
    this.#phase = 'draining';
    this.#deps.step('drain-asked');
    const server = this.#server;
    await server.drain();
    if ((this.#phase as string) !== 'draining') return; // called off
    await server.filesystem.end?.();
    this.#phase = 'ready';
    this.#server.files.closeAll();
    this.#server = undefined;
    file.unlock(this.#lockFd);
    this.#deps.step('drained');
    this.#supervisor?.send({ op: 'drained' });
    // A file system that has let go of what it keeps does not serve again in this process.
    if (server.filesystem.end !== undefined) this.#deps.exit(0);
  }

  #resume(): void {
    if (this.#phase !== 'draining') return;
    this.#phase = 'serving';
    this.#server?.resume();
  }

  /** SIGTERM: somebody else shall serve; until then this one goes on. */
  #leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#supervisor?.send({ op: 'leaving' });
  }

  /** Whatever the file system keeps is put in order before anybody is told, as that ends this process. */
  async #over(how: 'unmounted' | 'aborted'): Promise<void> {
    try {
      await Promise.race([this.#server?.filesystem.end?.(), sleep(END_TIMEOUT_MS)]);
    } catch (err) {
      this.#deps.log.warn('cannot end in order', { err });
    }
    this.#supervisor?.send({ op: 'over', how });
    this.#deps.log.info('connection is over', { how });
    closeSync(this.#lockFd);
    this.#deps.exit(0);
  }
}

function serverConfig({ agreed, options }: SessionRecord): ServerConfig {
  const { entryTimeoutMs, attrTimeoutMs, negativeTimeoutMs } = options;
  return {
    agreed,
    cache: { entryMs: entryTimeoutMs, attrMs: attrTimeoutMs, negativeMs: negativeTimeoutMs },
    readBytesMax: agreed.maxPages * 4096,
    passthroughMinBytes: options.passthrough ? PASSTHROUGH_MIN_BYTES : Infinity,
  };
}
