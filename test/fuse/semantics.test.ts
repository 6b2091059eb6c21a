// docs/SEMANTICS.md, executed: every numbered promise has a test here with its number; those of datasets have theirs in
// semantics-datasets.test.ts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { attributes, fails, pattern } from '../contract/posix.ts';
import { runProgram } from '../support/command-line.ts';
import { FolderStream } from '../support/folder-stream.ts';
import { isRunning, makeScratch, mountSource, type TestMount } from '../support/mounts.ts';
import { promisesOf } from '../support/promises.ts';
import { digestOf, statusOf } from '../support/processes.ts';
import { expectFiles, sha256, startReader } from '../support/readers.ts';
import { IS_ROOT, requireFuse } from '../support/require-fuse.ts';
import { until, within } from '../support/wait.ts';

const UNCACHED = ['--entry-timeout', '0', '--attr-timeout', '0'];
/** A stopped daemon stays one. */
const PATIENT = ['--hang-timeout', '5m', '--standby', 'off'];
const ESTALE = 116;

const PROMISES: Readonly<Record<number, () => Promise<void>>> = {
  1: async () => {
    await using mount = await mountWith({ file: 'as it was' });
    fails('EROFS', () => writeFileSync(mount.at('file'), 'changed'));
    fails('EROFS', () => mkdirSync(mount.at('new')));
    fails('EROFS', () => unlinkSync(mount.at('file')));
    fails('EROFS', () => chmodSync(mount.at('file'), 0o600));
    assert.equal(readFileSync(join(mount.source, 'file'), 'utf8'), 'as it was');
  },

  2: async () => {
    await using mount = await mountWith({ ['n'.repeat(255)]: 'long' });
    const raw = (root: string): Buffer => Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0x80])]);
    writeFileSync(raw(mount.source), 'raw');
    assert.equal(readFileSync(raw(mount.target), 'utf8'), 'raw');
    assert.ok(readdirSync(mount.target, { encoding: 'buffer' }).some((name) => name.equals(Buffer.from([0xff, 0x80]))));
    assert.equal(readFileSync(mount.at('n'.repeat(255)), 'utf8'), 'long');
    fails('ENOENT', () => statSync(mount.at('N'.repeat(255))));
  },

  3: async () => {
    await using mount = await mountWith({ file: 'some bytes' });
    mkdirSync(join(mount.source, 'folder'));
    symlinkSync('file', join(mount.source, 'link'));
    for (const name of ['.', 'file', 'folder', 'link']) {
      const [seen, source] = [mount.target, mount.source].map((root) => lstatSync(join(root, name), { bigint: true }));
      assert.deepEqual(attributes(seen!), attributes(source!), name);
    }
  },

  4: async () => {
    await using mount = await mountWith({ file: 'shared' });
    linkSync(join(mount.source, 'file'), join(mount.source, 'other'));
    const { ino } = statSync(join(mount.source, 'file'));
    for (const _round of ['first daemon', 'second daemon']) {
      assert.deepEqual([statSync(mount.at('other')).ino, statSync(mount.at('file')).ino], [ino, ino]);
      await mount.kill('daemon');
    }
  },

  5: async () => {
    await using mount = await mountWith({ closed: 'secret' });
    chmodSync(join(mount.source, 'closed'), 0o000);
    if (IS_ROOT) {
      assert.equal(readFileSync(mount.at('closed'), 'utf8'), 'secret');
      assert.match((await runProgram('cat', [mount.at('closed')], { as: 12_345 })).stderr, /Permission denied/);
      assert.equal((await runProgram('ls', [mount.target], { as: 12_345 })).status, 0);
    } else fails('EACCES', () => readFileSync(mount.at('closed')));
  },

  6: async () => {
    await using mount = await mountWith({});
    const { blocks, bsize } = statfsSync(mount.target);
    const source = statfsSync(mount.source);
    assert.deepEqual({ blocks, bsize }, { blocks: source.blocks, bsize: source.bsize });
  },

  7: async () => {
    await using mount = await mountWith({});
    const name = 'd'.repeat(250);
    const walk = (root: string, step: string): Promise<{ stdout: string }> =>
      runProgram(process.execPath, [
        '-e',
        `process.chdir(${JSON.stringify(root)}); let depth = 0; try { for (; depth < 18; depth++) { ${step} process.chdir('${name}'); } } catch (err) { console.log(depth, err.code); }`,
      ]);
    assert.equal((await walk(mount.source, `fs.mkdirSync('${name}');`)).stdout, '');
    const { stdout } = await walk(mount.target, 'fs.readdirSync(".");');
    const [depth, code] = stdout.trim().split(' ');
    assert.equal(code, 'ENAMETOOLONG');
    assert.ok(Number(depth) * 251 <= 4096 + 251 && Number(depth) >= 15, stdout);
  },

  8: async () => {
    await using mount = await mountWith({ file: 'inside' });
    mkdirSync(join(mount.source, 'folder'));
    symlinkSync('../file', join(mount.source, 'folder', 'relative'));
    symlinkSync(join(mount.source, 'file'), join(mount.source, 'folder', 'absolute'));
    symlinkSync('/etc/passwd', join(mount.source, 'leaving'));
    for (const name of ['relative', 'absolute']) {
      assert.equal(readlinkSync(mount.at('folder', name)), '../file');
      assert.equal(readFileSync(mount.at('folder', name), 'utf8'), 'inside');
    }
    fails('EACCES', () => readlinkSync(mount.at('leaving')));
    fails('EACCES', () => readFileSync(mount.at('leaving')));
  },

  9: async () => {
    await using mount = await mountWith({}, ['--links', 'raw']);
    symlinkSync('/etc/passwd', join(mount.source, 'leaving'));
    assert.equal(readlinkSync(mount.at('leaving')), '/etc/passwd');
    assert.ok(readFileSync(mount.at('leaving')).equals(readFileSync('/etc/passwd')));
  },

  10: async () => {
    using scratch = makeScratch();
    mkdirSync(scratch.at('outside'));
    writeFileSync(scratch.at('outside', 'file'), 'foreign');
    for (const links of ['inside', 'raw']) {
      await using mount = await mountSource({ options: [...UNCACHED, '--links', links] });
      mkdirSync(join(mount.source, 'folder'));
      writeFileSync(join(mount.source, 'folder', 'file'), 'inside');
      const folder = openSync(mount.at('folder'), 'r');
      assert.equal(readFileSync(`/proc/self/fd/${folder}/file`, 'utf8'), 'inside');
      renameSync(join(mount.source, 'folder'), join(mount.source, 'aside'));
      symlinkSync(scratch.at('outside'), join(mount.source, 'folder'));
      // By the folder's descriptor it is the daemon that walks, not this process.
      await mount.kill('daemon');
      assert.throws(() => readFileSync(`/proc/self/fd/${folder}/file`));
      closeSync(folder);
    }
  },

  11: async () => {
    await using mount = await mountWith({});
    fails('ENOENT', () => statSync(mount.at('new')));
    writeFileSync(join(mount.source, 'new'), 'new');
    assert.equal(readFileSync(mount.at('new'), 'utf8'), 'new');
  },

  12: async () => {
    await using mount = await mountWith({ file: 'x' }, UNCACHED);
    assert.equal(readFileSync(mount.at('file'), 'utf8'), 'x');
    renameSync(join(mount.source, 'file'), join(mount.source, 'renamed'));
    fails('ENOENT', () => statSync(mount.at('file')));
    await using byDefault = await mountWith({ file: 'x' });
    statSync(byDefault.at('file'));
    rmSync(join(byDefault.source, 'file'));
    await until(
      'the name to be gone',
      () => statSync(byDefault.at('file'), { throwIfNoEntry: false }) === undefined,
      5_000,
    );
  },

  13: async () => {
    await using mount = await mountWith({ file: 'short' }, UNCACHED);
    assert.equal(readFileSync(mount.at('file'), 'utf8'), 'short');
    writeFileSync(join(mount.source, 'file'), 'rather longer');
    assert.equal(statSync(mount.at('file')).size, 13);
    assert.equal(readFileSync(mount.at('file'), 'utf8'), 'rather longer');
    await using byDefault = await mountWith({ file: 'short' });
    statSync(byDefault.at('file'));
    writeFileSync(join(byDefault.source, 'file'), 'rather longer');
    await until('the new content', () => readFileSync(byDefault.at('file'), 'utf8') === 'rather longer', 5_000);
  },

  14: async () => {
    await using mount = await mountWith({ replaced: 'old', removed: 'old' }, UNCACHED);
    const fds = ['replaced', 'removed'].map((name) => openSync(mount.at(name), 'r'));
    writeFileSync(join(mount.source, 'next'), 'new');
    renameSync(join(mount.source, 'next'), join(mount.source, 'replaced'));
    rmSync(join(mount.source, 'removed'));
    for (const part of ['daemon', 'supervisor', 'vault', 'daemon'] as const) {
      const killed = await mount.kill(part);
      await untilReplaced(mount, part, killed);
      for (const fd of fds) assert.equal(textOf(fd), 'old', part);
    }
    assert.equal(readFileSync(mount.at('replaced'), 'utf8'), 'new');
    for (const fd of fds) closeSync(fd);
  },

  15: async () => {
    const versions = [1, 2, 3].map((version) => Buffer.alloc(200_000, version));
    await using mount = await mountWith({ file: '' }, UNCACHED);
    const put = (i: number): void => {
      writeFileSync(join(mount.source, 'next'), versions[i % 3]!);
      renameSync(join(mount.source, 'next'), join(mount.source, 'file'));
    };
    put(0);
    const file = { path: 'file', sizeBytes: 200_000, sha256: versions.map(sha256) };
    await using reader = await startReader({ folder: mount.target, files: [file], activities: ['paths'] });
    const replaceOften = async (afterEach: (i: number) => Promise<unknown>): Promise<void> => {
      for (let i = 1; i <= 100; i++) {
        put(i);
        const { reads } = await reader.counts();
        await afterEach(i);
        if (i % 5 === 0) await until('reads to go on', async () => (await reader.counts()).reads > reads);
      }
    };
    await replaceOften(() => Promise.resolve());
    const { errors } = await reader.counts();
    await replaceOften((i) => (i % 25 === 0 ? mount.kill('daemon') : Promise.resolve()));
    const { wrong, remarks } = await reader.stop();
    assert.deepEqual([wrong, errors], [0, 0], remarks.join());
    for (const remark of remarks) assert.match(remark, new RegExp(`error -${ESTALE}.* open `)); // the one exception
  },

  16: async () => {
    const names = Array.from({ length: 3000 }, (_, i) => `entry-${i}`);
    await using mount = await mountWith(Object.fromEntries(names.map((name) => [name, ''])));
    using stream = new FolderStream(mount.target, 4096);
    const seen = stream.take();
    await mount.kill('daemon');
    seen.push(...stream.takeAll());
    assert.deepEqual(
      seen
        .map(({ name }) => name)
        .filter((name) => !name.startsWith('.'))
        .sort(),
      names.sort(),
    );
  },

  17: async () => {
    const names = Array.from({ length: 500 }, (_, i) => `entry-${i}`);
    await using mount = await mountWith(Object.fromEntries(names.map((name) => [name, ''])));
    using stream = new FolderStream(mount.target, 4096);
    const all = stream.takeAll();
    for (const _round of ['first daemon', 'second daemon']) {
      for (const i of [0, 100, 400]) {
        stream.seek(all[i]!.next);
        assert.equal(stream.take()[0]?.name, all[i + 1]!.name);
      }
      await mount.kill('daemon');
    }
  },

  18: async () => {
    await using mount = await mountWith({ file: 'content', unread: 'unread' }, [...UNCACHED, '--standby', 'off']);
    const fd = openSync(mount.at('unread'), 'r');
    for (const call of [
      () => readFileSync(mount.at('file'), 'utf8'),
      () => statSync(mount.at('file')).size,
      () => readdirSync(mount.target).length,
      () => textOf(fd),
    ]) {
      await mount.untilServing(await mount.kill('daemon'));
      process.kill(await mount.pid('daemon'), 'SIGKILL');
      assert.ok(call());
    }
    closeSync(fd);
  },

  19: async () => {
    await using mount = await mountWith({ small: 'cached' }, PATIENT);
    const large = pattern(1024 * 1024);
    writeFileSync(join(mount.source, 'large'), large);
    assert.equal(readFileSync(mount.at('small'), 'utf8'), 'cached');
    const fds = ['small', 'large'].map((name) => openSync(mount.at(name), 'r'));
    assert.equal(textOf(fds[0]!), 'cached');
    const { options } = await mount.status();
    const daemon = await mount.kill('daemon', 'SIGSTOP');
    // Read, and closed, by other processes: a hang of theirs does not stop this one.
    assert.equal(await digestOf(fds[0]!), sha256(Buffer.from('cached')));
    if (options.passthrough) assert.equal(await digestOf(fds[1]!), sha256(large));
    process.kill(daemon, 'SIGCONT');
    for (const fd of fds) closeSync(fd);
  },

  20: async () => {
    await using mount = await mountWith({ file: 'x' }, PATIENT);
    const daemon = await mount.kill('daemon', 'SIGSTOP');
    const reader = spawn('cat', [mount.at('file')], { stdio: 'ignore' });
    await until('the reader to run', () => readFileSync(`/proc/${reader.pid as number}/comm`, 'utf8') === 'cat\n');
    const ended = statusOf(reader);
    reader.kill('SIGTERM');
    assert.equal((await within(5_000, 'the end of the reader', ended)).signal, 'SIGTERM');
    process.kill(daemon, 'SIGCONT');
  },

  21: async () => {
    await using mount = await mountWith({ file: 'content', other: 'x'.repeat(100_000) }, ['--standby', 'on']);
    await using reader = await startReader({ folder: mount.target, files: expectFiles(mount.source), direct: true });
    for (const part of ['daemon', 'standby', 'supervisor', 'vault', 'daemon'] as const) {
      const killed = await mount.kill(part);
      await untilReplaced(mount, part, killed);
      const { reads } = await reader.counts();
      await until('reads to go on', async () => (await reader.counts()).reads > reads);
    }
    const { errors, wrong, remarks } = await reader.stop();
    assert.deepEqual({ errors, wrong, remarks }, { errors: 0, wrong: 0, remarks: [] });
  },

  22: async () => {
    await using mount = await mountWith({ file: 'content' });
    await using reader = await startReader({ folder: mount.target, files: expectFiles(mount.source), direct: true });
    const before = await mount.pid('daemon');
    const { status, stderr } = await mount.run('restart', mount.target);
    assert.equal(status, 0, stderr);
    await until('the old daemon to be gone', () => !isRunning(before));
    const { errors, wrong, reads } = await reader.stop();
    assert.deepEqual({ errors, wrong }, { errors: 0, wrong: 0 });
    assert.ok(reads > 0);
  },

  23: async () => {
    await using mount = await mountWith({ file: 'content' }, [
      '--recover-deadline',
      '1s',
      '--standby',
      'off',
      ...UNCACHED,
    ]);
    const [session] = readdirSync(mount.state).filter((name) => !name.includes('.'));
    writeFileSync(join(mount.state, session!, 'session.json'), 'no daemon can go on from this');
    await mount.kill('daemon');
    const outcome = await runProgram('cat', [mount.at('file')], {
      env: { ...process.env, LC_ALL: 'C' },
      timeoutMs: 15_000,
    });
    assert.match(outcome.stderr, /connection abort|not connected/i);
    assert.equal((await mount.umount()).status, 0);
    const again = await mount.run('mount', mount.source, mount.target);
    assert.equal(again.status, 0, again.stderr);
    assert.equal(readFileSync(mount.at('file'), 'utf8'), 'content');
  },

  24: async () => {
    await using mount = await mountWith({ named: 'named', removed: 'removed', replaced: 'replaced' }, [
      '--standby',
      'off',
    ]);
    const [named, ...others] = ['named', 'removed', 'replaced'].map((name) => openSync(mount.at(name), 'r'));
    rmSync(join(mount.source, 'removed'));
    writeFileSync(join(mount.source, 'next'), 'foreign');
    renameSync(join(mount.source, 'next'), join(mount.source, 'replaced'));
    const { pids } = await mount.status();
    process.kill(pids.supervisor!, 'SIGSTOP'); // or it might act between the two
    for (const pid of [pids.vault!, pids.daemon!]) process.kill(pid, 'SIGKILL');
    await until('their end', () => ![pids.vault!, pids.daemon!].some(isRunning));
    process.kill(pids.supervisor!, 'SIGCONT');
    assert.equal(textOf(named!), 'named');
    for (const fd of others) assert.throws(() => textOf(fd), { errno: -ESTALE });
    for (const fd of [named!, ...others]) closeSync(fd);
  },

  25: async () => {
    await using mount = await mountWith({ file: 'in use' });
    const fd = openSync(mount.at('file'), 'r');
    assert.equal((await mount.umount()).status, 4);
    assert.equal((await mount.umount('--lazy')).status, 0);
    assert.equal(textOf(fd), 'in use');
    closeSync(fd);
  },
};

const promises = promisesOf('mounts');

test('every numbered promise has a test, and every test a promise', () => {
  assert.deepEqual([...promises.keys()], Object.keys(PROMISES).map(Number));
});

for (const [number, title] of promises) {
  test(`promise ${number}: ${title}`, { skip: requireFuse() }, async () => {
    await PROMISES[number]?.();
  });
}

async function mountWith(files: Readonly<Record<string, string>>, options: string[] = []): Promise<TestMount> {
  const mount = await mountSource({ options });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(mount.source, name), content);
  return mount;
}

function textOf(fd: number): string {
  const into = Buffer.alloc(64);
  return into.toString('utf8', 0, readSync(fd, into, 0, into.length, 0));
}

/** Until the part has a successor; a vault, until the daemon has given it the open files too. */
async function untilReplaced(
  mount: TestMount,
  part: 'vault' | 'supervisor' | 'daemon' | 'standby',
  killed: number,
): Promise<void> {
  const pid = await until(`another ${part}`, async () => {
    const found = (await mount.status()).pids[part];
    return found !== undefined && found !== killed ? found : undefined;
  });
  if (part === 'vault') await until('the vault to be given open files', () => holdsFileOf(pid, mount.source));
}

function holdsFileOf(pid: number, source: string): boolean {
  return readdirSync(`/proc/${pid}/fd`).some((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`).startsWith(`${source}/`);
    } catch {
      return false; // closed meanwhile
    }
  });
}
