// Programs that run to their end, and waiting with a deadline.
import { spawn } from 'node:child_process';
import { sleep } from '../../src/base/index.ts';

export interface RunOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
  /** What it prints goes to this process's standard error, for what takes minutes. */
  readonly show?: boolean;
}

const TIMEOUT_MS = 60_000;
const POLL_MS = 100;

/** What it printed. Throws what it complained of when it fails or takes too long. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const { stdout, stderr, status } = await attempt(command, options);
  if (status === 0) return stdout;
  const said = stderr.trim() || stdout.trim();
  throw new Error(`Cannot run ${command.join(' ')}: ${said === '' ? status : said}`);
}

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** Exit status, or what ended it. */
  readonly status: number | string;
}

/** Runs it, whatever comes of it. */
export function attempt(command: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const [program = '', ...args] = command;
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  return new Promise((resolve) => {
    const output = options.show === true ? process.stderr : 'pipe';
    const child = spawn(program, args, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', output, output],
      cwd: '/',
    });
    let stdout = '';
    let stderr = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout?.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
    child.stderr?.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
    child.on('error', (err) => {
      clearTimeout(timer);
      resolve({ stdout, stderr: err.message, status: 'it did not start' });
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      resolve({ stdout, stderr, status: late ? `it took more than ${timeoutMs} ms` : (status ?? signal ?? -1) });
    });
    child.stdin?.on('error', () => {}); // it ended without reading all: its status tells
    child.stdin?.end(options.input);
  });
}

/** Resolves once the condition holds. Throws at the deadline, or what the condition throws. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`Cannot wait for ${what} any longer: ${timeoutMs} ms have passed`);
    await sleep(POLL_MS);
  }
}
