// Readers that verify what they read, in a process of their own: a hang of theirs cannot hang the test, only show in it.
import { fork, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** 'mapped' reads by mmap: whatever goes wrong there ends the reader. */
export type Activity = 'paths' | 'descriptors' | 'readdir' | 'stat' | 'mapped';

export interface ExpectedFile {
  /** Below the folder that is read. */
  path: string;
  sizeBytes: number;
  /** Contents that may be found; more than one while a test replaces the file. */
  sha256: string[];
}

export interface ReaderConfig {
  folder: string;
  files: ExpectedFile[];
  activities: Activity[];
  /** Past the page cache, so that every read is a request. */
  direct: boolean;
}

/** What the readers met since they started. */
export interface Counts {
  reads: number;
  bytes: number;
  /** Calls that failed. */
  errors: number;
  /** Calls that succeeded with something else than is there. */
  wrong: number;
  longestStallMs: number;
  /** The first few errors and wrong answers, in words. */
  remarks: string[];
}

export type ToReader = { do: 'start'; config: ReaderConfig } | { do: 'tell' } | { do: 'stop' };
export type FromReader = { told: 'ready' | 'counts' | 'stopped'; counts: Counts };

const ANSWER_TIMEOUT_MS = 30_000;

export interface ReaderRequest {
  folder: string;
  files: ExpectedFile[];
  activities?: Activity[];
  direct?: boolean;
}

/** Starts a reader; it has every file open and has begun to read when this resolves. */
export async function startReader(request: ReaderRequest): Promise<Reader> {
  const config: ReaderConfig = { activities: ['paths', 'descriptors', 'readdir', 'stat'], direct: false, ...request };
  const program = fileURLToPath(new URL('./reader-process.ts', import.meta.url));
  const child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  const reader = new Reader(child);
  try {
    await reader.ask({ do: 'start', config }, 'ready');
    return reader;
  } catch (err) {
    child.kill('SIGKILL');
    throw err;
  }
}

export class Reader implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** What it met so far. Fails when the reader hangs. */
  async counts(): Promise<Counts> {
    return (await this.ask({ do: 'tell' }, 'counts')).counts;
  }

  /** Ends it and returns everything it met. Fails when the reader hangs; it is killed then. */
  async stop(): Promise<Counts> {
    try {
      return (await this.ask({ do: 'stop' }, 'stopped')).counts;
    } finally {
      this.#child.kill('SIGKILL');
    }
  }

  async ask(message: ToReader, answer: FromReader['told']): Promise<FromReader> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        child.off('message', hear);
        child.off('exit', ended);
      };
      const hear = (heard: FromReader): void => {
        if (heard.told !== answer) return;
        settle();
        resolve(heard);
      };
      const ended = (): void => {
        settle();
        reject(new Error(`Cannot go on reading: the reader ended before it answered "${message.do}"`));
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`Cannot wait any longer for a reader: it hangs since ${ANSWER_TIMEOUT_MS} ms`));
      }, ANSWER_TIMEOUT_MS);
      child.on('message', hear);
      child.on('exit', ended);
      child.send(message);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    return Promise.resolve();
  }
}

/** Every regular file below the folder, as it is now: what readers of a mount of it must find. */
export function expectFiles(folder: string): ExpectedFile[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const full = join(entry.parentPath, entry.name);
      const content = readFileSync(full);
      return { path: full.slice(folder.length + 1), sizeBytes: content.length, sha256: [sha256(content)] };
    });
}

export function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
