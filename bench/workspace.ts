// Where a bench works: a folder on disk with its source trees, a state folder of its own and its mounts, all gone afterwards.
// Mounts go through the real command line; only the status is asked of the supervisor directly, because a process started for
// every question would be a load of its own.
import { spawn, type StdioOptions } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { sleep } from '../src/base/index.ts';
import { askSession, sessionFolder, sessionId, type SessionStatus } from '../src/recovery/index.ts';

const CLI = resolve(import.meta.dirname, '../bin/evermount.js');
const UNMOUNT_TRIES = 20;

export interface WorkspaceOptions {
  /** Run sessions on a copy of Node, whose pages they share with nobody else. */
  copyNode?: boolean;
}

/** A mounted folder, ours or another's. */
export interface Mounted {
  readonly target: string;
  unmount(): Promise<void>;
}

/** Ours: can be asked. */
export interface Session extends Mounted {
  status(): Promise<BenchStatus | undefined>;
  /** Resolves once the session serves as described; throws after the deadline. */
  until(what: string, is: (status: BenchStatus) => boolean, timeoutMs?: number): Promise<BenchStatus>;
}

export type BenchStatus = SessionStatus & { lastTakeover?: { tookMs: number; leftovers: number; atMs: number } };

export class Workspace {
  readonly path: string;
  /** Trees are made in here. */
  readonly trees: string;
  readonly #state: string;
  readonly #node: string;
  readonly #mounts = new Set<Mounted>();
  #made = 0;

  /** Below TMPDIR, which should be on a disk: a memory file system does not behave like one. */
  constructor(options: WorkspaceOptions = {}) {
    this.path = mkdtempSync(join(realpathSync(tmpdir()), 'evermount-bench-'));
    this.trees = join(this.path, 'trees');
    this.#state = join(this.path, 'state');
    mkdirSync(this.trees);
    this.#node = options.copyNode === true ? join(this.path, 'node') : process.execPath;
    if (options.copyNode === true) copyFileSync(process.execPath, this.#node);
  }

  /** Mounts the source with the given options of `evermount mount`. */
  async mount(source: string, options: readonly string[]): Promise<Session> {
    const target = this.#newTarget();
    await run(this.#node, [CLI, 'mount', ...options, source, target], this.#env()).catch((err: unknown) => {
      rmdirSync(target); // an error of its own if it is mounted all the same
      throw err;
    });
    const folder = sessionFolder(join(this.#state, sessionId(target)));
    const status = (): Promise<BenchStatus | undefined> => askSession(folder, process.getuid?.() ?? 0);
    return this.#register({
      target,
      status,
      until: async (what, is, timeoutMs = 30_000) => {
        const endMs = performance.now() + timeoutMs;
        for (;;) {
          const found = await status();
          if (found !== undefined && is(found)) return found;
          if (performance.now() > endMs) {
            throw new Error(`Cannot go on: no ${what} within ${timeoutMs} ms; last status ${JSON.stringify(found)}`);
          }
          await sleep(10);
        }
      },
      unmount: async () => {
        await retried(() => run(this.#node, [CLI, 'umount', target], this.#env()));
        rmdirSync(target);
      },
    });
  }

  /** Mounts the source with bindfs; undefined where it is missing or not allowed. */
  async mountBindfs(source: string): Promise<Mounted | undefined> {
    const target = this.#newTarget();
    try {
      await run('bindfs', ['-r', '--no-allow-other', source, target]);
    } catch (err) {
      rmdirSync(target);
      process.stderr.write(`bench: no comparison with bindfs: ${(err as Error).message}\n`);
      return undefined;
    }
    const [command, flag] = process.getuid?.() === 0 ? ['umount', []] : ['fusermount3', ['-u']];
    return this.#register({
      target,
      unmount: async () => {
        await retried(() => run(command, [...flag, target]));
        rmdirSync(target);
      },
    });
  }

  /** Unmounts what is mounted and removes everything. A target is removed by rmdir only: never through a mount. */
  async close(): Promise<void> {
    for (const mounted of [...this.#mounts]) await mounted.unmount();
    for (const path of [this.trees, this.#state]) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    rmSync(join(this.path, 'node'), { force: true });
    rmdirSync(this.path);
  }

  #newTarget(): string {
    const target = join(this.path, `mount-${this.#made++}`);
    mkdirSync(target);
    return target;
  }

  #register<M extends Mounted>(mounted: M): M {
    const tracked = {
      ...mounted,
      unmount: async () => {
        if (!this.#mounts.delete(tracked)) return;
        await mounted.unmount();
      },
    };
    this.#mounts.add(tracked);
    return tracked;
  }

  #env(): NodeJS.ProcessEnv {
    return { ...process.env, EVERMOUNT_STATE_DIR: this.#state };
  }
}

/** Readers are gone, but the kernel may still hold their files for a moment. */
async function retried(act: () => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await act();
      return;
    } catch (err) {
      if (tries === UNMOUNT_TRIES) throw err;
      await sleep(100);
    }
  }
}

/** Runs a program to its end and returns what it printed. Throws what it complained of when it fails. */
export function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return new Promise((resolvePromise, reject) => {
    const stdio: StdioOptions = ['ignore', 'pipe', 'pipe'];
    const child = spawn(program, args, { stdio, env });
    let out = '';
    let complaint = '';
    child.stdout?.on('data', (bytes: Buffer) => (out += bytes.toString()));
    child.stderr?.on('data', (bytes: Buffer) => (complaint += bytes.toString()));
    child.on('error', (err) => reject(new Error(`Cannot run ${program}: ${err.message}`)));
    child.on('close', (status, signal) => {
      if (status === 0) resolvePromise(out);
      else
        reject(
          new Error(`Cannot run ${program} ${args.join(' ')}: ${complaint.trim() || (signal ?? `exit ${status}`)}`),
        );
    });
  });
}
