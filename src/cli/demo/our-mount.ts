// The mounts of ours that the demo makes, in a state folder of its own: made, watched, bereaved of processes, ended.
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger, sleep } from '../../base/index.ts';
import { connectChannel, identify, isAlive, kill, stateOf, unmount, type ProcessId } from '../../host/index.ts';
import {
  askSession,
  createSession,
  isMounted,
  type SessionFolder,
  type SessionOptions,
  type SessionStatus,
} from '../../recovery/index.ts';
import { CONTROL_SOCKET } from '../dataset/control-socket.ts';
import { defaultsFor } from '../dataset/prepare.ts';
import { launch } from '../launch.ts';
import { defaultOptions } from '../session-options.ts';
import { openSource } from '../sources.ts';
import type { Victim } from './kills.plan.ts';
import type { OurSource } from './stage.ts';

const POLL_MS = 5;
const WHOLE_TIMEOUT_MS = 10_000;
const END_TIMEOUT_MS = 5_000;

export class OurMount {
  readonly #folder: SessionFolder;
  readonly #uid: number;
  #status: SessionStatus;

  /** Mounts the source as `evermount mount` does. Passthrough is off: every read is to be answered by the daemon. */
  static async make(
    { source, sourceConfig }: OurSource,
    target: string,
    stateFolder: string,
    standby: SessionOptions['standby'],
  ): Promise<OurMount> {
    const uid = process.getuid?.() ?? 0;
    const sourceFd = openSource(source);
    try {
      const { folder, status } = await createSession(
        {
          stateFolder,
          target,
          source: source.spec,
          sourceConfig,
          sourceName: source.name,
          sourceFd,
          uid,
          options: { ...defaultsFor(sourceConfig, defaultOptions(uid === 0)), standby, passthrough: false },
        },
        {
          log: createLogger(),
          startVault: (into, descriptors) => {
            launch('vault', { folder: into, descriptors, privilege: 'all', args: ['--inherit'] }).unref();
          },
          step: () => {},
        },
      );
      return new OurMount(folder, uid, status);
    } finally {
      if (sourceFd !== undefined) closeSync(sourceFd);
    }
  }

  private constructor(folder: SessionFolder, uid: number, status: SessionStatus) {
    this.#folder = folder;
    this.#uid = uid;
    this.#status = status;
  }

  get target(): string {
    return this.#status.target;
  }

  /** Where a daemon of a mount with a cache listens. */
  get controlSocket(): string {
    return join(this.#folder.path, CONTROL_SOCKET);
  }

  get takeovers(): number {
    return this.#status.takeovers;
  }

  /** SIGKILLs one of the session's processes. It gets no chance to do anything about it. */
  async kill(victim: Victim): Promise<void> {
    const process = this.#process(victim);
    if (process === undefined) throw new Error(`Cannot kill the ${victim}: there is none`);
    kill(process);
    while (isAlive(process)) await sleep(POLL_MS);
  }

  /**
   * Waits until a daemon serves, and vault and supervisor both hold the descriptors again: whoever is killed next, the
   * session goes on.
   */
  async whole(signal: AbortSignal): Promise<'whole' | 'lost'> {
    const endMs = performance.now() + WHOLE_TIMEOUT_MS;
    while (performance.now() < endMs) {
      signal.throwIfAborted();
      const status = await askSession(this.#folder, this.#uid);
      if (status !== undefined) {
        this.#status = status;
        const daemonServes = status.state === 'serving' && this.#process('daemon') !== undefined;
        if (daemonServes && this.#vaultListens()) return 'whole';
      }
      await sleep(POLL_MS, signal);
    }
    return 'lost';
  }

  /** Takes vault and supervisor away at once, so that neither can replace the other: the daemon is on its own. */
  async leaveDaemonAlone(): Promise<void> {
    const holders = [this.#process('vault'), this.#process('supervisor')].filter((each) => each !== undefined);
    for (const holder of holders) kill(holder, 'SIGSTOP');
    while (holders.some(({ pid }) => stateOf(pid) !== 'T')) await sleep(POLL_MS);
    for (const holder of holders) kill(holder);
    while (holders.some(isAlive)) await sleep(POLL_MS);
  }

  /** Unmounts and leaves no process behind. */
  async end(): Promise<void> {
    await unmount(this.target, true).catch(() => {}); // dead already, or gone
    const endMs = performance.now() + END_TIMEOUT_MS;
    const processes = (['vault', 'supervisor', 'daemon', 'standby'] as const).flatMap(
      (part) => this.#process(part) ?? [],
    );
    while (performance.now() < endMs) {
      if (!isMounted(this.target, this.#status.connection) && !processes.some(isAlive)) return;
      await sleep(POLL_MS);
    }
    for (const process of processes) kill(process);
  }

  /** A vault listens once it holds the descriptors, not before. */
  #vaultListens(): boolean {
    try {
      const channel = connectChannel(this.#folder.vaultSocket, this.#uid);
      channel.close();
      return channel.peer.pid === this.#status.pids.vault;
    } catch {
      return false; // nobody there yet
    }
  }

  #process(part: keyof SessionStatus['pids']): ProcessId | undefined {
    const pid = this.#status.pids[part];
    return pid === undefined ? undefined : identify(pid);
  }
}
