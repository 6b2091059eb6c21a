// What cannot be mounted or unmounted: a clear sentence, the documented exit status, and nothing left behind.
import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { mountAt, readMountinfo } from '../../src/host/index.ts';
import { evermount, runProgram, type Outcome } from '../support/command-line.ts';
import { clearMount, makeScratch, mountSource, processesOf, type Scratch, type TestMount } from '../support/mounts.ts';
import { IS_ROOT, requireFuse } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const skip = requireFuse();
const EXIT = { OK: 0, FAILED: 1, USAGE: 2, NOT_MOUNTED: 3, BUSY: 4, NO_PERMISSION: 77 } as const;

test('a target that is a file, is missing or lies below a file is refused', { skip }, async () => {
  using scratch = makeFolders();
  writeFileSync(scratch.at('a-file'), '');
  for (const [target, why] of [
    ['a-file', /no folder/],
    ['missing', /no such folder/],
    ['a-file/below', /no such folder|no folder/],
  ] as const) {
    assertRefused(await mountAtTarget(scratch, scratch.at('source'), scratch.at(target)), EXIT.FAILED, why);
  }
  assertNothingLeft(scratch);
});

test('a source that is missing, a file, or of an unknown kind is refused', { skip }, async () => {
  using scratch = makeFolders();
  writeFileSync(scratch.at('a-file'), '');
  assertRefused(await mountAtTarget(scratch, scratch.at('missing')), EXIT.USAGE, /missing": no such folder/);
  assertRefused(await mountAtTarget(scratch, `local:${scratch.at('missing')}`), EXIT.USAGE, /no such folder/);
  assertRefused(await mountAtTarget(scratch, scratch.at('a-file')), EXIT.USAGE, /no folder/);
  assertRefused(await mountAtTarget(scratch, 'gopher:hole'), EXIT.USAGE, /"gopher:" is no kind of source/);
  assertNothingLeft(scratch);
});

test('wrong options are refused, and the sentence names the option', { skip }, async () => {
  using scratch = makeFolders();
  const wrong: string[][] = [
    ['--links', 'outwards'],
    ['--passthrough', 'maybe'],
    ['--takeover', 'never'],
    ['--standby', '2'],
    ['--entry-timeout', 'soon'],
    ['--attr-timeout', '5 s'],
    ['--negative-timeout', '1d'],
    ['--recover-deadline', '1ms'],
    ['--hang-timeout', '0'],
    ['--unheard-of'],
  ];
  await Promise.all(
    wrong.map(async (options) => {
      const outcome = await evermount(scratch.at('state'), [
        'mount',
        ...options,
        scratch.at('source'),
        scratch.at('target'),
      ]);
      assertRefused(outcome, EXIT.USAGE, new RegExp(options[0]!));
    }),
  );
  for (const args of [
    ['mount'],
    ['mount', 'only-one'],
    ['mount', 'a', 'b', 'c'],
    ['umount'],
    ['restart'],
    ['no-such-command'],
  ]) {
    assertRefused(await evermount(scratch.at('state'), args), EXIT.USAGE, /takes a|no command/);
  }
  assertNothingLeft(scratch);
});

test('umount and restart of what is not ours, or not mounted, end with 3', { skip }, async () => {
  using scratch = makeFolders();
  for (const target of [scratch.at('target'), scratch.at('missing'), '/proc']) {
    for (const command of ['umount', 'restart']) {
      const outcome = await evermount(scratch.at('state'), [command, target]);
      assertRefused(outcome, EXIT.NOT_MOUNTED, /nothing of ours/);
    }
  }
});

test('a target that is mounted already is refused, and the mount there goes on', { skip }, async () => {
  await using mount = await mountSource();
  writeFileSync(join(mount.source, 'file'), 'first');
  const again = await mount.run('mount', mount.source, mount.target);
  assertRefused(again, EXIT.BUSY, /is mounted there/);
  assert.equal(readFileSync(mount.at('file'), 'utf8'), 'first');
  assert.equal(readMountinfo().filter(({ target }) => target === mount.target).length, 1);
});

test('of several mounts of one target at once exactly one wins', { skip }, async () => {
  using scratch = makeFolders();
  try {
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => mountAtTarget(scratch, scratch.at('source'))));
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), [EXIT.OK, EXIT.BUSY, EXIT.BUSY, EXIT.BUSY]);
    assert.equal(readMountinfo().filter(({ target }) => target === scratch.at('target')).length, 1);
    assert.equal((await evermount(scratch.at('state'), ['umount', scratch.at('target')])).status, EXIT.OK);
    await until('the end of all processes', () => processesOf(scratch.at('state')).length === 0);
    assertNothingLeft(scratch);
  } finally {
    await clearMount(scratch.at('target'), scratch.at('state'));
  }
});

test(
  'umount of a mount in use ends with 4 and changes nothing; --lazy detaches it, and open files go on until closed',
  { skip },
  async () => {
    await using mount = await mountSource();
    writeFileSync(join(mount.source, 'file'), 'in use');
    const fd = openSync(mount.at('file'), 'r');
    assertRefused(await mount.umount(), EXIT.BUSY, /files in it are open.*--lazy/s);
    assert.equal((await mount.status()).state, 'serving');
    assert.equal((await mount.umount('--lazy')).status, EXIT.OK);
    assert.equal(mountAt(mount.target), undefined);
    assert.deepEqual(readdirSync(mount.target), []);
    assert.equal(readFileSync(fd, 'utf8'), 'in use');
    closeSync(fd);
    await until('the end of all processes', () => processesOf(mount.state).length === 0);
  },
);

test('a mount all of whose processes were killed is cleaned away by umount', { skip }, async () => {
  await using mount = await mountSource();
  await killEverything(mount);
  assert.equal((await mount.umount()).status, EXIT.OK);
  assert.equal(mountAt(mount.target), undefined);
  assert.deepEqual(sessionsIn(mount.state), []);
});

test('a mount all of whose processes were killed is cleaned away by the next mount there', { skip }, async () => {
  await using mount = await mountSource();
  writeFileSync(join(mount.source, 'file'), 'again');
  await killEverything(mount);
  const again = await mount.run('mount', mount.source, mount.target);
  assert.equal(again.status, EXIT.OK, again.stderr);
  assert.equal(readFileSync(mount.at('file'), 'utf8'), 'again');
  assert.equal(readMountinfo().filter(({ target }) => target === mount.target).length, 1);
});

test('a state folder that others may write to is refused', { skip }, async () => {
  using scratch = makeFolders();
  mkdirSync(scratch.at('state'));
  chmodSync(scratch.at('state'), 0o777);
  assertRefused(await mountAtTarget(scratch, scratch.at('source')), EXIT.NO_PERMISSION, /others may write/);
  assertNothingLeft(scratch);
});

test('a state folder of another user is refused', { skip }, async () => {
  using scratch = makeFolders();
  let state = '/usr'; // root's
  if (IS_ROOT) {
    state = scratch.at('state');
    mkdirSync(state, { mode: 0o700 });
    chownSync(state, 12_345, 12_345);
  }
  const outcome = await evermount(state, ['mount', scratch.at('source'), scratch.at('target')]);
  assertRefused(outcome, EXIT.NO_PERMISSION, /user \d+ owns it/);
  assertNothingLeft(scratch);
});

test(
  'a full state folder is told, and no mount is left',
  { skip: requireFuse({ root: 'it mounts a tiny tmpfs' }) },
  async () => {
    using scratch = makeFolders();
    const state = scratch.at('state');
    mkdirSync(state, { mode: 0o700 });
    assert.equal((await runProgram('mount', ['-t', 'tmpfs', '-o', 'size=4k,mode=700', 'none', state])).status, 0);
    try {
      writeFileSync(join(state, 'full'), Buffer.alloc(4096));
      const outcome = await mountAtTarget(scratch, scratch.at('source'));
      assert.equal(outcome.status, EXIT.FAILED);
      assert.match(outcome.stderr, /ENOSPC|no space/);
      assertNothingLeft(scratch);
    } finally {
      await clearMount(scratch.at('target'), state);
      await runProgram('umount', [state]);
    }
  },
);

function makeFolders(): Scratch {
  const scratch = makeScratch();
  mkdirSync(scratch.at('source'));
  mkdirSync(scratch.at('target'));
  return scratch;
}

function mountAtTarget(scratch: Scratch, source: string, target = scratch.at('target')): Promise<Outcome> {
  return evermount(scratch.at('state'), ['mount', source, target]);
}

function assertRefused({ status, stderr }: Outcome, exit: number, why: RegExp): void {
  assert.equal(status, exit, stderr);
  assert.match(stderr, why);
  assert.doesNotMatch(stderr, /^\s+at .*:\d+:\d+/m, 'a sentence, not a stack');
}

function assertNothingLeft(scratch: Scratch): void {
  assert.deepEqual(
    readMountinfo().filter(({ target, type }) => target.startsWith(scratch.path) && type === 'fuse.evermount'),
    [],
  );
  assert.deepEqual(processesOf(scratch.at('state')), []);
  assert.deepEqual(sessionsIn(scratch.at('state')), []);
}

/** Session folders; the locks beside them stay. */
function sessionsIn(state: string): string[] {
  return existsSync(state) ? readdirSync(state).filter((name) => /^[0-9a-f]{16}$/.test(name)) : [];
}

/** Stops all first, so that nobody replaces anybody. */
async function killEverything(mount: TestMount): Promise<void> {
  for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
    for (const pid of processesOf(mount.state)) process.kill(pid, signal);
  }
  await until('the end of all processes', () => processesOf(mount.state).length === 0);
  assert.equal(mountAt(mount.target)?.type, 'fuse.evermount');
}
