// Decides which small files of a folder to fetch before they are opened: whoever reads a folder file by file in the order of
// names would otherwise wait one round trip for each. Told of every open; keeps a little state per folder.
//
// - RUN_LENGTH opens of a folder's files in (roughly) rising order of names begin a run: the next few files are fetched.
// - Opening what was fetched ahead goes on with the run: more and more files ahead, up to `filesMax` and `bytesMax` of them
//   unopened at a time.
//   Files that are passed over are forgotten, and a reader that overtakes is followed.
// - Opens of other files end it, and the next run in that folder needs twice as much to begin, until one has proved right.
import type { Logger } from '../../base/index.ts';

export interface SiblingAheadConfig {
  /** Files ahead at a time. Default 32. */
  readonly filesMax?: number;
  /** Bytes of files ahead at a time. Default 16 MiB. */
  readonly bytesMax?: number;
}

export interface Sibling {
  readonly name: Buffer;
  readonly sizeBytes: number;
}

export interface SiblingAheadDeps<T extends Sibling> {
  /** Up to `count` small files of the folder whose names come after `name`, in the order of names. */
  readonly next: (folder: number, name: Buffer, count: number) => readonly T[] | Promise<readonly T[]>;
  readonly fetch: (folder: number, sibling: T) => void;
  readonly log: Logger;
}

const FOLDERS_MAX = 16;
const RUN_LENGTH = 3;
const RUN_LENGTH_MAX = 48;
const FILES_MIN = 4;
/** Opens in a row that were not expected: the run is over. */
const SURPRISES_MAX = 3;
/** Files before one that is opened may still be opened, by readers that work side by side; not more than these. */
const LEFT_BEHIND_MAX = 8;

type Run = {
  /** The last name in order of those opened, then of those fetched. */
  last: Buffer;
  isRunning: boolean;
  /** Before it runs: opens whose name came after all before, and others. */
  risen: number;
  fallen: number;
  needed: number;
  filesAhead: number;
  /** Fetched and not opened yet: name as latin1 → size. */
  readonly expected: Map<string, number>;
  expectedBytes: number;
  surprises: number;
  isAsking: boolean;
  isAtEnd: boolean;
};

export class SiblingAhead<T extends Sibling> {
  readonly #filesMax: number;
  readonly #bytesMax: number;
  readonly #deps: SiblingAheadDeps<T>;
  /** Most recently used last. */
  readonly #runs = new Map<number, Run>();

  constructor({ filesMax = 32, bytesMax = 16 * 1024 * 1024 }: SiblingAheadConfig, deps: SiblingAheadDeps<T>) {
    this.#filesMax = filesMax;
    this.#bytesMax = bytesMax;
    this.#deps = deps;
  }

  /** A file of the folder was opened. */
  onOpen(folder: number, name: Buffer): void {
    const run = this.#runOf(folder);
    if (run.isRunning) this.#goOn(folder, run, name);
    else this.#tryBegin(folder, run, name);
  }

  #runOf(folder: number): Run {
    let run = this.#runs.get(folder);
    if (run === undefined) {
      run = newRun(RUN_LENGTH);
      const [oldest] = this.#runs.keys();
      if (oldest !== undefined && this.#runs.size >= FOLDERS_MAX) this.#runs.delete(oldest);
    } else {
      this.#runs.delete(folder);
    }
    this.#runs.set(folder, run);
    return run;
  }

  /** Readers side by side open files in rough order only: what counts is how often a name comes after all before it. */
  #tryBegin(folder: number, run: Run, name: Buffer): void {
    const order = Buffer.compare(name, run.last);
    if (order === 0) return; // Opened again.
    if (order > 0) {
      run.last = Buffer.from(name);
      run.risen++;
    } else {
      run.fallen++;
    }
    if (run.risen >= run.needed && run.risen >= run.fallen) {
      run.isRunning = true;
      this.#ask(folder, run, 0);
    } else if (run.fallen > run.risen + LEFT_BEHIND_MAX) {
      this.#runs.set(folder, newRun(run.needed));
    }
  }

  #goOn(folder: number, run: Run, name: Buffer): void {
    let filesLeft = take(run, name.toString('latin1'));
    if (filesLeft !== undefined) {
      run.surprises = 0;
      run.needed = RUN_LENGTH;
    } else if (run.isAtEnd && run.expected.size === 0) {
      this.#runs.set(folder, newRun(RUN_LENGTH));
      this.onOpen(folder, name);
      return;
    } else {
      run.surprises++;
      if (run.surprises >= SURPRISES_MAX && !run.isAsking) {
        this.#end(folder, run);
        return;
      }
      if (Buffer.compare(name, run.last) <= 0) return;
      run.last = Buffer.from(name);
      filesLeft = 0;
    }
    if (filesLeft > run.filesAhead / 2) return;
    run.filesAhead = Math.min(2 * run.filesAhead, this.#filesMax);
    this.#ask(folder, run, filesLeft);
  }

  #end(folder: number, run: Run): void {
    this.#runs.set(folder, newRun(Math.min(2 * run.needed, RUN_LENGTH_MAX)));
  }

  #ask(folder: number, run: Run, filesLeft: number): void {
    const count = run.filesAhead - filesLeft;
    if (run.isAsking || run.isAtEnd || count <= 0 || run.expectedBytes >= this.#bytesMax) return;
    const next = this.#deps.next(folder, run.last, count);
    if (!(next instanceof Promise)) {
      this.#fetch(folder, run, next, count);
      return;
    }
    run.isAsking = true;
    next.then(
      (siblings) => {
        run.isAsking = false;
        if (this.#runs.get(folder) === run) this.#fetch(folder, run, siblings, count);
      },
      (err: unknown) => {
        this.#deps.log.debug('finding the next files of a folder failed', { folder, err });
        if (this.#runs.get(folder) === run) this.#end(folder, run);
      },
    );
  }

  #fetch(folder: number, run: Run, siblings: readonly T[], count: number): void {
    run.isAtEnd = siblings.length < count;
    for (const sibling of siblings) {
      if (Buffer.compare(sibling.name, run.last) <= 0) continue; // Opened while this was found out.
      if (run.expectedBytes + sibling.sizeBytes > this.#bytesMax && run.expected.size > 0) {
        run.isAtEnd = false;
        return;
      }
      run.last = Buffer.from(sibling.name);
      run.expected.set(sibling.name.toString('latin1'), sibling.sizeBytes);
      run.expectedBytes += sibling.sizeBytes;
      this.#deps.fetch(folder, sibling);
    }
  }
}

/**
 * How many files are expected after this one if it was expected itself. It no longer is, nor are those far before it: they
 * are passed over.
 */
function take(run: Run, key: string): number | undefined {
  if (!run.expected.has(key)) return undefined;
  let before = 0;
  for (const other of run.expected.keys()) {
    if (other === key) break;
    before++;
  }
  const after = run.expected.size - before - 1;
  for (const [other, sizeBytes] of run.expected) {
    if (other !== key && before-- <= LEFT_BEHIND_MAX) continue;
    run.expected.delete(other);
    run.expectedBytes -= sizeBytes;
    if (other === key) break;
  }
  return after;
}

function newRun(needed: number): Run {
  return {
    last: Buffer.alloc(0),
    isRunning: false,
    risen: 0,
    fallen: 0,
    needed,
    filesAhead: FILES_MIN,
    expected: new Map(),
    expectedBytes: 0,
    surprises: 0,
    isAsking: false,
    isAtEnd: false,
  };
}
