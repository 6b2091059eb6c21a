// evermount demo, shortened: it kills, counts, tells success from failure, and leaves nothing behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { globSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { readMountinfo, unmount } from '../../src/host/index.ts';
import { askSession, listSessions } from '../../src/recovery/index.ts';
import { ensureTool } from '../../scripts/tools.ts';
import { runProgram, type Outcome } from '../support/command-line.ts';
import { isRunning, processesOf } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const skip = requireFuse();
const BIN = fileURLToPath(new URL('../../bin/evermount.js', import.meta.url));
const FILES = 40;

interface Side {
  kills: Record<string, number>;
  tally: { files: number; bytes: number; errors: Record<string, number>; wrongBytes: number; lostReaders: number };
}

interface Report {
  ours: Side;
  ordinary: Side & { name: string };
  store?: { fetchedBytes: number };
  ok: boolean;
}

/** A folder to read, and a temporary folder for the demo that is checked, and emptied, at the end. */
class Stage implements AsyncDisposable {
  #running: Running | undefined;
  // Not too deep: the paths of sockets in it are limited to 107 bytes.
  readonly path = mkdtempSync(join(tmpdir(), 'ever-'));
  readonly source = join(this.path, 'source');
  readonly temporary = join(this.path, 'tmp');

  constructor() {
    mkdirSync(this.source);
    mkdirSync(this.temporary);
    for (let i = 0; i < FILES; i++) {
      const folder = join(this.source, `folder ${i % 4}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `file ${i}`), Buffer.alloc(1 + i * 2500, `content of ${i} `));
    }
  }

  get env(): NodeJS.ProcessEnv {
    return { ...process.env, TMPDIR: this.temporary };
  }

  demo(...args: string[]): Promise<Outcome> {
    return runProgram(process.execPath, [BIN, 'demo', ...args, this.source], { env: this.env });
  }

  start(...args: string[]): Running {
    this.#running = new Running(
      spawn(process.execPath, [BIN, 'demo', ...args, this.source], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: this.env,
      }),
    );
    return this.#running;
  }

  mounts(): string[] {
    return readMountinfo().flatMap(({ target }) => (target.startsWith(this.path) ? [target] : []));
  }

  /** The processes of the demo's sessions. */
  sessionProcesses(): number[] {
    return globSync(join(this.temporary, '*/state')).flatMap(processesOf);
  }

  /** Nothing mounted, nothing running, nothing left in the temporary folder. */
  assertEmpty(): void {
    assert.deepEqual(this.mounts(), []);
    assert.deepEqual(processesOf(this.temporary), []);
    assert.deepEqual(readdirSync(this.temporary), []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running?.kill('SIGKILL');
    for (const pid of this.sessionProcesses()) process.kill(pid, 'SIGKILL');
    for (const target of this.mounts()) await unmount(target, true);
    if (this.mounts().length === 0) rmSync(this.path, { recursive: true, force: true });
  }
}

class Running {
  readonly #child;
  readonly #ended: Promise<number>;
  output = '';
  stdout = '';

  constructor(child: ReturnType<typeof spawn>) {
    this.#child = child;
    child.stdout?.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
      this.output += chunk.toString();
    });
    child.stderr?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.#ended = new Promise((resolve) => child.on('close', (status) => resolve(status ?? -1)));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async end(): Promise<number> {
    await until('the end of the demo', () => this.#child.pid === undefined || !isRunning(this.#child.pid), 30_000);
    return this.#ended;
  }
}

function count(errors: Record<string, number>): number {
  return Object.values(errors).reduce((sum, each) => sum + each, 0);
}

test(
  'demo: readers notice no kill of daemon, vault and supervisor, but the one of an ordinary daemon',
  { skip },
  async () => {
    await using stage = new Stage();
    const { status, stdout, stderr } = await stage.demo('--kills', '3', '--json');
    const { ours, ordinary, ok } = JSON.parse(stdout) as Report;
    assert.deepEqual(ours.kills, { daemon: 3, vault: 1, supervisor: 1 });
    assert.deepEqual(
      { errors: ours.tally.errors, wrong: ours.tally.wrongBytes, lost: ours.tally.lostReaders },
      { errors: {}, wrong: 0, lost: 0 },
    );
    assert.ok(ours.tally.files > FILES && ours.tally.bytes > 0, stdout);
    assert.ok(count(ordinary.tally.errors) > 0, stdout);
    assert.ok(ok);
    assert.equal(status, 0, stderr);
    stage.assertEmpty();
  },
);

test('demo: without bindfs compares with a daemon of our own that nobody watches over', { skip }, async () => {
  await using stage = new Stage();
  // A folder with every program it may need but bindfs.
  const programs = join(stage.path, 'bin');
  mkdirSync(programs);
  for (const program of ['setpriv', 'stat', 'readlink', 'umount', 'fusermount3']) {
    const { stdout } = await runProgram('sh', ['-c', `command -v ${program}`]);
    if (stdout !== '')
      writeFileSync(join(programs, program), `#!/bin/sh\nexec ${stdout.trim()} "$@"\n`, { mode: 0o755 });
  }
  const env = { ...stage.env, PATH: programs };
  const { status, stdout, stderr } = await runProgram(
    process.execPath,
    [BIN, 'demo', '--kills', '1', '--json', stage.source],
    { env },
  );
  assert.equal(status, 0, stderr);
  const { ordinary } = JSON.parse(stdout) as Report;
  assert.equal(ordinary.name, 'our daemon, alone');
  assert.ok(count(ordinary.tally.errors) > 0, stdout);
  stage.assertEmpty();
});

test('demo: over an S3 server readers notice no kill, and nothing of the server is left', { skip }, async () => {
  await using stage = new Stage();
  const minio = process.env['EVERMOUNT_TEST_MINIO'] ?? (await ensureTool('minio'));
  const { status, stdout, stderr } = await stage.demo('--s3', '--minio', minio, '--kills', '3', '--json');
  const { ours, ordinary, store, ok } = JSON.parse(stdout) as Report;
  assert.deepEqual(ours.kills, { daemon: 3, vault: 1, supervisor: 1 });
  assert.deepEqual(
    { errors: ours.tally.errors, wrong: ours.tally.wrongBytes, lost: ours.tally.lostReaders },
    { errors: {}, wrong: 0, lost: 0 },
  );
  assert.ok(ours.tally.files > FILES && (store?.fetchedBytes ?? 0) > 0, stdout);
  assert.ok(['s3fs', 'our daemon, alone'].includes(ordinary.name), ordinary.name);
  assert.ok(count(ordinary.tally.errors) > 0, stdout);
  assert.ok(ok);
  assert.equal(status, 0, stderr);
  stage.assertEmpty();
});

test('demo: over an S3 server that is not there says where to get one', async () => {
  await using stage = new Stage();
  const missing = await stage.demo('--s3', '--minio', join(stage.path, 'no minio'));
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /^evermount: Cannot show the demo over S3: .*--minio PROGRAM/);
  assert.equal((await stage.demo('--minio', process.execPath)).status, 2);
  stage.assertEmpty();
});

test('demo: fails and says so when the session is lost under its readers', { skip }, async () => {
  await using stage = new Stage();
  const running = stage.start('--kills', '30', '--json');
  const pids = await until('a session that serves', async () => {
    for (const folder of globSync(join(stage.temporary, '*/state')).flatMap(listSessions)) {
      const status = await askSession(folder, process.getuid?.() ?? 0);
      if (status?.pids.standby !== undefined && running.output.includes('killed: daemon'))
        return Object.values(status.pids);
    }
    return undefined;
  });
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  assert.equal(await running.end(), 1, running.output);
  const { ours, ok } = JSON.parse(running.stdout) as Report;
  assert.ok(count(ours.tally.errors) > 0, running.output);
  assert.ok(!ok);
  stage.assertEmpty();
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`demo: ${signal} ends it, and nothing is left behind`, { skip }, async () => {
    await using stage = new Stage();
    const running = stage.start();
    await until('the first kill', () => running.output.includes('killed: daemon'));
    running.kill(signal);
    assert.equal(await running.end(), 130, running.output);
    stage.assertEmpty();
  });
}

test('demo: says what is wrong with its arguments', async () => {
  await using stage = new Stage();
  for (const args of [['--kills', '0'], ['--kills', 'many'], [join(stage.path, 'nothing here')]]) {
    const { status, stderr } = await runProgram(process.execPath, [BIN, 'demo', ...args]);
    assert.equal(status, 2);
    assert.match(stderr, /^evermount: Cannot /);
  }
  mkdirSync(join(stage.path, 'empty'));
  const empty = await runProgram(process.execPath, [BIN, 'demo', join(stage.path, 'empty')]);
  assert.equal(empty.status, 2);
  assert.match(empty.stderr, /no file that can be read/);
});

test(
  'demo: where FUSE cannot be used says so, and exits with 69',
  { skip: requireFuse({ root: 'to hide /dev/fuse in a mount namespace of its own', program: 'unshare' }) },
  async () => {
    await using stage = new Stage();
    const script = 'mount --bind /dev/null /dev/fuse && exec "$@"';
    const hidden = [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      script,
      'sh',
      process.execPath,
      BIN,
      'demo',
      stage.source,
    ];
    const { status, stderr } = await runProgram('unshare', hidden, { env: stage.env });
    assert.equal(status, 69, stderr);
    assert.match(stderr, /Cannot show the demo without FUSE.*\n.*evermount doctor/);
    stage.assertEmpty();
  },
);
