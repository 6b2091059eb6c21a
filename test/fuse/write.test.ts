// Every call that would change something: EROFS, and nothing changes.
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  createWriteStream,
  fchmodSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { fails } from '../contract/posix.ts';
import { runProgram } from '../support/command-line.ts';
import { makeScratch, mountSource } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';

const skip = requireFuse();

/** Calls on a folder with "file", "folder" and "link" in it. */
const CHANGES: Readonly<Record<string, (dir: string) => unknown>> = {
  'open for writing': (dir) => openSync(join(dir, 'file'), 'r+'),
  'open to write only': (dir) => openSync(join(dir, 'file'), constants.O_WRONLY),
  'open to append': (dir) => {
    appendFileSync(join(dir, 'file'), 'more');
  },
  'open to truncate': (dir) => openSync(join(dir, 'file'), constants.O_RDONLY | constants.O_TRUNC),
  create: (dir) => {
    writeFileSync(join(dir, 'new'), 'new');
  },
  'create anew': (dir) => openSync(join(dir, 'new'), 'wx'),
  'create without a name': (dir) => openSync(dir, constants.O_WRONLY | 0o20200000),
  mkdir: (dir) => mkdirSync(join(dir, 'new')),
  mkdtemp: (dir) => mkdtempSync(join(dir, 'new')),
  unlink: (dir) => {
    unlinkSync(join(dir, 'file'));
  },
  rmdir: (dir) => {
    rmdirSync(join(dir, 'folder'));
  },
  rename: (dir) => {
    renameSync(join(dir, 'file'), join(dir, 'folder', 'file'));
  },
  'rename over': (dir) => {
    renameSync(join(dir, 'file'), join(dir, 'other'));
  },
  link: (dir) => {
    linkSync(join(dir, 'file'), join(dir, 'new'));
  },
  symlink: (dir) => {
    symlinkSync('file', join(dir, 'new'));
  },
  chmod: (dir) => {
    chmodSync(join(dir, 'file'), 0o600);
  },
  chown: (dir) => {
    chownSync(join(dir, 'file'), process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  },
  lchown: (dir) => {
    lchownSync(join(dir, 'link'), process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  },
  truncate: (dir) => {
    truncateSync(join(dir, 'file'), 1);
  },
  utimes: (dir) => {
    utimesSync(join(dir, 'file'), 1, 1);
  },
  'utimes of a link': (dir) => {
    lutimesSync(join(dir, 'link'), 1, 1);
  },
  'chmod by descriptor': (dir) => {
    withFile(join(dir, 'file'), (fd) => {
      fchmodSync(fd, 0o600);
    });
  },
  'utimes by descriptor': (dir) => {
    withFile(join(dir, 'file'), (fd) => {
      futimesSync(fd, 1, 1);
    });
  },
};

const PROGRAMS: readonly (readonly string[])[] = [
  ['mkfifo', 'new'],
  ['touch', 'file'],
  ['touch', 'new'],
  ['fallocate', '-l', '100', 'file'],
  ['cp', 'file', 'new'],
  ['mv', 'file', 'new'],
  ['rm', '-f', 'file'],
  ['ln', 'file', 'new'],
  ['dd', 'if=/dev/zero', 'of=file', 'count=1', 'conv=notrunc'],
];

test(
  'every call that would change something fails with EROFS and changes nothing, before and after a takeover',
  { skip },
  async () => {
    await using mount = await mountSource();
    fill(mount.source);
    const before = pictureOf(mount.source);
    for (const round of ['first daemon', 'second daemon']) {
      for (const [name, change] of Object.entries(CHANGES)) {
        fails('EROFS', () => {
          change(mount.target);
          assert.fail(`${name} succeeded with the ${round}`);
        });
      }
      const stream = createWriteStream(mount.at('file'));
      const [err] = (await once(stream, 'error')) as [NodeJS.ErrnoException];
      assert.equal(err.code, 'EROFS');
      if (round === 'first daemon') await mount.kill('daemon');
    }
    assert.deepEqual(pictureOf(mount.source), before);
  },
);

test('the same calls on the source succeed: it is the mount that refuses', () => {
  for (const [name, change] of Object.entries(CHANGES)) {
    if (name === 'create without a name') continue; // not every file system of a source can
    using scratch = makeScratch();
    fill(scratch.path);
    assert.doesNotThrow(() => change(scratch.path), name);
  }
});

test('programs are told that the file system is read-only', { skip }, async () => {
  await using mount = await mountSource();
  fill(mount.source);
  const before = pictureOf(mount.source);
  for (const [program, ...args] of PROGRAMS) {
    const inMount = args.map((argument) =>
      argument.replace(
        /^(of=)?(file|new)$/,
        (_, of: string | undefined, name: string) => `${of ?? ''}${mount.at(name)}`,
      ),
    );
    const { status, stderr } = await runProgram(program!, inMount, { env: { ...process.env, LC_ALL: 'C' } });
    assert.notEqual(status, 0, program);
    assert.match(stderr, /Read-only file system/, `${program!} ${args.join(' ')}`);
  }
  assert.deepEqual(pictureOf(mount.source), before);
});

test('a descriptor opened for reading cannot be written to', { skip }, async () => {
  await using mount = await mountSource();
  fill(mount.source);
  withFile(mount.at('file'), (fd) => {
    fails('EBADF', () => writeSync(fd, 'x'));
  });
});

function fill(folder: string): void {
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'file'), 'as it was');
  writeFileSync(join(folder, 'other'), 'other');
  symlinkSync('file', join(folder, 'link'));
}

function pictureOf(folder: string): unknown {
  return readdirSync(folder)
    .sort()
    .map((name) => {
      const { mode, uid, gid, mtimeMs, size } = statSync(join(folder, name));
      return {
        name,
        mode,
        uid,
        gid,
        mtimeMs,
        size,
        content: name === 'file' ? readFileSync(join(folder, name), 'utf8') : '',
      };
    });
}

function withFile(path: string, use: (fd: number) => void): void {
  const fd = openSync(path, 'r');
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}
