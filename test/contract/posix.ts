// What a read-only folder owes its readers by POSIX, whoever serves it: run on the host's own file system, which proves the
// suite, and on mounts of every kind.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  opendirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  readvSync,
  realpathSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
  type PathLike,
} from 'node:fs';
import { join } from 'node:path';

export interface PosixHelpers {
  /** The folder the tree was made in, to compare with. */
  source: string;
  /** A folder that may be written to. */
  scratch: string;
}

export type PosixCheck = (dir: string, helpers: PosixHelpers) => void;

const LONG_NAME = 'n'.repeat(255);
/** Bytes that are no text in any encoding of Unicode. */
const RAW_NAME = Buffer.from([0x66, 0xff, 0xfe, 0x80, 0x2e, 0x62]);
const TEXT = 'twelve bytes';
const SIZES = [0, 1, 4095, 4096, 4097, 131_071, 131_072, 131_073, 1_048_577];
const HOLE_BYTES = 3 * 1024 * 1024;

/** Makes the tree that the checks look at. */
export function makePosixTree(root: string): void {
  const at = (...names: string[]): string => join(root, ...names);
  mkdirSync(at('empty-folder'));
  mkdirSync(at('folder', 'inner', 'deep'), { recursive: true });
  writeFileSync(at('file'), TEXT);
  utimesSync(at('file'), 1_234_567_890.123, 987_654_321.456);
  writeFileSync(at('folder', 'inner', 'deep', 'leaf'), 'leaf');
  writeFileSync(at(LONG_NAME), 'long');
  writeFileSync(rawPath(root), 'raw');
  writeFileSync(at('with blank\nand newline'), 'odd');
  writeFileSync(at('script'), '#!/bin/sh\necho it runs\n', { mode: 0o755 });
  writeFileSync(at('private'), 'private', { mode: 0o600 });
  linkSync(at('file'), at('folder', 'same-file'));
  symlinkSync('file', at('link'));
  symlinkSync('folder/inner', at('link-to-folder'));
  symlinkSync('../file', at('folder', 'link-up'));
  symlinkSync('nowhere', at('dangling'));
  symlinkSync('loop-b', at('loop-a'));
  symlinkSync('loop-a', at('loop-b'));
  for (const bytes of SIZES) writeFileSync(at(`size-${bytes}`), pattern(bytes));
  const sparse = openSync(at('sparse'), 'w');
  writeSync(sparse, 'head', 0);
  writeSync(sparse, 'tail', HOLE_BYTES);
  closeSync(sparse);
  truncateSync(at('sparse'), HOLE_BYTES + 4 + 4096);
  execFileSync('mkfifo', [at('pipe')]);
}

/** Bytes that differ everywhere, so that a shifted or repeated page shows. */
export function pattern(bytes: number): Buffer {
  const content = Buffer.alloc(bytes);
  for (let i = 0; i + 4 <= bytes; i += 4) content.writeUInt32LE(Math.imul(i + 1, 0x9e3779b1) >>> 0, i);
  return content;
}

export const POSIX: Readonly<Record<string, PosixCheck>> = {
  'a name that is not there is ENOENT, also below a folder that is not there': (dir) => {
    fails('ENOENT', () => statSync(join(dir, 'missing')));
    fails('ENOENT', () => readFileSync(join(dir, 'missing', 'below')));
    fails('ENOENT', () => readdirSync(join(dir, 'missing')));
  },

  'a file used as a folder is ENOTDIR': (dir) => {
    fails('ENOTDIR', () => statSync(join(dir, 'file', 'below')));
    fails('ENOTDIR', () => readdirSync(join(dir, 'file')));
    fails('ENOTDIR', () => statSync(`${dir}/file/`));
    fails('ENOTDIR', () => openSync(join(dir, 'file'), constants.O_RDONLY | constants.O_DIRECTORY));
  },

  'a folder can be opened but not read': (dir) => {
    withFile(join(dir, 'folder'), (fd) => {
      assert.ok(fstatSync(fd).isDirectory());
      fails('EISDIR', () => readSync(fd, Buffer.alloc(8)));
    });
  },

  'names have up to 255 bytes': (dir) => {
    assert.equal(readFileSync(join(dir, LONG_NAME), 'utf8'), 'long');
    fails('ENAMETOOLONG', () => statSync(join(dir, `${LONG_NAME}n`)));
    fails('ENOENT', () => statSync(join(dir, `${LONG_NAME.slice(1)}m`)));
  },

  'names are bytes: what is no UTF-8 is listed and found as it is': (dir) => {
    const names = readdirSync(Buffer.from(dir), { encoding: 'buffer' });
    assert.equal(names.filter((name) => name.equals(RAW_NAME)).length, 1);
    assert.equal(readFileSync(rawPath(dir), 'utf8'), 'raw');
    assert.equal(readFileSync(join(dir, 'with blank\nand newline'), 'utf8'), 'odd');
  },

  'names are told apart by every byte': (dir) => {
    fails('ENOENT', () => statSync(join(dir, 'FILE')));
    fails('ENOENT', () => statSync(join(dir, 'file ')));
  },

  'a listing has every name exactly once, with its type': (dir, { source }) => {
    for (const folder of ['.', 'folder', 'folder/inner', 'empty-folder']) {
      assert.deepEqual(listing(join(dir, folder)), listing(join(source, folder)), folder);
    }
    assert.deepEqual(readdirSync(join(dir, 'empty-folder')), []);
  },

  'a listing read in small pieces is the same listing': (dir) => {
    const pieces: string[] = [];
    const folder = opendirSync(dir, { bufferSize: 1 });
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) pieces.push(entry.name);
    folder.closeSync();
    assert.deepEqual(pieces.sort(), readdirSync(dir).sort());
  },

  'attributes are those of the source': (dir, { source }) => {
    for (const name of namesBelow(source)) {
      assert.deepEqual(
        attributes(lstatSync(join(dir, name), BIG)),
        attributes(lstatSync(join(source, name), BIG)),
        name,
      );
    }
  },

  'an open file has the attributes its name has': (dir) => {
    withFile(join(dir, 'file'), (fd) => {
      assert.deepEqual(attributes(fstatSync(fd, BIG)), attributes(statSync(join(dir, 'file'), BIG)));
    });
  },

  'inode numbers in a listing are those of stat': (dir) => {
    const plain = execFileSync('ls', ['-1Ui', dir], { encoding: 'latin1' });
    const ino = /^\s*(\d+) file$/m.exec(plain)?.[1];
    assert.equal(ino, String(statSync(join(dir, 'file')).ino));
  },

  'files of every size read whole': (dir) => {
    for (const bytes of SIZES) {
      const found = readFileSync(join(dir, `size-${bytes}`));
      assert.ok(found.equals(pattern(bytes)), `${bytes} bytes`);
      assert.equal(statSync(join(dir, `size-${bytes}`)).size, bytes);
    }
  },

  'reads at any position give the bytes there, and none behind the end': (dir) => {
    const bytes = SIZES.at(-1)!;
    const whole = pattern(bytes);
    withFile(join(dir, `size-${bytes}`), (fd) => {
      const edges = [0, 1, 4095, 4096, 4097, 131_071, 131_072, 131_073, bytes - 4097, bytes - 1];
      for (const from of edges) {
        for (const length of [1, 511, 4096, 4097, 131_072, 262_145]) {
          const into = Buffer.alloc(length, 0xee);
          const count = readSync(fd, into, 0, length, from);
          assert.equal(count, Math.min(length, bytes - from), `${length} bytes from ${from}`);
          assert.ok(into.subarray(0, count).equals(whole.subarray(from, from + count)), `${length} bytes from ${from}`);
        }
      }
      assert.equal(readSync(fd, Buffer.alloc(8), 0, 8, bytes), 0);
      assert.equal(readSync(fd, Buffer.alloc(8), 0, 8, bytes + 1_000_000), 0);
    });
  },

  'a descriptor has a position of its own that reads move': (dir) => {
    withFile(join(dir, 'file'), (one) => {
      withFile(join(dir, 'file'), (other) => {
        assert.equal(take(one, 6), 'twelve');
        assert.equal(take(other, 3), 'twe');
        assert.equal(take(one, 100), ' bytes');
        assert.equal(take(one, 100), '');
        assert.equal(take(other, 3), 'lve');
      });
    });
  },

  'one read can fill several buffers': (dir) => {
    withFile(join(dir, 'file'), (fd) => {
      const parts = [Buffer.alloc(3), Buffer.alloc(0), Buffer.alloc(20)];
      assert.equal(readvSync(fd, parts, 0), TEXT.length);
      assert.equal(parts[0]!.toString() + parts[2]!.toString('utf8', 0, TEXT.length - 3), TEXT);
    });
  },

  'holes read as zeros': (dir) => {
    const found = readFileSync(join(dir, 'sparse'));
    assert.equal(found.length, HOLE_BYTES + 4 + 4096);
    assert.equal(found.toString('utf8', 0, 4), 'head');
    assert.ok(found.subarray(4, HOLE_BYTES).every((byte) => byte === 0));
    assert.equal(found.toString('utf8', HOLE_BYTES, HOLE_BYTES + 4), 'tail');
    assert.ok(found.subarray(HOLE_BYTES + 4).every((byte) => byte === 0));
  },

  'links say what they say and lead where they lead': (dir) => {
    assert.equal(readlinkSync(join(dir, 'link')), 'file');
    assert.ok(lstatSync(join(dir, 'link')).isSymbolicLink());
    assert.equal(readFileSync(join(dir, 'link'), 'utf8'), TEXT);
    assert.equal(readFileSync(join(dir, 'link-to-folder', 'deep', 'leaf'), 'utf8'), 'leaf');
    assert.equal(readFileSync(join(dir, 'folder', 'link-up'), 'utf8'), TEXT);
    assert.equal(realpathSync(join(dir, 'link-to-folder', 'deep')), join(realpathSync(dir), 'folder/inner/deep'));
    fails('EINVAL', () => readlinkSync(join(dir, 'file')));
  },

  'a dangling link is ENOENT, a loop ELOOP, and a link not to be followed ELOOP': (dir) => {
    fails('ENOENT', () => statSync(join(dir, 'dangling')));
    fails('ELOOP', () => statSync(join(dir, 'loop-a')));
    assert.equal(readlinkSync(join(dir, 'loop-a')), 'loop-b');
    fails('ELOOP', () => openSync(join(dir, 'link'), constants.O_RDONLY | constants.O_NOFOLLOW));
  },

  'dot and dot-dot lead to the folder and the one above': (dir) => {
    const root = statSync(dir, BIG).ino;
    assert.equal(statSync(`${dir}/folder/..`, BIG).ino, root);
    assert.equal(statSync(`${dir}/folder/inner/../../.`, BIG).ino, root);
    assert.equal(readFileSync(`${dir}/folder/../file`, 'utf8'), TEXT);
  },

  'names of one file have one inode number and count each other': (dir) => {
    const one = statSync(join(dir, 'file'), BIG);
    const other = statSync(join(dir, 'folder', 'same-file'), BIG);
    assert.deepEqual({ ino: one.ino, nlink: one.nlink }, { ino: other.ino, nlink: 2n });
  },

  'an executable runs': (dir) => {
    assert.equal(execFileSync(join(dir, 'script'), { encoding: 'utf8' }), 'it runs\n');
    accessSync(join(dir, 'script'), constants.R_OK | constants.X_OK);
    fails('EACCES', () => {
      accessSync(join(dir, 'file'), constants.X_OK);
    });
  },

  'a pipe is shown as a pipe': (dir) => {
    assert.ok(lstatSync(join(dir, 'pipe')).isFIFO());
  },

  'a copy is the same bytes': (dir, { scratch }) => {
    const bytes = SIZES.at(-1)!;
    const copy = join(scratch, 'copy');
    copyFileSync(join(dir, `size-${bytes}`), copy);
    assert.ok(readFileSync(copy).equals(pattern(bytes)));
    execFileSync('cp', ['--sparse=auto', join(dir, 'sparse'), copy]);
    assert.ok(readFileSync(copy).equals(readFileSync(join(dir, 'sparse'))));
  },

  'reading a closed descriptor is EBADF': (dir) => {
    const fd = openSync(join(dir, 'file'), 'r');
    closeSync(fd);
    fails('EBADF', () => readSync(fd, Buffer.alloc(1)));
  },

  'one file can be open a hundred times': (dir) => {
    const fds = Array.from({ length: 100 }, () => openSync(join(dir, 'file'), 'r'));
    for (const fd of fds) assert.equal(take(fd, 100), TEXT);
    for (const fd of fds) closeSync(fd);
  },
};

const BIG = { bigint: true } as const;

/**
 * Every attribute but the device, the time of the last read, which reading the other side changes, and the time of birth,
 * which FUSE carries since Linux 6.6 only.
 */
export function attributes(stat: ReturnType<typeof lstatSync> & object): Record<string, unknown> {
  const { ino, mode, nlink, uid, gid, rdev, size, blksize, blocks, ...rest } = stat as unknown as Record<
    string,
    unknown
  >;
  const { mtimeNs, ctimeNs } = rest;
  return { ino, mode, nlink, uid, gid, rdev, size, blksize, blocks, mtimeNs, ctimeNs };
}

function listing(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, encoding: 'buffer' });
  const typeOf = (entry: (typeof entries)[number]): string =>
    entry.isDirectory() ? 'd' : entry.isSymbolicLink() ? 'l' : entry.isFIFO() ? 'p' : entry.isFile() ? '-' : '?';
  return entries.map((entry) => `${typeOf(entry)} ${entry.name.toString('hex')}`).sort();
}

function namesBelow(folder: string): string[] {
  return ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })].filter(
    (name) => !name.includes('\ufffd'),
  );
}

function rawPath(folder: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), RAW_NAME]);
}

function withFile(path: PathLike, use: (fd: number) => void): void {
  const fd = openSync(path, 'r');
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}

function take(fd: number, bytes: number): string {
  const into = Buffer.alloc(bytes);
  return into.toString('utf8', 0, readSync(fd, into));
}

/** The call must fail with this code. */
export function fails(code: string, call: () => unknown): void {
  assert.throws(call, (err: NodeJS.ErrnoException) => {
    assert.equal(err.code, code, err.message);
    return true;
  });
}
