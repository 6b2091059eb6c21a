import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from './finding.ts';
import { isAtLeast, judgeMachine } from './machine.plan.ts';
import type { Machine } from './machine.ts';

const NEEDS = { nodeMajorMin: 24, standbyMinBytes: 1024 ** 3, recoverDeadlineMs: 60_000 };
const FINE: Machine = {
  isRoot: true,
  hasSysAdmin: true,
  kernel: '6.18.44',
  device: 'usable',
  hasFusermount: true,
  hasSetpriv: true,
  hasConnectionControl: true,
  userAllowOther: true,
  openFilesMax: 1_048_576,
  maxPagesLimit: 256,
  defaultRequestTimeoutSeconds: 0,
  maxRequestTimeoutSeconds: 0,
  memoryAvailableBytes: 8 * 1024 ** 3,
  stateFolder: { path: '/run/evermount', state: 'private' },
  nodeVersion: '24.21.0',
};

function judge(change: Partial<Machine>): Finding[] {
  return judgeMachine({ ...FINE, ...change }, NEEDS);
}

function levelsOtherThanOk(change: Partial<Machine>): Record<string, string> {
  return Object.fromEntries(judge(change).flatMap(({ level, subject }) => (level === 'ok' ? [] : [[subject, level]])));
}

test('judgeMachine() finds nothing wrong with a machine that has everything, as root and as a user', () => {
  assert.deepEqual(levelsOtherThanOk({}), {});
  assert.deepEqual(levelsOtherThanOk({ isRoot: false, hasSysAdmin: false, userAllowOther: false }), {});
});

const CASES: readonly [string, Partial<Machine>, Record<string, string>][] = [
  ['a kernel without openat2', { kernel: '5.4.0' }, { kernel: 'bad' }],
  ['no device', { device: 'missing' }, { '/dev/fuse': 'bad' }],
  ['a device that is not open to the user', { device: 'denied' }, { '/dev/fuse': 'bad' }],
  ['root in a container', { hasSysAdmin: false }, { privilege: 'bad' }],
  ['a user without fusermount3', { isRoot: false, hasFusermount: false }, { fusermount3: 'bad' }],
  ['no setpriv', { hasSetpriv: false }, { setpriv: 'bad' }],
  ['no control file system', { hasConnectionControl: false }, { 'connection control': 'warn' }],
  ['an old Node', { nodeVersion: '22.1.0' }, { Node: 'bad' }],
  ['few open files', { openFilesMax: 1024 }, { 'open files': 'warn' }],
  ['small requests', { maxPagesLimit: 32 }, { 'read size': 'warn' }],
  ['little memory', { memoryAvailableBytes: 1024 ** 2 }, { memory: 'warn' }],
  [
    'a state folder of somebody else',
    { stateFolder: { path: '/x', state: { unsafe: 'user 7 owns it' } } },
    { 'state folder': 'bad' },
  ],
  ['a short default request timeout', { defaultRequestTimeoutSeconds: 30 }, { 'request timeout': 'warn' }],
  ['a short maximal request timeout', { maxRequestTimeoutSeconds: 90 }, { 'request timeout': 'warn' }],
  ['a long request timeout', { maxRequestTimeoutSeconds: 600 }, {}],
  ['a kernel that knows no limits', { maxPagesLimit: undefined, maxRequestTimeoutSeconds: undefined }, {}],
];

for (const [what, change, expected] of CASES) {
  test(`judgeMachine() on ${what}: ${JSON.stringify(expected)}`, () =>
    assert.deepEqual(levelsOtherThanOk(change), expected));
}

test('judgeMachine() advises wherever something is not ok', () => {
  for (const [, change] of CASES) {
    for (const { level, subject, advice } of judge(change)) assert.equal(advice !== undefined, level !== 'ok', subject);
  }
});

test('judgeMachine() says which way requests survive on which kernel', () => {
  const kernel = (of: string): string => judge({ kernel: of }).find(({ subject }) => subject === 'kernel')?.means ?? '';
  assert.match(kernel('6.9.0'), /RESEND\)$/);
  assert.match(kernel('6.8.0-41-generic'), /journal/);
});

test('isAtLeast() compares numbers, not text', () => {
  assert.ok(isAtLeast('6.18.44-fc', 6, 9));
  assert.ok(isAtLeast('7.0-rc1', 6, 9));
  assert.ok(!isAtLeast('6.8.12', 6, 9));
  assert.ok(!isAtLeast('5.15.0', 6, 9));
});
