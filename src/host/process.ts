// Processes: who lives, starting ones that outlive us, with the privilege they need and no more.
import { spawn, type StdioOptions } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { HostError } from './errors.ts';

/** A process, told apart from a later one with the same pid by when it started (clock ticks since boot). */
export interface ProcessId {
  pid: number;
  startTicks: number;
}

interface Stat {
  state: string;
  startTicks: number;
}

function procStat(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // ENOENT or ESRCH: no such process
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '?', startTicks: Number(fields[19] ?? 0) };
}

/** The identity of a living process, or undefined. */
export function identify(pid: number): ProcessId | undefined {
  const stat = procStat(pid);
  return stat === undefined || isOver(stat.state) ? undefined : { pid, startTicks: stat.startTicks };
}

/** False once the process cannot run another instruction: gone, or a zombie. */
export function isAlive(process: ProcessId): boolean {
  const stat = procStat(process.pid);
  return stat !== undefined && stat.startTicks === process.startTicks && !isOver(stat.state);
}

/** What the scheduler says of it, as in ps: R, S, D, T …; '' when gone. */
export function stateOf(pid: number): string {
  return procStat(pid)?.state ?? '';
}

/** SIGKILLs the process if it is still this one. */
export function kill(target: ProcessId, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, signal);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err;
  }
}

function isOver(state: string): boolean {
  return state === 'Z' || state === 'X';
}

/** What a started process may do: everything we may, nothing, or only read past file permissions. */
export type Privilege = 'all' | 'none' | 'read-any';

export interface StartOptions {
  program: string;
  args: readonly string[];
  /** Passed on as descriptors 3, 4, …, in this order. */
  fds: readonly number[];
  /** The file that stdout and stderr are appended to; undefined: they go where ours go. */
  log: string | undefined;
  privilege: Privilege;
  env?: NodeJS.ProcessEnv;
}

/** A started process. */
export interface Child {
  readonly process: ProcessId;
  /** Called once when it has ended: exit status, or the signal that ended it. */
  onExit(tell: (status: number | null, signal: string | null) => void): void;
  /** Lets this process end before the child does. */
  unref(): void;
}

/** Starts a process in a session of its own, so that no terminal or parent ends it. Throws HostError when it cannot start. */
export function start(options: StartOptions): Child {
  const { program, args } = withPrivilege(options);
  const logFd = options.log === undefined ? undefined : openLog(options.log);
  const output = logFd ?? 'inherit';
  try {
    const stdio: StdioOptions = ['ignore', output, output, ...options.fds];
    const child = spawn(program, args, { detached: true, cwd: '/', stdio, env: options.env ?? environment() });
    if (child.pid === undefined) {
      child.on('error', () => {}); // told by the throw below
      throw new HostError(`Cannot start "${program}": is it installed and executable?`, {
        code: 'spawn-failed',
        program,
      });
    }
    const { pid } = child;
    return {
      process: identify(pid) ?? { pid, startTicks: 0 },
      onExit: (tell) => void child.on('exit', tell),
      unref: () => child.unref(),
    };
  } finally {
    if (logFd !== undefined) closeSync(logFd);
  }
}

/** A log that cannot be written must not keep a daemon from starting: a full disk, a removed folder. */
function openLog(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch {
    return openSync('/dev/null', 'w');
  }
}

/** Only what a daemon of ours can need; no secret of the caller's environment travels on. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, HOME, LANG, XDG_RUNTIME_DIR, EVERMOUNT_STATE_DIR, EVERMOUNT_KILL_AT } = process.env;
  return {
    PATH,
    HOME,
    LANG,
    XDG_RUNTIME_DIR,
    EVERMOUNT_STATE_DIR,
    EVERMOUNT_KILL_AT,
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
  };
}

/**
 * Root gives up its capabilities by setpriv (util-linux) before the program starts: a running Node has threads that
 * capset(2) would not reach. A user has none to give up, but must not get any back either.
 */
function withPrivilege({ program, args, privilege }: StartOptions): { program: string; args: string[] } {
  if (privilege === 'all') return { program, args: [...args] };
  const keep = privilege === 'read-any' && process.getuid?.() === 0 ? ',+dac_read_search' : '';
  const bounding = process.getuid?.() === 0 ? [`--bounding-set=-all${keep}`] : [];
  return { program: 'setpriv', args: [...bounding, '--inh-caps=-all', '--no-new-privs', '--', program, ...args] };
}
