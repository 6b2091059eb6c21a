// The tiny file system of a test bed: one folder, one file of 13 bytes, dated 1970, readable by all.
import { ERRNO, type StatfsOut } from '../../fuse/protocol/index.ts';
import {
  ROOT_INDEX,
  type EntrySink,
  type Errno,
  type FileSystem,
  type NodeIndex,
  type NodeNames,
  type OpenFile,
  type Stat,
} from '../../fuse/session/index.ts';

export const DUMMY_NAME = Buffer.from('dummy-file.txt');
export const DUMMY_CONTENT = Buffer.from('Hello, world!');

const FOLDER = { ino: 1n, mode: 0o40555, nlink: 2, size: 0 };
const FILE = { ino: 2n, mode: 0o100444, nlink: 1, size: DUMMY_CONTENT.length };

export class DummyFs implements FileSystem {
  readonly #nodes: NodeNames;

  constructor(nodes: NodeNames) {
    this.#nodes = nodes;
  }

  root(stat: Stat): Errno {
    return fill(stat, FOLDER);
  }

  lookup(parent: NodeIndex, name: Buffer, stat: Stat): Errno {
    return parent === ROOT_INDEX && name.equals(DUMMY_NAME) ? fill(stat, FILE) : ERRNO.ENOENT;
  }

  getattr(node: NodeIndex, stat: Stat): Errno {
    return fill(stat, this.#nodes.parentOf(node) === 0 ? FOLDER : FILE);
  }

  readlink(): Errno {
    return ERRNO.EINVAL;
  }

  open(_node: NodeIndex, stat: Stat): OpenFile {
    fill(stat, FILE);
    return DUMMY_FILE;
  }

  reopen(): OpenFile {
    return DUMMY_FILE;
  }

  readdir(_node: NodeIndex, offset: bigint, plus: boolean, scratch: Stat, _sizeBytes: number, sink: EntrySink): Errno {
    const entries = [
      { name: Buffer.from('.'), of: FOLDER },
      { name: Buffer.from('..'), of: FOLDER },
      { name: DUMMY_NAME, of: FILE },
    ];
    for (const [i, { name, of }] of entries.entries()) {
      if (BigInt(i) < offset) continue;
      fill(scratch, of);
      if (!sink(name, of.ino, of.mode >> 12, BigInt(i + 1), plus ? scratch : undefined)) break;
    }
    return 0;
  }

  statfs(): StatfsOut {
    return { blocks: 1, bfree: 0, bavail: 0, files: 2, ffree: 0, bsize: 4096, namelen: 255, frsize: 4096 };
  }
}

const DUMMY_FILE: OpenFile = {
  read: (offset, into) => DUMMY_CONTENT.copy(into, 0, Math.min(offset, DUMMY_CONTENT.length)),
  stat: (stat) => fill(stat, FILE),
  close: () => {},
};

function fill(stat: Stat, of: { ino: bigint; mode: number; nlink: number; size: number }): Errno {
  stat.key.fill(0);
  stat.key[0] = Number(of.ino);
  stat.versionLow = 1;
  stat.versionHigh = 0;
  stat.btimeSeconds = 0;
  stat.btimeNanoseconds = 0;
  Object.assign(stat.attr, {
    blocks: of.size > 0 ? 1 : 0,
    atime: 0,
    mtime: 0,
    ctime: 0,
    atimensec: 0,
    mtimensec: 0,
    ctimensec: 0,
  });
  Object.assign(stat.attr, { uid: 0, gid: 0, rdev: 0, blksize: 4096, flags: 0 }, of);
  return 0;
}
