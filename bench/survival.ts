// Every byte of a data set in an object store, verified by SHA-256 through a mount whose daemon is killed all the time: first
// with an empty cache, so that requests to the store are under way, then with a warm one.
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { sleep } from '../src/base/index.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { inWorkspace, onStop } from './cleanup.ts';
import { Data } from './datasets/data.ts';
import { credentialsOptions } from './datasets/evermount.ts';
import { inSetting } from './datasets/setting.ts';
import { BUCKET } from './datasets/store.ts';
import { row, type Row } from './report.ts';
import type { Session, Workspace } from './workspace.ts';

export const survival: Bench = {
  name: 'survival',
  purpose: 'a data set in an object store, verified through a mount whose daemon is killed all the time [--kills N]',
  run: (options) => inWorkspace((workspace) => measure(workspace, options)),
};

const SIZES = {
  full: { bigMiB: 2048, streamMiB: 512, smallFiles: 20_000 },
  quick: { bigMiB: 64, streamMiB: 16, smallFiles: 1_000 },
};
const KILLS = { full: 200, quick: 20 };
/** A kill comes at a random moment of so long after the session serves again. */
const KILL_WITHIN_MS = { full: 1500, quick: 300 };
const MIB = 2 ** 20;
const PROGRAM = resolve(import.meta.dirname, 'survival.py');

interface Tally {
  pass: number;
  files: number;
  bytes: number;
  errors: number;
  wrong: number;
  seconds: number;
  remarks: string[];
}

type Expected = Record<string, [sizeBytes: number, sha256: string, ofEachMiB: string[]]>;

async function measure(workspace: Workspace, options: BenchOptions): Promise<Row[]> {
  const { quick, progress } = options;
  const data = new Data(quick ? SIZES.quick : SIZES.full);
  return inSetting(workspace, options, [], async ({ store, plain, folder }) => {
    progress('survival: storing the data set');
    await data.ensureStored(store);
    data.ensureFiles(join(plain, data.prefix));
    progress('survival: computing what every file must be');
    const listing = join(folder, 'expected.json');
    const small = expectedOf(
      join(plain, data.prefix),
      data.small.map(({ path }) => path),
    );
    const big = expectedOf(join(plain, data.prefix), [data.big.path]);
    writeFileSync(listing, JSON.stringify(small));
    const bigListing = join(folder, 'expected-big.json');
    writeFileSync(bigListing, JSON.stringify(big));
    const session = await workspace.mount(`s3://${BUCKET}/${data.prefix}`, [
      ...credentialsOptions(store, folder),
      ...['--cache-dir', join(folder, 'cache'), '--cache-size', '20GiB', '--standby', 'on'],
    ]);
    const readers = [
      new Reader(session.target, listing, '0/2', 'whole'),
      new Reader(session.target, listing, '1/2', 'whole'),
      new Reader(session.target, bigListing, '0/1', 'whole'),
      new Reader(session.target, bigListing, '0/1', 'pieces'),
    ];
    const startMs = performance.now();
    const wanted = options.kills ?? (quick ? KILLS.quick : KILLS.full);
    const within = quick ? KILL_WITHIN_MS.quick : KILL_WITHIN_MS.full;
    const kills = await killAll(session, wanted, within, readers, progress);
    const tallies = await Promise.all(readers.map((reader) => reader.stop()));
    const seconds = (performance.now() - startMs) / 1000;
    const { takeovers } = (await session.status()) ?? { takeovers: 0 };
    await session.unmount();
    return rowsOf(kills, takeovers, seconds, tallies, progress);
  });
}

/** Kills until there were enough of them and every reader has been through everything cold and warm. */
async function killAll(
  session: Session,
  wanted: number,
  killWithinMs: number,
  readers: readonly Reader[],
  progress: (text: string) => void,
): Promise<number> {
  let kills = 0;
  while (kills < wanted || readers.some((reader) => !reader.isThrough)) {
    const { pids } = await session.until('daemon to kill', ({ state, pids }) => state === 'serving' && pids.daemon !== undefined); // prettier-ignore
    await sleep(Math.random() * killWithinMs);
    try {
      process.kill(pids.daemon as number, 'SIGKILL');
    } catch {
      continue; // another one by now
    }
    kills++;
    if (kills % 20 === 0)
      progress(`survival: ${kills} kills, ${readers.map((reader) => reader.passes).join(' ')} passes`);
    await session.until('takeover', (status) => status.state === 'serving' && status.pids.daemon !== pids.daemon);
  }
  return kills;
}

class Reader {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #isWhole: boolean;
  #tally: Tally = { pass: 0, files: 0, bytes: 0, errors: 0, wrong: 0, seconds: 0, remarks: [] };
  readonly #forget: () => void;

  constructor(target: string, listing: string, share: string, mode: 'whole' | 'pieces') {
    this.#isWhole = mode === 'whole';
    const child = spawn('python3', [PROGRAM, target, listing, share, mode], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    this.#forget = onStop(() => child.kill('SIGKILL'));
    this.#ended = new Promise((done) => child.on('close', (status) => done(status)));
    createInterface({ input: child.stdout }).on('line', (line) => (this.#tally = JSON.parse(line) as Tally));
  }

  get passes(): number {
    return this.#tally.pass;
  }

  /** Cold once and warm once; whoever reads at random places is through at once. */
  get isThrough(): boolean {
    return !this.#isWhole || this.#tally.pass >= 2 || this.#child.exitCode !== null;
  }

  async stop(): Promise<Tally> {
    this.#child.stdin?.end();
    const status = await this.#ended;
    this.#forget();
    if (status !== 0) throw new Error(`Cannot trust a reader that ended with status ${String(status)}`);
    return this.#tally;
  }
}

function expectedOf(folder: string, paths: readonly string[]): Expected {
  const buffer = Buffer.alloc(MIB);
  return Object.fromEntries(
    paths.map((path) => {
      const fd = openSync(join(folder, path), 'r');
      const whole = createHash('sha256');
      const ofEachMiB: string[] = [];
      let sizeBytes = 0;
      for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) {
        const piece = buffer.subarray(0, count);
        whole.update(piece);
        ofEachMiB.push(createHash('sha256').update(piece).digest('hex'));
        sizeBytes += count;
      }
      closeSync(fd);
      return [path, [sizeBytes, whole.digest('hex'), ofEachMiB]];
    }),
  );
}

function rowsOf(
  kills: number,
  takeovers: number,
  seconds: number,
  tallies: readonly Tally[],
  progress: (text: string) => void,
): Row[] {
  for (const remark of new Set(tallies.flatMap(({ remarks }) => remarks))) progress(`survival: ${remark}`);
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0);
  return [
    row('kills of the daemon', kills, 'kills'),
    row('takeovers', takeovers, 'takeovers'),
    row('time', seconds, 's'),
    row('files and pieces verified', sum(({ files }) => files), 'files'), // prettier-ignore
    row('bytes verified', sum(({ bytes }) => bytes) / 2 ** 30, 'GiB'), // prettier-ignore
    row('errors', sum(({ errors }) => errors), 'errors', null, { atMost: 0 }), // prettier-ignore
    row('files and pieces that were wrong', sum(({ wrong }) => wrong), 'files', null, { atMost: 0 }), // prettier-ignore
  ];
}
