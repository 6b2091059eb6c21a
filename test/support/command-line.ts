// Running the real command line and other programs in tests, with a deadline.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/evermount.js', import.meta.url));
const TIMEOUT_MS = 60_000;

export interface Outcome {
  /** Exit status; -1 when a signal ended it. */
  status: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: NodeJS.ProcessEnv;
  /** Run as this user and group instead; root only. */
  as?: number;
  timeoutMs?: number;
}

/** Runs `evermount ARGS…` with its state in the given folder. */
export function evermount(state: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const env = { ...process.env, ...options.env, EVERMOUNT_STATE_DIR: state };
  return runProgram(process.execPath, [BIN, ...args], { ...options, env });
}

/** Runs a program to its end; kills it at the deadline, which is then a failure. */
export function runProgram(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { env, as, timeoutMs = TIMEOUT_MS } = options;
  return new Promise((resolve, reject) => {
    const identity = as === undefined ? {} : { uid: as, gid: as };
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', env, ...identity });
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
      reject(new Error(`Cannot wait any longer for ${program} ${args.join(' ')}: ${timeoutMs} ms\n${stderr}`));
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', (err) => {
      clearTimeout(timer);
      reject(err);
    });
    // Not 'exit': what was written last may not have been read by then.
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status: status ?? -1, stdout, stderr });
    });
  });
}
