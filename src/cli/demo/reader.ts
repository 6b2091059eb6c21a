// A reader of the demo: an application of its own that reads files of a mount again and again, and compares.
//
// It waits in read(2) as any program does, so what it measures is what programs suffer. Files are opened with O_DIRECT: the
// page cache answers nothing, every read is a request to the daemon.
import { closeSync, constants, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { connectChannel, type Channel } from '../../host/index.ts';
import { sha256Of, type SampleFile } from './sample.ts';
import { countWrongBytes, NOTHING, type Tally } from './tally.ts';

/** paths: opens each file anew. descriptors: opens its files once, at the beginning. */
export type ReaderKind = 'paths' | 'descriptors';

/** What a reader is told by its arguments, as JSON. */
export interface ReaderOrder {
  kind: ReaderKind;
  mount: string;
  source: string;
  sampleFile: string;
  socket: string;
  /** Different for each reader, so that they read different files at one time. */
  seed: number;
}

const DESCRIPTORS = 64;
const REPORT_MS = 200;
const READ_FLAGS = constants.O_RDONLY | constants.O_DIRECT;
/** A program that gets an error tries again, but not in a tight loop. */
const PAUSE_AFTER_ERROR_MS = 50;

/** Reads until the demo says stop or is gone. Says 'ready' once its descriptors are open. */
export async function runReader(order: ReaderOrder): Promise<void> {
  const sample = JSON.parse(readFileSync(order.sampleFile, 'utf8')) as SampleFile[];
  const channel = connectChannel(order.socket, process.getuid?.() ?? 0);
  const reader = new Reader(order, sample, channel);
  const demoIsGone = new Promise<void>((resolve) => {
    channel.listen({ message: () => reader.stop(), closed: resolve });
  });
  reader.start();
  await demoIsGone;
  reader.stop();
}

class Reader {
  readonly #order: ReaderOrder;
  readonly #sample: readonly SampleFile[];
  readonly #channel: Channel;
  readonly #open = new Map<SampleFile, number>();
  readonly #tally: Tally = { ...NOTHING, errors: {} };
  readonly #buffer: Buffer;
  #next: number;
  #reportedMs = 0;
  #stopped = false;

  constructor(order: ReaderOrder, sample: readonly SampleFile[], channel: Channel) {
    this.#order = order;
    this.#channel = channel;
    this.#next = order.seed * 7919;
    // With room for one more byte: a file that grew is noticed.
    this.#buffer = Buffer.allocUnsafe(Math.max(...sample.map((file) => file.sizeBytes)) + 1);
    this.#sample =
      order.kind === 'paths'
        ? sample
        : Array.from({ length: Math.min(DESCRIPTORS, sample.length) }, (_, i) => at(sample, order.seed + i * 61));
  }

  start(): void {
    if (this.#order.kind === 'descriptors') {
      for (const file of this.#sample) {
        if (!this.#open.has(file)) this.#open.set(file, openSync(join(this.#order.mount, file.path), READ_FLAGS));
      }
    }
    this.#channel.send({ op: 'ready', tally: this.#tally });
    this.#turn();
  }

  stop(): void {
    this.#stopped = true;
    this.#channel.send({ op: 'done', tally: this.#tally });
  }

  /** One file, then a turn of the event loop, in which 'stop' may arrive. */
  #turn(): void {
    if (this.#stopped) return;
    const succeeded = this.#readOne(at(this.#sample, this.#next++));
    const nowMs = performance.now();
    if (nowMs - this.#reportedMs > REPORT_MS) {
      this.#reportedMs = nowMs;
      this.#channel.send({ op: 'tally', tally: this.#tally });
    }
    if (succeeded) setImmediate(() => this.#turn());
    else setTimeout(() => this.#turn(), PAUSE_AFTER_ERROR_MS);
  }

  #readOne(file: SampleFile): boolean {
    try {
      this.#compare(file, this.#readWhole(file));
      return true;
    } catch (err) {
      if (!existsSync(join(this.#order.source, file.path))) {
        this.#tally.changed++; // removed from the source meanwhile: the mount says so, rightly
        return false;
      }
      const name = (err as NodeJS.ErrnoException).code ?? String(err);
      const errors = this.#tally.errors as Record<string, number>;
      errors[name] = (errors[name] ?? 0) + 1;
      return false;
    }
  }

  #readWhole(file: SampleFile): Buffer {
    const kept = this.#open.get(file);
    const fd = kept ?? this.#timed(() => openSync(join(this.#order.mount, file.path), READ_FLAGS));
    try {
      let filled = 0;
      for (;;) {
        const count = this.#timed(() => readSync(fd, this.#buffer, filled, this.#buffer.length - filled, filled));
        if (count === 0) break; // answered by the kernel, which knows where the file ends: not counted
        this.#tally.reads++;
        filled += count;
        if (filled > file.sizeBytes) break;
      }
      return this.#buffer.subarray(0, filled);
    } finally {
      if (kept === undefined) this.#timed(() => closeSync(fd));
    }
  }

  #compare(file: SampleFile, got: Buffer): void {
    this.#tally.files++;
    this.#tally.bytes += got.length;
    const sha256 = sha256Of(got);
    if (sha256 === file.sha256) return;
    // Not what it was when the demo began: the mount's fault, or has somebody written to the source?
    const now = readFileSync(join(this.#order.source, file.path));
    if (sha256Of(now) === file.sha256 || sha256Of(now) !== sha256) this.#tally.wrongBytes += countWrongBytes(got, now);
    else {
      this.#tally.changed++;
      file.sha256 = sha256;
      file.sizeBytes = got.length;
    }
  }

  #timed<T>(call: () => T): T {
    const startMs = performance.now();
    try {
      return call();
    } finally {
      this.#tally.longestStallMs = Math.max(this.#tally.longestStallMs, performance.now() - startMs);
    }
  }
}

function at<T>(list: readonly T[], index: number): T {
  return list[index % list.length] as T;
}
