// Descriptors of the folders used lately, so that a name costs one system call and never a walk along a path.
//
// Every descriptor was reached below the source's root without following a symbolic link (openat2), and was checked to be
// the very folder its node stands for; names are then looked up in it one component at a time. So nothing a rename or a
// link does to the source meanwhile can lead the daemon out of it.
import { E, errno, file } from '../../libc/index.ts';
import type { NodeIndex, NodeNames, Stat } from '../../fuse/session/index.ts';
import { ROOT_INDEX } from '../../fuse/session/index.ts';
import { statOf } from './stat.ts';

const PATH_BYTES_MAX = 4096;
const RESOLVE = file.RESOLVE_BENEATH | file.RESOLVE_NO_SYMLINKS | file.RESOLVE_NO_MAGICLINKS;

export interface Folder {
  readonly fd: number;
  readonly key: Uint32Array;
  /** Where getdents goes on, if known: saves an lseek. */
  position: bigint;
  /** Opened with O_PATH only: names can be looked up, not listed. */
  readonly pathOnly: boolean;
}

export class Folders {
  readonly #rootFd: number;
  readonly #rootDevice: number;
  readonly #nodes: NodeNames;
  readonly #max: number;
  readonly #open = new Map<NodeIndex, Folder>();
  readonly #path = Buffer.alloc(PATH_BYTES_MAX);
  readonly #scratch: Stat;

  constructor(rootFd: number, rootDevice: number, nodes: NodeNames, scratch: Stat, openMax = 256) {
    this.#rootFd = rootFd;
    this.#rootDevice = rootDevice;
    this.#nodes = nodes;
    this.#max = openMax;
    this.#scratch = scratch;
  }

  /** The folder of the node, or a negative errno: ESTALE when another one has taken its place. */
  get(node: NodeIndex): Folder | number {
    const known = this.#open.get(node);
    if (known !== undefined) {
      if (this.#nodes.hasKey(node, known.key)) return known;
      this.#open.delete(node); // the record was freed and stands for another folder now
      file.close(known.fd);
    }
    const opened = this.#openNode(node);
    if (typeof opened === 'number') return opened;
    if (this.#open.size >= this.#max) this.#evictOldest();
    this.#open.set(node, opened);
    return opened;
  }

  /** Opens what the node stands for anew: a descriptor of its own, or a negative errno. Fills the stat of what was opened. */
  openPath(node: NodeIndex, flags: number, stat: Stat): number {
    const at = node === ROOT_INDEX ? -1 : this.#nodes.writePath(node, this.#path);
    if (node !== ROOT_INDEX && at < 0) return -E.ENAMETOOLONG;
    const path = node === ROOT_INDEX ? DOT : this.#path.subarray(at);
    const fd = file.openat2(this.#rootFd, path, flags | file.O_NOFOLLOW, RESOLVE);
    if (fd < 0) return -staleIfMoved(errno());
    return this.#checked(fd, node, stat);
  }

  #openNode(node: NodeIndex): Folder | number {
    let fd = this.openPath(node, file.O_DIRECTORY, this.#scratch);
    const pathOnly = fd === -E.EACCES;
    if (pathOnly) fd = this.openPath(node, file.O_DIRECTORY | file.O_PATH, this.#scratch);
    if (fd < 0) return fd;
    return { fd, key: this.#scratch.key.slice(), position: 0n, pathOnly };
  }

  #checked(fd: number, node: NodeIndex, stat: Stat): number {
    const failed = statOf(fd, stat, this.#rootDevice);
    if (failed !== 0) {
      file.close(fd);
      return -failed;
    }
    if (this.#nodes.hasKey(node, stat.key)) return fd;
    file.close(fd);
    return -E.ESTALE;
  }

  #evictOldest(): void {
    for (const [node, folder] of this.#open) {
      this.#open.delete(node);
      file.close(folder.fd);
      return;
    }
  }
}

const DOT = Buffer.from('.\0');

/** What the walk says when a component is gone or is no folder any more: the node's place is taken, look its name up again. */
function staleIfMoved(number: number): number {
  return number === E.ENOENT || number === E.ENOTDIR || number === E.ELOOP || number === E.EXDEV ? E.ESTALE : number;
}
