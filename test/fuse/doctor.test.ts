// evermount doctor on this machine, and on mounts in the states a person calls a doctor for.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { mountAt } from '../../src/host/index.ts';
import { evermount, type Outcome } from '../support/command-line.ts';
import { makeScratch, mountSource, processesOf, type TestMount } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const skip = requireFuse();

interface Finding {
  level: 'ok' | 'warn' | 'bad';
  subject: string;
  means: string;
  advice?: string;
}

interface Report {
  healthy: boolean;
  machine: Finding[];
  mount?: Finding[];
}

function reportOf({ stdout, stderr }: Outcome): Report {
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as Report;
}

async function examine(mount: TestMount): Promise<{ status: number; findings: Map<string, Finding> }> {
  const outcome = await mount.run('doctor', '--json', mount.target);
  const findings = new Map((reportOf(outcome).mount ?? []).map((finding) => [finding.subject, finding]));
  return { status: outcome.status, findings };
}

/** Afterwards no process of the session is left, and the kernel has noticed. */
async function killAll(mount: TestMount): Promise<void> {
  await mount.kill('standby', 'SIGSTOP'); // it must not serve in the meantime
  const pids = Object.values((await mount.status()).pids);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await until('the end of every process', () => processesOf(mount.state).length === 0);
}

test('doctor: finds a machine that can run these tests healthy, each line with its meaning', { skip }, async () => {
  using scratch = makeScratch();
  const outcome = await evermount(scratch.at('state'), ['doctor', '--json']);
  const { healthy, machine } = reportOf(outcome);
  assert.deepEqual(
    machine.filter(({ level }) => level === 'bad'),
    [],
  );
  assert.ok(healthy);
  assert.equal(outcome.status, 0);
  const subjects = machine.map(({ subject }) => subject);
  for (const subject of ['kernel', '/dev/fuse', 'setpriv', 'Node', 'open files', 'request timeout', 'state folder']) {
    assert.ok(subjects.includes(subject), `${subject} is missing in ${subjects.join(', ')}`);
  }
});

test('doctor: without --json prints plain lines, uncoloured when not on a terminal', { skip }, async () => {
  using scratch = makeScratch();
  const { status, stdout } = await evermount(scratch.at('state'), ['doctor']);
  assert.equal(status, 0);
  assert.match(stdout, /^This machine\n {2}ok {4}kernel +Linux \d/);
  assert.ok(!stdout.includes('\x1b'));
});

test('doctor: refuses a state folder others may write to', { skip }, async () => {
  using scratch = makeScratch();
  const { mkdirSync, chmodSync } = await import('node:fs');
  mkdirSync(scratch.at('state'));
  chmodSync(scratch.at('state'), 0o777);
  const outcome = await evermount(scratch.at('state'), ['doctor', '--json']);
  assert.equal(outcome.status, 5);
  const found = reportOf(outcome).machine.find(({ subject }) => subject === 'state folder');
  assert.equal(found?.level, 'bad');
});

test('doctor DIR: finds a healthy mount healthy', { skip }, async () => {
  await using mount = await mountSource({ source: 'dummy:', options: ['--standby', 'on'] });
  await mount.pid('standby');
  const { status, findings } = await examine(mount);
  const notOk = [...findings.values()].filter(({ level }) => level !== 'ok');
  assert.deepEqual(notOk, []);
  assert.equal(status, 0);
  for (const part of ['vault', 'supervisor', 'daemon', 'standby'] as const) {
    assert.match(findings.get(part)?.means ?? '', new RegExp(`process ${await mount.pid(part)}\\b`));
  }
});

test(
  'doctor DIR: says of a stopped daemon that it is stopped and will be replaced, and is right',
  { skip },
  async () => {
    // The timeout is long enough for the doctor to look while the daemon is stopped.
    await using mount = await mountSource({ source: 'dummy:', options: ['--standby', 'on', '--hang-timeout', '8s'] });
    await mount.pid('standby');
    const stopped = await mount.kill('daemon', 'SIGSTOP');
    const { status, findings } = await examine(mount);
    assert.equal(status, 5);
    const daemon = findings.get('daemon');
    assert.equal(daemon?.level, 'bad');
    assert.match(daemon.means, new RegExp(`process ${stopped} is stopped .*replaced within about 8s`));
    await mount.untilServing(stopped);
    assert.equal((await examine(mount)).status, 0);
  },
);

test('doctor DIR: says of a session whose descriptors are all lost how to mount again', { skip }, async () => {
  await using mount = await mountSource({ source: 'dummy:', options: ['--standby', 'on'] });
  await killAll(mount);
  const { status, findings } = await examine(mount);
  assert.equal(status, 5);
  const session = findings.get('session');
  assert.equal(session?.level, 'bad');
  assert.match(session.means, /lost.*Transport endpoint is not connected/);
  assert.match(session.advice ?? '', /evermount umount .*, then mount again/);
  // The advice works.
  assert.equal((await mount.umount()).status, 0);
  assert.equal(mountAt(mount.target), undefined);
  assert.equal((await mount.run('mount', 'dummy:', mount.target)).status, 0);
  assert.equal((await examine(mount)).status, 0);
});

test(
  'doctor DIR: says of an aborted session that it was given up, and why',
  { skip: requireFuse({ root: 'to abort a connection by /sys/fs/fuse/connections' }) },
  async () => {
    await using mount = await mountSource({ source: 'dummy:' });
    const { connection } = await mount.status();
    writeFileSync(`/sys/fs/fuse/connections/${connection}/abort`, '1');
    await until('the end of every process', () => processesOf(mount.state).length === 0);
    const { status, findings } = await examine(mount);
    assert.equal(status, 5);
    assert.match(findings.get('session')?.means ?? '', /given up: the connection was aborted/);
  },
);

test('doctor DIR: tells a mount that is not ours from one that is not there', { skip }, async () => {
  using scratch = makeScratch();
  const foreign = await evermount(scratch.at('state'), ['doctor', '--json', '/proc']);
  assert.equal(foreign.status, 3);
  assert.match(reportOf(foreign).mount?.[0]?.means ?? '', /proc.* no mount of ours/);
  const nothing = await evermount(scratch.at('state'), ['doctor', '--json', scratch.path]);
  assert.equal(nothing.status, 3);
  assert.match(reportOf(nothing).mount?.[0]?.means ?? '', /nothing is mounted/);
});
