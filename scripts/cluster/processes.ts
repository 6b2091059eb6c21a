// The long-running processes of a cluster. Each has a record in the folder `processes`, written by the process itself before it
// becomes its program: there is no process without a record, however the harness ends. A record names one process of one boot,
// so that nothing but what we started is ever ended.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Place } from './place.ts';
import { until } from './run.ts';

const END_TIMEOUT_MS = 30_000;

/** Writes the record of the shell it runs in, then becomes the program: the process stays the same. */
const RECORD_AND_BECOME = `
  read -r boot </proc/sys/kernel/random/boot_id
  read -r stat </proc/self/stat
  printf '%s\\n%s\\n' "$boot" "$stat" >"$1.new" && mv -f "$1.new" "$1" || exit
  shift
  exec "$@"`;

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts it unless it runs. It lives on when this process ends; what it prints is appended to `log/NAME.log`. */
export async function start(
  place: Place,
  name: string,
  command: readonly string[],
  options: StartOptions = {},
): Promise<void> {
  if (isRunning(place, name)) return;
  mkdirSync(place.at('processes'), { recursive: true });
  mkdirSync(place.at('log'), { recursive: true });
  const record = place.at('processes', name);
  rmSync(record, { force: true });
  const log = openSync(place.at('log', `${name}.log`), 'a');
  const child = spawn('/bin/sh', ['-c', RECORD_AND_BECOME, 'sh', record, ...command], {
    stdio: ['ignore', log, log],
    detached: true,
    cwd: '/',
    env: { PATH: process.env['PATH'], HOME: place.folder, LANG: 'C.UTF-8', ...options.env },
  });
  closeSync(log);
  child.unref();
  await until(`the start of ${name}`, () => pidOf(place, name) !== undefined || child.exitCode !== null, 10_000);
}

/** Its id; undefined when it does not run. */
export function pidOf(place: Place, name: string): number | undefined {
  const recorded = readRecord(place, name);
  if (recorded === undefined || recorded.boot !== bootId()) return undefined;
  const now = readStat(recorded.pid);
  return now !== undefined && now.started === recorded.started && now.state !== 'Z' ? recorded.pid : undefined;
}

export function isRunning(place: Place, name: string): boolean {
  return pidOf(place, name) !== undefined;
}

/** Throws, with the end of its log, when it runs no more: what waits for it to be ready need not wait on. */
export function assertRunning(place: Place, name: string): void {
  if (!isRunning(place, name)) throw new Error(`Cannot go on, ${name} has ended: ${logTail(place, name)}`);
}

/** Ends it by SIGKILL, or ends `victim` in its place where that ends both. It is gone afterwards, its record too. */
export async function end(place: Place, name: string, victim?: number): Promise<void> {
  const pid = pidOf(place, name);
  if (pid !== undefined) {
    killOne(victim ?? pid);
    await until(`the end of ${name}`, () => !isRunning(place, name), END_TIMEOUT_MS);
  }
  rmSync(place.at('processes', name), { force: true });
}

/** The names of all that were ever started here and not ended. */
export function recordedNames(place: Place): string[] {
  try {
    return readdirSync(place.at('processes')).filter((name) => !name.endsWith('.new'));
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw err;
  }
}

/** The first process that this one started, as seen from here. */
export function childOf(pid: number): number | undefined {
  try {
    const [first = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return first === '' ? undefined : Number(first);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // it has ended
    throw err;
  }
}

export function logTail(place: Place, name: string): string {
  return readFileSync(place.at('log', `${name}.log`), 'utf8').slice(-1500);
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ESRCH') throw err; // it ended by itself
  }
}

interface ProcessStat {
  readonly pid: number;
  readonly state: string;
  /** In clock ticks after boot. */
  readonly started: string;
}

function readRecord(place: Place, name: string): (ProcessStat & { boot: string }) | undefined {
  let text: string;
  try {
    text = readFileSync(join(place.at('processes'), name), 'utf8');
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw err;
  }
  const [boot = '', stat = ''] = text.split('\n');
  return { boot, ...decodeStat(stat) };
}

function readStat(pid: number): ProcessStat | undefined {
  try {
    return decodeStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (err) {
    if (['ENOENT', 'ESRCH'].includes((err as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw err;
  }
}

/** "1234 (name) S …": the name may hold anything, so what follows is counted from its end. */
function decodeStat(text: string): ProcessStat {
  const rest = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { pid: Number.parseInt(text, 10), state: rest[0] ?? '', started: rest[19] ?? '' };
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
