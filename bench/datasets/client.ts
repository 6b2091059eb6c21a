// Who takes part: a program that shows a bucket as a folder and keeps what was read in a cache folder.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../../src/base/index.ts';
import { onStop } from '../cleanup.ts';
import { run } from '../workspace.ts';
import type { Store } from './store.ts';

export interface Place {
  readonly store: Store;
  /** Where clients may put files: configuration, caches, mount points. */
  readonly folder: string;
}

export interface MountedClient {
  /** Where the data set is. */
  readonly path: string;
  /** Its processes, whose memory is counted. */
  pids(): number[];
  /** Unmounts, ends what was started, and removes the cache. */
  close(): Promise<void>;
}

export interface Client {
  readonly name: string;
  /** Why it cannot take part, if so. Builds or starts what it needs. */
  prepare(): Promise<string | undefined>;
  /** Stores the data set once more, where the client reads nothing but a form of its own. */
  ingest?(prefix: string): Promise<void>;
  /** Shows the keys below the prefix, with an empty cache. */
  mount(prefix: string): Promise<MountedClient>;
  /** Ends what prepare() started. */
  close(): Promise<void>;
}

const MOUNT_TIMEOUT_MS = 30_000;
const UNMOUNT_TIMEOUT_MS = 30_000;

export interface MountCommand {
  program: string;
  args: (target: string, cache: string) => readonly string[];
  env?: NodeJS.ProcessEnv;
}

/** Starts a program that serves a mount in the foreground; resolves once the mount is there. */
export async function mountBy(name: string, folder: string, command: MountCommand): Promise<MountedClient> {
  const own = mkdtempSync(join(folder, `${name}-`));
  const [target, cache] = [join(own, 'mount'), join(own, 'cache')];
  mkdirSync(target);
  mkdirSync(cache);
  const child = spawn(command.program, command.args(target, cache), {
    env: { ...process.env, ...command.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-2000)));
  }
  const ended = new Promise<void>((resolve) => {
    child.on('exit', () => resolve());
    child.on('error', (err) => {
      said += err.message;
      resolve();
    });
  });
  const forget = onStop(() => child.kill());
  const isGone = (): boolean => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  const unmount = async (): Promise<void> => {
    if (isMounted(target)) await run('umount', [target]).catch(() => run('umount', ['--lazy', target]));
    await Promise.race([ended, sleep(UNMOUNT_TIMEOUT_MS)]);
    if (!isGone()) child.kill('SIGKILL');
    await ended;
    forget();
    rmdirSync(target);
    rmSync(own, { recursive: true, force: true, maxRetries: 3 });
  };
  const untilMs = performance.now() + MOUNT_TIMEOUT_MS;
  while (!isMounted(target)) {
    if (isGone() || performance.now() > untilMs) {
      child.kill('SIGKILL');
      throw new Error(`Cannot mount with ${name}: ${isGone() ? said.trim() : 'no mount in time'}`);
    }
    await sleep(20);
  }
  return { path: target, pids: () => (child.pid === undefined ? [] : withChildren(child.pid)), close: unmount };
}

function isMounted(target: string): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${target} `);
}

/** The process and everything below it. */
function withChildren(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return [pid, ...children.split(' ').filter(Boolean).map(Number).flatMap(withChildren)];
  } catch {
    return []; // gone meanwhile
  }
}
