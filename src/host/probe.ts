// Questions to file systems that may never answer, and unmounts: each in a program of its own, with a deadline.
//
// A program that hangs is killed and left to the kernel; nothing waits for it any longer than the deadline.
import { spawn } from 'node:child_process';
import { HostError } from './errors.ts';

export interface ProgramResult {
  /** Exit status; -1 when a signal ended it. */
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. Throws HostError 'probe-hung' after timeoutMs, 'spawn-failed' when it is not there. */
export function runProgram(program: string, args: readonly string[], timeoutMs: number): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      const what = `${program} ${args.join(' ')}`;
      reject(
        new HostError(`Cannot wait any longer for "${what}": ${timeoutMs} ms have passed`, {
          code: 'probe-hung',
          path: what,
          timeoutMs,
        }),
      );
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', (err) => {
      clearTimeout(timer);
      reject(new HostError(`Cannot run "${program}"`, { code: 'spawn-failed', program }, { cause: err }));
    });
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status: status ?? -1, stdout, stderr });
    });
  });
}

export type PathKind = 'folder' | 'file' | 'missing' | 'dead' | 'hung' | 'denied';

const PROBE_TIMEOUT_MS = 3_000;

/** What is at the path, asked from outside this process: a dead mount answers 'dead', one that does not answer is 'hung'. */
export async function probePath(path: string): Promise<{ kind: PathKind; realPath: string }> {
  let result: ProgramResult;
  try {
    result = await runProgram('stat', ['--format=%F', '--', path], PROBE_TIMEOUT_MS);
  } catch (err) {
    if (err instanceof HostError && err.code === 'probe-hung') return { kind: 'hung', realPath: path };
    throw err;
  }
  if (result.status !== 0) {
    if (/not connected|connection abort/i.test(result.stderr)) return { kind: 'dead', realPath: path };
    if (/permission denied/i.test(result.stderr)) return { kind: 'denied', realPath: path };
    return { kind: 'missing', realPath: path };
  }
  const real = await runProgram('readlink', ['--canonicalize-existing', '--no-newline', '--', path], PROBE_TIMEOUT_MS);
  const followed = await runProgram('stat', ['--dereference', '--format=%F', '--', path], PROBE_TIMEOUT_MS);
  const kind = followed.status === 0 && followed.stdout.trim() === 'directory' ? 'folder' : 'file';
  return { kind, realPath: real.status === 0 ? real.stdout : path };
}

export type UnmountOutcome = 'unmounted' | 'busy' | 'not-mounted' | { failed: string };

const UNMOUNT_TIMEOUT_MS = 10_000;

/** Unmounts the top mount at the path; `lazy` detaches it and lets the kernel finish when nobody uses it. */
export async function unmount(target: string, lazy: boolean): Promise<UnmountOutcome> {
  const asRoot = process.getuid?.() === 0;
  // -i: no helper of the type; --no-canonicalize: no stat of a file system that may be sick.
  const [program, args] = asRoot
    ? ['umount', ['-i', '--no-canonicalize', ...(lazy ? ['-l'] : []), '--', target]]
    : ['fusermount3', ['-u', ...(lazy ? ['-z'] : []), '--', target]];
  const { status, stderr } = await runProgram(program, args, UNMOUNT_TIMEOUT_MS);
  if (status === 0) return 'unmounted';
  if (/busy/i.test(stderr)) return 'busy';
  if (/not mounted|not found in|no mount point|invalid argument/i.test(stderr)) return 'not-mounted';
  return { failed: stderr.trim() || `${program} ended with status ${status}` };
}
