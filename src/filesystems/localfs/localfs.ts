// A folder of this machine, read-only.
//
// The root is a descriptor opened before the mount, so the source may be mounted over, even by this mount, or renamed.
// Every operation checks that what it finds at a node's place is the object the node stands for, else ESTALE: then the
// kernel looks the name up again, so that a file renamed over is never mixed with the one before it.
import { statfsSync } from 'node:fs';
import { E, errno, file } from '../../libc/index.ts';
import type { StatfsOut } from '../../fuse/protocol/index.ts';
import {
  emptyStat,
  type EntrySink,
  type Errno,
  type FileSystem,
  type NodeIndex,
  type NodeNames,
  type OpenFile,
  type Stat,
} from '../../fuse/session/index.ts';
import { Folders, type Folder } from './folders.ts';
import { presentLink, type LinkPolicy } from './links.ts';
import { LocalOpenFile } from './open-file.ts';
import { Pins } from './pins.ts';
import { deviceOf, inodeNumber, statAt } from './stat.ts';

const EMPTY = Buffer.from([0]);
const LINK_BYTES_MAX = 4096;
const S_IFMT_SHIFT = 12;
const S_IFREG_TYPE = 8;

export interface LocalFsConfig {
  /** The source folder, opened. */
  rootFd: number;
  /** Its absolute path when it was opened: to tell which absolute links lead into it. */
  sourcePath: string;
  links: LinkPolicy;
}

export class LocalFs implements FileSystem {
  readonly #config: LocalFsConfig;
  readonly #nodes: NodeNames;
  readonly #rootDevice: number;
  readonly #folders: Folders;
  readonly #pins = new Pins();
  readonly #scratch = emptyStat();
  readonly #name = Buffer.alloc(256);
  readonly #link = Buffer.alloc(LINK_BYTES_MAX);
  readonly #entries = Buffer.alloc(64 * 1024);

  constructor(config: LocalFsConfig, nodes: NodeNames) {
    this.#config = config;
    this.#nodes = nodes;
    this.#rootDevice = deviceOf(config.rootFd);
    this.#folders = new Folders(config.rootFd, this.#rootDevice, nodes, emptyStat());
  }

  root(stat: Stat): Errno {
    return this.#statAt(this.#config.rootFd, EMPTY, stat);
  }

  lookup(parent: NodeIndex, name: Buffer, stat: Stat): Errno {
    const folder = this.#folders.get(parent);
    if (typeof folder === 'number') return -folder;
    if (name.length > 255) return E.ENAMETOOLONG;
    return this.#pins.isOn ? this.#lookupHeld(folder.fd, name, stat) : this.#statAt(folder.fd, this.#nameZ(name), stat);
  }

  getattr(node: NodeIndex, stat: Stat): Errno {
    const parent = this.#nodes.parentOf(node);
    if (parent === 0) return this.root(stat);
    const folder = this.#folders.get(parent);
    if (typeof folder === 'number') return -folder;
    const failed = this.#statAt(folder.fd, this.#nameZ(this.#nodes.nameOf(node)), stat);
    if (failed === 0 && this.#nodes.hasKey(node, stat.key)) return 0;
    if (failed !== 0 && failed !== E.ENOENT) return failed;
    const held = this.#pins.find(node, this.#nodes);
    if (held >= 0) return this.#statAt(held, EMPTY, stat);
    this.#pins.begin();
    return E.ESTALE;
  }

  readlink(node: NodeIndex): Buffer | Errno {
    const failed = this.getattr(node, this.#scratch);
    if (failed !== 0) return failed;
    const parent = this.#nodes.parentOf(node);
    const folder = this.#folders.get(parent);
    if (typeof folder === 'number') return -folder;
    const count = file.readlinkat(folder.fd, this.#nameZ(this.#nodes.nameOf(node)), this.#link, LINK_BYTES_MAX);
    if (count < 0) return errno();
    const path = Buffer.alloc(LINK_BYTES_MAX);
    const at = this.#nodes.writePath(parent, path);
    if (at < 0) return E.ENAMETOOLONG;
    const { links, rootFd, sourcePath } = this.#config;
    const target = Buffer.from(this.#link.subarray(0, count));
    const shown = presentLink(links, rootFd, sourcePath, path.subarray(at, path.length - 1), target);
    return typeof shown === 'number' ? -shown : shown;
  }

  open(node: NodeIndex, stat: Stat): OpenFile | Errno {
    const parent = this.#nodes.parentOf(node);
    const folder = this.#folders.get(parent);
    if (typeof folder === 'number') return -folder;
    const flags = file.O_NOFOLLOW | file.O_NONBLOCK; // never wait on what is a pipe by now
    const resolve = file.RESOLVE_BENEATH | file.RESOLVE_NO_SYMLINKS;
    const fd = file.openat2(folder.fd, this.#nameZ(this.#nodes.nameOf(node)), flags, resolve);
    const number = fd < 0 ? errno() : 0;
    if (number !== 0 && number !== E.ENOENT && number !== E.ELOOP) return number;
    const opened =
      this.#ifItIs(fd, node, stat) ?? this.#ifItIs(this.#pins.reopen(node, this.#nodes, file.O_NONBLOCK), node, stat);
    if (opened !== undefined) return opened;
    this.#pins.begin();
    return E.ESTALE;
  }

  reopen(_node: NodeIndex, fd: number): OpenFile {
    return new LocalOpenFile(fd, this.#rootDevice);
  }

  readdir(node: NodeIndex, offset: bigint, plus: boolean, scratch: Stat, sizeBytes: number, sink: EntrySink): Errno {
    const folder = this.#folders.get(node);
    if (typeof folder === 'number') return -folder;
    if (folder.pathOnly) return E.EACCES;
    if (folder.position !== offset) {
      // ext4 takes a folder that is read at its end before it was ever read for empty, even once rewound: read it first.
      if (folder.position === 0n) file.getdents(folder.fd, this.#entries, this.#entries.length);
      if (Number(file.lseek(folder.fd, offset, 0)) < 0) return errno();
      folder.position = offset;
    }
    // A record of getdents is about as long as one of READDIR, and a fifth of one of READDIRPLUS.
    const want = Math.max(1024, Math.min(this.#entries.length, Math.floor(sizeBytes / (plus ? 5 : 1))));
    for (;;) {
      const count = file.getdents(folder.fd, this.#entries, want);
      if (count < 0) {
        folder.position = -1n;
        return errno();
      }
      if (count === 0) return 0;
      if (!this.#giveEntries(folder, this.#entries.subarray(0, count), plus, scratch, sink)) return 0;
    }
  }

  statfs(): StatfsOut {
    const of = statfsSync(`/proc/self/fd/${this.#config.rootFd}`);
    return {
      blocks: of.blocks,
      bfree: of.bfree,
      bavail: of.bavail,
      files: of.files,
      ffree: of.ffree,
      bsize: of.bsize,
      namelen: 255,
      frsize: of.bsize,
    };
  }

  /** False when the sink is full; the folder's position is then unknown and set by the next call. */
  #giveEntries(folder: Folder, records: Buffer, plus: boolean, scratch: Stat, sink: EntrySink): boolean {
    for (let at = 0; at < records.length;) {
      const next = records.readBigInt64LE(at + 8);
      const length = records.readUInt16LE(at + 16);
      const type = records.readUInt8(at + 18);
      const nameEnd = records.indexOf(0, at + 19);
      const name = records.subarray(at + 19, nameEnd);
      const ino = inodeNumber(
        records.readUInt32LE(at),
        records.readUInt32LE(at + 4),
        this.#rootDevice,
        this.#rootDevice,
      );
      let stat: Stat | undefined;
      if (plus) {
        // A name that vanished since the folder was read is left out.
        const failed = this.#statAt(folder.fd, records.subarray(at + 19, nameEnd + 1), scratch);
        if (failed === 0) stat = scratch;
        else if (failed === E.ENOENT) {
          at += length;
          folder.position = next;
          continue;
        }
      }
      if (!sink(name, stat === undefined ? ino : stat.attr.ino, type, next, stat)) {
        folder.position = -1n;
        return false;
      }
      folder.position = next;
      at += length;
    }
    return true;
  }

  /** A file of the node's own, opened; anything else is closed. */
  #ifItIs(fd: number, node: NodeIndex, stat: Stat): OpenFile | undefined {
    if (fd < 0) return undefined;
    const opened = new LocalOpenFile(fd, this.#rootDevice);
    const isRegular = opened.stat(stat) === 0 && stat.attr.mode >> S_IFMT_SHIFT === S_IFREG_TYPE;
    if (isRegular && this.#nodes.hasKey(node, stat.key)) return opened;
    opened.close();
    return undefined;
  }

  #lookupHeld(dirfd: number, name: Buffer, stat: Stat): Errno {
    const fd = file.openat2(dirfd, this.#nameZ(name), file.O_PATH | file.O_NOFOLLOW, file.RESOLVE_BENEATH);
    if (fd < 0) return errno();
    const failed = this.#statAt(fd, EMPTY, stat);
    if (failed === 0) this.#pins.hold(fd, stat.key);
    else file.close(fd);
    return failed;
  }

  #statAt(dirfd: number, nameZ: Buffer, stat: Stat): Errno {
    return statAt(dirfd, nameZ, stat, this.#rootDevice);
  }

  /** The name with a NUL behind it, for one call. */
  #nameZ(name: Buffer): Buffer {
    name.copy(this.#name);
    this.#name[name.length] = 0;
    return this.#name;
  }
}
