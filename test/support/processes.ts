// Programs that hold something of a mount open, or wait for it, while a test goes on.
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { until, within } from './wait.ts';

/** Reads the descriptor to its end in a program of its own and returns the SHA-256; fails at the deadline. */
export async function digestOf(fd: number, deadlineMs = 10_000): Promise<string> {
  return within(deadlineMs, 'the digest of an open file', startDigest(fd).digest);
}

/** The same, not waited for. */
export function startDigest(fd: number): { child: ChildProcess; digest: Promise<string> } {
  const child = spawn('sha256sum', { stdio: [fd, 'pipe', 'inherit'] });
  let printed = '';
  child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const digest = new Promise<string>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (status === 0) resolve(printed.slice(0, 64));
      else reject(new Error(`Cannot read the file: sha256sum ended with ${signal ?? `status ${status ?? -1}`}`));
    });
  });
  digest.catch(() => {}); // whoever awaits it is told
  return { child, digest };
}

/** Waits until the kernel waits for an answer on this connection; only root and the mounting user may look. */
export async function untilRequestWaits(connection: number): Promise<void> {
  await until(
    'a waiting request',
    () => Number(readFileSync(`/sys/fs/fuse/connections/${connection}/waiting`, 'utf8')) > 0,
  );
}

export function statusOf(child: ChildProcess): Promise<{ status: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null)
      resolve({ status: child.exitCode, signal: child.signalCode });
    else child.on('exit', (status, signal) => resolve({ status, signal }));
  });
}
