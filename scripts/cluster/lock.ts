// One harness at a time works on a cluster, or builds images. The lock is held by a program that ends when its standard input
// does, so it is free again however the harness ends; what a cluster is made of does not inherit it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Place } from './place.ts';

/** As long as another may take to build everything. */
const TIMEOUT_S = 1800;

/** Runs `work` while no other harness works on the same cluster. */
export function withClusterLock<T>(place: Place, work: () => Promise<T>): Promise<T> {
  // Not in the cluster's folder, which comes and goes.
  return withLock(`/run/evermount-cluster-${place.prefix}.lock`, work);
}

/** Runs `work` while nobody else has the lock that the file stands for. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const holder = spawn(
    'flock',
    ['--timeout', String(TIMEOUT_S), path, 'sh', '-c', 'echo locked; exec cat >/dev/null'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      cwd: '/',
    },
  );
  const ended = once(holder, 'exit');
  const locked = once(holder.stdout, 'data');
  await Promise.race([
    locked,
    ended.then(() => {
      throw new Error(`Cannot go on: another process has held the lock ${path} for ${TIMEOUT_S} s or more`);
    }),
  ]);
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
