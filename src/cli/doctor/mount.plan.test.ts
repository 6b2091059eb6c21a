import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sessionFolder, type SessionStatus } from '../../recovery/index.ts';
import type { Finding } from './finding.ts';
import { isOurs, judgeMount } from './mount.plan.ts';
import type { Mount, SeenProcess } from './mount.ts';
import { defaultOptions } from '../session-options.ts';

const VAULT: SeenProcess = { part: 'vault', pid: 11, schedulerState: 'S' };
const SUPERVISOR: SeenProcess = { part: 'supervisor', pid: 12, schedulerState: 'S' };
const DAEMON: SeenProcess = { part: 'daemon', pid: 13, schedulerState: 'S' };
const STANDBY: SeenProcess = { part: 'daemon', pid: 14, schedulerState: 'S' };
const OPTIONS = defaultOptions(true);
const RECORD = {
  version: 1 as const,
  id: 'x',
  target: '/mnt/x',
  source: 'dummy:',
  uid: 0,
  connection: 77,
  agreed: {} as never,
  options: OPTIONS,
  sourceConfig: '',
  createdAt: '2026-01-01T00:00:00Z',
  aborted: undefined,
};
const STATUS: SessionStatus = {
  target: '/mnt/x',
  source: 'dummy:',
  state: 'serving',
  sinceMs: 5,
  connection: 77,
  takeovers: 0,
  takeoverMode: 'resend',
  requestsWaiting: 0,
  createdAt: RECORD.createdAt,
  options: OPTIONS,
  pids: { vault: 11, supervisor: 12, daemon: 13, standby: 14 },
};
const HEALTHY: Mount = {
  target: '/mnt/x',
  entry: {
    id: 1,
    parentId: 0,
    device: '0:77',
    root: '/',
    target: '/mnt/x',
    type: 'fuse.evermount',
    source: 'dummy-fuse',
    options: 'ro',
    superOptions: 'ro',
    propagation: [],
  },
  folder: sessionFolder('/run/evermount/x'),
  record: RECORD,
  status: STATUS,
  processes: [VAULT, SUPERVISOR, DAEMON, STANDBY],
  requestsWaiting: 0,
  answer: 'folder',
};

const stopped = (process: SeenProcess): SeenProcess => ({ ...process, schedulerState: 'T' });
const judge = (change: Partial<Mount>): Finding[] => judgeMount({ ...HEALTHY, ...change });
const badOnes = (change: Partial<Mount>): string[] =>
  judge(change).flatMap(({ level, subject }) => (level === 'bad' ? [subject] : []));
const about = (subject: string, change: Partial<Mount>): Finding => {
  const found = judge(change).find((each) => each.subject === subject);
  assert.ok(found, `nothing is said about ${subject}`);
  return found;
};

test('judgeMount() finds nothing wrong with a healthy mount', () => {
  assert.deepEqual(
    judge({}).filter(({ level }) => level !== 'ok'),
    [],
  );
});

test('judgeMount() says of a stopped daemon that it is stopped, and when it is replaced', () => {
  const change: Partial<Mount> = { processes: [VAULT, SUPERVISOR, stopped(DAEMON), STANDBY], answer: 'hung' };
  assert.deepEqual(badOnes(change), ['daemon', 'answer']);
  assert.match(about('daemon', change).means, /process 13 is stopped .* replaced within about 5s \(--hang-timeout\)/);
});

test('judgeMount() does not mistake a stopped standby for a stopped daemon', () => {
  const change: Partial<Mount> = { processes: [VAULT, SUPERVISOR, DAEMON, stopped(STANDBY)] };
  assert.deepEqual(badOnes(change), []);
  assert.equal(about('standby', change).level, 'warn');
});

test('judgeMount() says who replaces a stopped vault or supervisor, and that nobody does when both are', () => {
  const one: Partial<Mount> = { processes: [stopped(VAULT), SUPERVISOR, DAEMON, STANDBY] };
  assert.match(about('vault', one).means, /the supervisor kills and replaces it/);
  const both: Partial<Mount> = { processes: [stopped(VAULT), stopped(SUPERVISOR), DAEMON], status: undefined };
  assert.equal(about('vault', both).advice, 'kill -CONT 11');
  assert.equal(about('supervisor', both).advice, 'kill -CONT 12');
});

test('judgeMount() on a session without any process says it is lost, and how to mount again', () => {
  const [, session] = judge({ processes: [], status: undefined, answer: 'dead' });
  assert.match(session?.means ?? '', /lost/);
  assert.match(session?.advice ?? '', /^evermount umount \/mnt\/x, then mount again$/);
});

test('judgeMount() tells a session that was given up from one that was lost', () => {
  const aborted = { ...RECORD, aborted: 'no daemon served within 60000 ms' };
  const [, session] = judge({ processes: [], status: undefined, answer: 'dead', record: aborted });
  assert.match(session?.means ?? '', /given up: no daemon served within 60000 ms/);
});

test('judgeMount() says how long applications wait when no daemon serves', () => {
  const change: Partial<Mount> = {
    processes: [VAULT, SUPERVISOR],
    status: { ...STATUS, state: 'recovering', pids: { vault: 11, supervisor: 12 } },
    answer: 'hung',
    requestsWaiting: 3,
  };
  assert.deepEqual(badOnes(change), ['daemon', 'requests', 'answer']);
  assert.match(about('daemon', change).means, /at most 1m00s/);
});

test('judgeMount() knows a mount of ours from others, and from none', () => {
  assert.ok(isOurs(HEALTHY));
  const foreign = HEALTHY.entry === undefined ? undefined : { ...HEALTHY.entry, type: 'fuse.bindfs' };
  assert.ok(!isOurs({ ...HEALTHY, entry: foreign }));
  assert.match(judge({ entry: foreign })[0]?.means ?? '', /no mount of ours/);
  assert.ok(!isOurs({ ...HEALTHY, entry: undefined }));
  assert.match(judge({ entry: undefined, folder: undefined })[0]?.means ?? '', /nothing is mounted/);
  assert.match(judge({ entry: undefined })[0]?.means ?? '', /left over/);
});
