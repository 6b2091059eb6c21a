// Real mounts for tests, made by the real command line, each with a state folder of its own and gone without a trace at the end.
//
// The recover deadline is short here, so that a mount nobody serves gives the test an error and not an endless wait.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionStatus } from '../../src/recovery/index.ts';
import { mountAt, unmount } from '../../src/host/index.ts';
import { evermount, type Outcome } from './command-line.ts';
import { until } from './wait.ts';

export type Part = 'vault' | 'supervisor' | 'daemon' | 'standby';

export interface MountRequest {
  /** A folder or "dummy:". Left out: a fresh, empty folder. */
  source?: string;
  /** Options of `evermount mount`; made for the mount's own folder, where they name files in it. */
  options?: readonly string[] | ((scratch: Scratch) => readonly string[]);
  /** Left out: a fresh folder. */
  target?: string;
  env?: NodeJS.ProcessEnv;
}

/** A fresh folder that goes away with everything in it; `at` makes the path of something in it. */
export interface Scratch extends Disposable {
  readonly path: string;
  at: (...names: string[]) => string;
}

export function makeScratch(): Scratch {
  const path = mkdtempSync(join(tmpdir(), 'evermount-test-'));
  chmodSync(path, 0o755); // other users come to look in some tests
  return {
    path,
    at: (...names) => join(path, ...names),
    [Symbol.dispose]: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

export class TestMount implements AsyncDisposable {
  readonly source: string;
  readonly target: string;
  readonly state: string;
  readonly #scratch: Scratch;

  constructor(source: string, target: string, scratch: Scratch) {
    this.source = source;
    this.target = target;
    this.state = scratch.at('state');
    this.#scratch = scratch;
  }

  /** A path below the target. */
  at(...names: string[]): string {
    return join(this.target, ...names);
  }

  run(...args: string[]): Promise<Outcome> {
    return evermount(this.state, args);
  }

  async status(): Promise<SessionStatus> {
    const { stdout, stderr } = await this.run('status', '--json', this.target);
    const [status] = stdout === '' ? [] : (JSON.parse(stdout) as SessionStatus[]);
    if (status === undefined) throw new Error(`Cannot tell the status of "${this.target}": ${stderr}`);
    return status;
  }

  /** The pid of a part, once there is one. */
  pid(part: Part): Promise<number> {
    return until(`a ${part}`, async () => (await this.status()).pids[part]);
  }

  /** Kills a part and returns its pid; the process is certainly gone afterwards. */
  async kill(part: Part, signal: NodeJS.Signals = 'SIGKILL'): Promise<number> {
    let pid = await this.pid(part);
    while (!sent(pid, signal)) pid = await this.pid(part); // it was replaced just now
    if (signal === 'SIGKILL') await until(`the end of ${part} ${pid}`, () => !isRunning(pid));
    return pid;
  }

  /** Waits until a daemon serves, other than `than`. */
  async untilServing(than?: number): Promise<SessionStatus> {
    return until('a serving daemon', async () => {
      const status = await this.status();
      return status.state === 'serving' && status.pids.daemon !== than ? status : undefined;
    });
  }

  umount(...options: string[]): Promise<Outcome> {
    return this.run('umount', ...options, this.target);
  }

  /** What the session's processes logged. */
  log(): string {
    return readdirSync(this.state)
      .filter((name) => !name.includes('.'))
      .map((name) => readFileSync(join(this.state, name, 'log'), 'utf8'))
      .join('');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (mountAt(this.target)?.type === 'fuse.evermount') await this.umount('--lazy');
    await clearMount(this.target, this.state);
    this.#scratch[Symbol.dispose]();
  }
}

/** Mounts; the test fails if that does not succeed. */
export async function mountSource(request: MountRequest = {}): Promise<TestMount> {
  const scratch = makeScratch();
  const source = request.source ?? scratch.at('source');
  const target = request.target ?? scratch.at('target');
  mkdirSync(scratch.at('source'));
  mkdirSync(scratch.at('target'));
  const mount = new TestMount(source, target, scratch);
  const { options = [] } = request;
  const given = typeof options === 'function' ? options(scratch) : options;
  const args = ['mount', '--recover-deadline', '20s', ...given, source, target];
  try {
    const { status, stderr } = await evermount(
      mount.state,
      args,
      request.env === undefined ? {} : { env: request.env },
    );
    if (status !== 0) throw new Error(`Cannot mount "${source}" for a test, exit status ${status}: ${stderr}`);
    return mount;
  } catch (err) {
    await mount[Symbol.asyncDispose]();
    throw err;
  }
}

/** Removes every mount of ours at the target and every process of the state folder: for tests that break mounts. */
export async function clearMount(target: string, state: string): Promise<void> {
  for (const pid of processesOf(state)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // gone by itself meanwhile
    }
  }
  await until(`the end of the processes of ${state}`, () => processesOf(state).length === 0);
  while (mountAt(target)?.type === 'fuse.evermount') await unmount(target, true);
}

/** Every running process of the sessions in a state folder. */
export function processesOf(state: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandOf(pid).some((argument) => argument.startsWith(`${state}/`)));
}

/** False when there is no such process any more. */
function sent(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err;
    return false;
  }
}

/** False for a zombie too. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

function commandOf(pid: number): string[] {
  try {
    return isRunning(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0') : [];
  } catch {
    return [];
  }
}
