// Passthrough: the kernel reads large files straight from the source; no READ reaches the daemon.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pattern } from '../contract/posix.ts';
import { mountSource, type TestMount } from '../support/mounts.ts';
import { digestOf, startDigest, untilRequestWaits } from '../support/processes.ts';
import { sha256 } from '../support/readers.ts';
import { IS_ROOT, requireFuse } from '../support/require-fuse.ts';
import { within } from '../support/wait.ts';

const skip = requireFuse({ root: 'only root may register backing files', kernel: '6.9' });
/** A stopped daemon must stay one for as long as a test lasts. */
const PATIENT = ['--hang-timeout', '5m', '--standby', 'off'];
const LARGE = pattern(3 * 1024 * 1024);
const SMALL = pattern(60_000);

test('a large file is read while the daemon is stopped, so no READ reaches it', { skip }, async () => {
  await using mount = await mountSource({ options: PATIENT });
  writeFileSync(join(mount.source, 'large'), LARGE);
  const fd = openAfterFlush(mount, 'large');
  using _stopped = await stopDaemon(mount);
  assert.equal(await digestOf(fd), sha256(LARGE));
  closeSync(fd);
});

test(
  'it still is after a takeover, through old and new descriptors, and with a rename over it in between',
  { skip },
  async () => {
    await using mount = await mountSource({ options: PATIENT });
    writeFileSync(join(mount.source, 'large'), LARGE);
    const before = openAfterFlush(mount, 'large');
    await mount.kill('daemon');
    await mount.untilServing();
    const after = openSync(mount.at('large'), 'r');
    writeFileSync(join(mount.source, 'next'), Buffer.from(LARGE).reverse());
    renameSync(join(mount.source, 'next'), join(mount.source, 'large'));
    await mount.kill('daemon');
    await mount.untilServing();
    using _stopped = await stopDaemon(mount);
    for (const fd of [before, after]) {
      assert.equal(await digestOf(fd), sha256(LARGE));
      closeSync(fd);
    }
  },
);

test('a small file is read by the daemon: its reader waits while the daemon is stopped', { skip }, async () => {
  await using mount = await mountSource({ options: PATIENT });
  writeFileSync(join(mount.source, 'small'), SMALL);
  await assertWaitsForDaemon(mount, 'small', SMALL);
});

test('--passthrough off has large files read by the daemon as well', { skip: requireFuse() }, async () => {
  await using mount = await mountSource({ options: [...PATIENT, '--passthrough', 'off'] });
  writeFileSync(join(mount.source, 'large'), LARGE);
  assert.equal((await mount.status()).options.passthrough, false);
  await assertWaitsForDaemon(mount, 'large', LARGE);
});

test(
  'passthrough is agreed off for users, who may not register backing files',
  { skip: requireFuse({ user: 'root may' }) },
  async () => {
    await using mount = await mountSource();
    assert.equal((await mount.status()).options.passthrough, false);
  },
);

test('a file opened as small goes on being read by the daemon when it has grown', { skip }, async () => {
  await using mount = await mountSource({ options: ['--entry-timeout', '0', '--attr-timeout', '0'] });
  writeFileSync(join(mount.source, 'growing'), SMALL);
  const first = openSync(mount.at('growing'), 'r');
  writeFileSync(join(mount.source, 'growing'), LARGE);
  const second = openSync(mount.at('growing'), 'r');
  assert.ok(readFileSync(second).equals(LARGE));
  await mount.kill('daemon');
  const third = openSync(mount.at('growing'), 'r');
  assert.ok(readFileSync(third).equals(LARGE));
  for (const fd of [first, second, third]) closeSync(fd);
  const alone = openSync(mount.at('growing'), 'r');
  assert.ok(readFileSync(alone).equals(LARGE));
  closeSync(alone);
});

/** Closing asks the daemon until it has once answered that it need not: only then can a reader end without one. */
function openAfterFlush(mount: TestMount, name: string): number {
  closeSync(openSync(mount.at(name), 'r'));
  return openSync(mount.at(name), 'r');
}

async function stopDaemon(mount: TestMount): Promise<Disposable> {
  const pid = await mount.kill('daemon', 'SIGSTOP');
  return {
    [Symbol.dispose]: () => {
      process.kill(pid, 'SIGCONT');
    },
  };
}

async function assertWaitsForDaemon(mount: TestMount, name: string, content: Buffer): Promise<void> {
  const fd = openAfterFlush(mount, name);
  const { connection } = await mount.status();
  let digest: Promise<string>;
  {
    using _stopped = await stopDaemon(mount);
    ({ digest } = startDigest(fd));
    if (IS_ROOT) await untilRequestWaits(connection);
    else await assert.rejects(within(300, 'the reader', digest), /any longer/);
  }
  assert.equal(await within(10_000, 'the reader', digest), sha256(content));
  closeSync(fd);
}
