// What applications notice when the daemon is killed, again and again, at moments nobody chose.
//
// Four configurations: takeover by RESEND or from the session's journal, with and without a standby. Before each kill the
// session serves again and, where wanted, its standby is ready; the kill then comes at a random moment. A kill's stall is the
// longest call of any reader that overlapped the time from the kill until the next daemon was seen to serve.
import { join } from 'node:path';
import { sleep } from '../src/base/index.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { inWorkspace } from './cleanup.ts';
import { makeReaderTree, startReaders, type Readers, type Readings } from './readers.ts';
import { row, type Row } from './report.ts';
import type { BenchStatus, Session, Workspace } from './workspace.ts';

export const failover: Bench = {
  name: 'failover',
  purpose: 'SIGKILLs of the daemon under load: errors, wrong bytes, stalls [--kills N] [--replace]',
  run: (options) => inWorkspace((workspace) => measure(workspace, options)),
};

interface Config {
  name: string;
  standby: boolean;
  takeover: 'resend' | 'journal';
}

const CONFIGS: readonly Config[] = [
  { name: 'resend, standby', standby: true, takeover: 'resend' },
  { name: 'journal, standby', standby: true, takeover: 'journal' },
  { name: 'resend, no standby', standby: false, takeover: 'resend' },
  { name: 'journal, no standby', standby: false, takeover: 'journal' },
];

/** Every name and every attribute is asked of the daemon anew: the most a kill can hit. */
const MOUNT_OPTIONS = ['--entry-timeout', '0s', '--attr-timeout', '0s'];

const KILLS = { full: 1000, quick: 40 };
const CALM_MS = { full: 15_000, quick: 3_000 };
/** A kill comes at a random moment of so long after everything is ready. */
const KILL_WITHIN_MS = 150;
/** Shorter calls are not reported one by one: a stall below it counts as it. */
const STALL_FLOOR_MS = 0.2;
const SEED = 20;

interface Kill {
  /** CLOCK_MONOTONIC, ns, the readers' clock too. */
  atNs: number;
  servingNs: number;
  /** What the new daemon itself needed, from being told to serving. */
  tookMs: number;
}

interface Outcome {
  config: Config;
  kills: Kill[];
  readings: Readings;
}

async function measure(workspace: Workspace, options: BenchOptions): Promise<Row[]> {
  const { quick, replace, progress } = options;
  const source = join(workspace.trees, 'source');
  await makeReaderTree(source);
  const calmMs = quick ? CALM_MS.quick : CALM_MS.full;
  const replaced = replace ? source : undefined;

  progress(`failover: readers on the plain folder, ${calmMs / 1000} s`);
  const plain = await calmly(await startReaders(source, { mounted: false, replaced }), calmMs);

  progress(`failover: the same readers on a mount nobody kills, ${calmMs / 1000} s`);
  const quiet = await workspace.mount(source, [...MOUNT_OPTIONS, '--standby', 'on']);
  const mounted = await calmly(await startReaders(quiet.target, { mounted: true, replaced }), calmMs);
  await quiet.unmount();

  const random = mulberry32(SEED);
  const total = options.kills ?? (quick ? KILLS.quick : KILLS.full);
  const outcomes: Outcome[] = [];
  for (const [i, config] of CONFIGS.entries()) {
    const kills = Math.floor(total / CONFIGS.length) + (i < total % CONFIGS.length ? 1 : 0);
    const session = await workspace.mount(source, [
      ...MOUNT_OPTIONS,
      ...['--standby', config.standby ? 'on' : 'off', '--takeover', config.takeover],
    ]);
    const readers = await startReaders(session.target, { mounted: true, replaced });
    const done = await killAll(session, config, kills, random, progress);
    outcomes.push({ config, kills: done, readings: await readers.stop() });
    await session.unmount();
  }
  return rowsOf(plain, mounted, outcomes, progress);
}

async function calmly(readers: Readers, durationMs: number): Promise<Readings> {
  await sleep(durationMs);
  return readers.stop();
}

async function killAll(
  session: Session,
  config: Config,
  count: number,
  random: () => number,
  progress: (text: string) => void,
): Promise<Kill[]> {
  const kills: Kill[] = [];
  let before = await session.until('daemon ready to be killed', (status) => isReady(status, config));
  while (kills.length < count) {
    await sleep(random() * KILL_WITHIN_MS);
    const victim = before.pids.daemon as number;
    const last = before;
    const atNs = nowNs();
    process.kill(victim, 'SIGKILL');
    const after = await session.until('takeover', (status) => status.state === 'serving' && isAnother(status, last));
    kills.push({ atNs, servingNs: nowNs(), tookMs: after.lastTakeover?.tookMs ?? 0 });
    if (kills.length % 50 === 0 || kills.length === count) {
      progress(`failover: ${config.name}: ${kills.length} of ${count} kills`);
    }
    before = await session.until('daemon ready to be killed', (status) => isReady(status, config));
  }
  return kills;
}

function isReady(status: BenchStatus, config: Config): boolean {
  const { pids } = status;
  return status.state === 'serving' && pids.daemon !== undefined && (!config.standby || pids.standby !== undefined);
}

/** The one after the killed daemon has reported that it serves. */
function isAnother(status: BenchStatus, before: BenchStatus): boolean {
  const reported = status.lastTakeover !== undefined && status.lastTakeover.atMs !== before.lastTakeover?.atMs;
  return reported && status.pids.daemon !== before.pids.daemon && status.takeovers > before.takeovers;
}

function rowsOf(plain: Readings, mounted: Readings, outcomes: Outcome[], progress: (text: string) => void): Row[] {
  const all = [plain, mounted, ...outcomes.map(({ readings }) => readings)];
  for (const sample of new Set(all.flatMap((each) => each.samples))) progress(`failover: ${sample}`);
  const sum = (of: (readings: Readings) => number): number => all.reduce((total, each) => total + of(each), 0);
  const rows = [
    row(
      'kills',
      outcomes.reduce((total, { kills }) => total + kills.length, 0),
      'kills',
    ),
    row(
      'calls by readers',
      sum((each) => each.calls),
      'calls',
    ),
    row(
      'errors',
      sum((each) => each.errors),
      'errors',
      null,
      { atMost: 0 },
    ),
    row(
      'wrong bytes',
      sum((each) => each.wrongBytes),
      'bytes',
      null,
      { atMost: 0 },
    ),
    row(
      'hung readers',
      sum((each) => each.hung),
      'readers',
      null,
      { atMost: 0 },
    ),
  ];
  if (sum((each) => each.replaced) > 0)
    rows.push(
      row(
        'files replaced meanwhile',
        sum((each) => each.replaced),
        'files',
      ),
    );
  rows.push(
    row('plain folder: p99.9 of a call', plain.p999Ms, 'ms'),
    row('plain folder: longest call', plain.longestMs, 'ms'),
    row('mount without kills: p99.9 of a call', mounted.p999Ms, 'ms', plain.p999Ms),
    row('mount without kills: longest call', mounted.longestMs, 'ms', plain.longestMs),
  );
  for (const { config, kills, readings } of outcomes) {
    const stalls = kills.map((kill) => stallOf(kill, readings)).sort((a, b) => a - b);
    const took = kills.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
    const goals = config.standby
      ? { median: { atMost: 5 }, p99: { atMost: 25 } }
      : { median: { atMost: 80 }, p99: undefined };
    rows.push(
      row(`${config.name}: kills`, kills.length, 'kills'),
      row(
        `${config.name}: calls per second`,
        readings.calls / readings.durationS,
        'calls/s',
        mounted.calls / mounted.durationS,
      ),
      row(`${config.name}: stall, median`, quantile(stalls, 0.5), 'ms', plain.longestMs, goals.median),
      row(`${config.name}: stall, p99`, quantile(stalls, 0.99), 'ms', plain.longestMs, goals.p99),
      row(`${config.name}: stall, longest`, quantile(stalls, 1), 'ms', plain.longestMs),
      row(`${config.name}: taking over, median`, quantile(took, 0.5), 'ms'),
    );
  }
  return rows;
}

/** The longest call that overlapped the time nobody was known to serve. */
function stallOf({ atNs, servingNs }: Kill, { longCalls }: Readings): number {
  let longestNs = STALL_FLOOR_MS * 1e6;
  for (const [startNs, endNs] of longCalls) {
    if (endNs >= atNs && startNs <= servingNs) longestNs = Math.max(longestNs, endNs - startNs);
  }
  return longestNs / 1e6;
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0;
}

/** CLOCK_MONOTONIC; in a double, good to a microsecond for a century of uptime. */
function nowNs(): number {
  return Number(process.hrtime.bigint());
}

/** A small random generator with a seed, so that a run can be repeated. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
