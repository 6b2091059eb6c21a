// Starts readers.py and understands what it reports.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onStop } from './cleanup.ts';
import { run } from './workspace.ts';

const PROGRAM = join(import.meta.dirname, 'readers.py');

/** What all readers of one run found together. */
export interface Readings {
  durationS: number;
  calls: number;
  errors: number;
  wrongBytes: number;
  hung: number;
  /** Files of the source renamed over meanwhile. */
  replaced: number;
  p999Ms: number;
  longestMs: number;
  /** Start and end of each call longer than the program's LONG_NS, in ns of CLOCK_MONOTONIC. */
  longCalls: (readonly [startNs: number, endNs: number])[];
  /** Sentences about the first errors and wrong bytes. */
  samples: string[];
}

export interface Readers {
  stop(): Promise<Readings>;
}

interface ReaderResult {
  reader: string;
  calls: number;
  slowestUs: number[];
  long: [number, number][];
  errors: number;
  errorSamples: string[];
  wrongBytes: number;
  wrongSamples: string[];
}

/** Throws a sentence about python3 where it is missing. */
export async function makeReaderTree(path: string): Promise<void> {
  try {
    await run('python3', [PROGRAM, 'make', path]);
  } catch (err) {
    throw new Error('Cannot run the bench: its readers are a python3 program, and that did not work', { cause: err });
  }
}

/** Resolves when every reader has made its first read. */
export async function startReaders(
  folder: string,
  options: { mounted: boolean; replaced: string | undefined },
): Promise<Readers> {
  const args = [PROGRAM, 'read', folder];
  if (options.mounted) args.push('--mounted');
  if (options.replaced !== undefined) args.push('--replace', options.replaced);
  const child = spawn('python3', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const forget = onStop(() => child.stdin.end());
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (what: string): Promise<string> => {
    const next = await lines.next();
    if (next.done === true) throw new Error(`Cannot measure: the readers ended without ${what}`);
    return next.value;
  };
  await nextLine('being ready');
  const startMs = performance.now();
  return {
    stop: async () => {
      const durationS = (performance.now() - startMs) / 1000;
      child.stdin.end('stop\n');
      const report = JSON.parse(await nextLine('a report')) as { hung: number; died: number; readers: ReaderResult[] };
      forget();
      await ended;
      return summed(report, durationS);
    },
  };
}

function summed(
  { hung, died, readers }: { hung: number; died: number; readers: ReaderResult[] },
  durationS: number,
): Readings {
  const reading = readers.filter(({ reader }) => reader !== 'Replacer');
  const sum = (of: (result: ReaderResult) => number): number => reading.reduce((total, each) => total + of(each), 0);
  const calls = sum((each) => each.calls);
  const slowestUs = reading.flatMap((each) => each.slowestUs).sort((a, b) => b - a);
  const samples = readers.flatMap((each) => [...each.errorSamples, ...each.wrongSamples]);
  if (died > 0) samples.push(`${died} readers died`);
  return {
    durationS,
    calls,
    errors: readers.reduce((total, each) => total + each.errors, 0) + died,
    wrongBytes: sum((each) => each.wrongBytes),
    hung,
    replaced: readers.find(({ reader }) => reader === 'Replacer')?.calls ?? 0,
    p999Ms: (slowestUs[Math.floor(calls / 1000)] ?? 0) / 1000,
    longestMs: (slowestUs[0] ?? 0) / 1000,
    longCalls: reading.flatMap((each) => each.long),
    samples,
  };
}
