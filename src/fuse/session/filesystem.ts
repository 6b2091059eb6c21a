// What a file system offers to a session. Sources implement this; the session does everything that has to do with the kernel.
//
// Every call may answer at once or by a promise; answering at once costs no turn of the event loop. Results are a value,
// or a positive errno as `Failed`: failing is ordinary (a name that is not there) and must not cost an exception.
// Every operation may be run twice: a request is delivered again when the daemon died before its answer was written.
import type { Attr, StatfsOut } from '../protocol/index.ts';
import type { NodeIndex } from './nodes.ts';

export type Eventually<T> = T | Promise<T>;

/** Goes on at once where the value is there, so that most requests never touch the event loop. */
export function then<T, R>(value: Eventually<T>, use: (value: T) => Eventually<R>): Eventually<R> {
  return value instanceof Promise ? value.then(use) : use(value);
}

/** A positive errno; 0 where a call answers only by success or failure. */
export type Errno = number;

/** Attributes the file system fills in; `attr` is written field by field, so it is not the read-only wire type. */
export interface Stat {
  /** What makes the object this object and no other: KEY_WORDS words. */
  readonly key: Uint32Array;
  /** Changes whenever the content may have changed. */
  versionLow: number;
  versionHigh: number;
  readonly attr: { -readonly [K in keyof Attr]: Attr[K] };
  btimeSeconds: number;
  btimeNanoseconds: number;
}

/** A file of the source, opened. All opens of one node share it. */
export interface OpenFile {
  /** A descriptor that reads this very file, if there is one: it is kept by the vault, and can back passthrough reads. */
  readonly fd?: number;
  /** Fills `into` from `offset` on; returns bytes read (fewer only at the end of the file), or a negative errno. */
  read(offset: number, into: Buffer): Eventually<number>;
  /** Attributes of the open file, even if it is no longer found by its name. */
  stat(stat: Stat): Eventually<Errno>;
  /** lseek's SEEK_DATA and SEEK_HOLE: the new offset, or a negative errno. */
  seek?(offset: number, whence: number): Eventually<number>;
  /** True once its name is known to stand for other content: who opens it now gets ESTALE, and looks the name up again. */
  readonly isOutdated?: boolean;
  close(): void;
}

/** Takes directory entries one by one; false when no more fit into the reply. */
export type EntrySink = (
  name: Uint8Array,
  ino: bigint,
  type: number,
  nextOffset: bigint,
  stat: Stat | undefined,
) => boolean;

export interface FileSystem {
  /** The root's attributes, at the start of every daemon. */
  root(stat: Stat): Eventually<Errno>;
  lookup(parent: NodeIndex, name: Buffer, stat: Stat): Eventually<Errno>;
  /** ESTALE when what the node stands for is no longer at its place: the kernel then looks its name up again. */
  getattr(node: NodeIndex, stat: Stat): Eventually<Errno>;
  /** The link's target, or an errno. */
  readlink(node: NodeIndex): Eventually<Buffer | Errno>;
  /** Opens for reading. Fills `stat` from the opened file. */
  open(node: NodeIndex, stat: Stat): Eventually<OpenFile | Errno>;
  /** A file that a predecessor had open and left no descriptor of. Absent: open() is as good. */
  openAgain?(node: NodeIndex, stat: Stat): Eventually<OpenFile | Errno>;
  /** An open file back from a descriptor that open() gave earlier, in another process. */
  reopen(node: NodeIndex, fd: number): OpenFile;
  /**
   * Entries from `offset` (0 = the start, else the nextOffset of an entry) until the sink is full. With `plus`, `scratch`
   * is filled for each entry and passed to the sink. An offset stays good for another daemon, as telldir's does.
   */
  readdir(
    node: NodeIndex,
    offset: bigint,
    plus: boolean,
    scratch: Stat,
    sizeBytes: number,
    sink: EntrySink,
  ): Eventually<Errno>;
  /**
   * Asked whenever a folder is opened: true while what the kernel remembers of its entries is still right. Absent: the
   * kernel remembers nothing of a folder between two opens.
   */
  keepsFolder?(node: NodeIndex): Eventually<boolean>;
  statfs(): Eventually<StatfsOut | Errno>;
  /** The value, or an errno (ENODATA). Absent: the file system has no extended attributes. */
  getxattr?(node: NodeIndex, name: Buffer): Eventually<Buffer | Errno>;
  /** Names, each ended by NUL, or an errno. */
  listxattr?(node: NodeIndex): Eventually<Buffer | Errno>;
  /** Work of its own waits for the event loop: then nobody blocks it to wait for the next request. */
  readonly isBusy?: boolean;
  /** Called when this daemon begins to serve: from now on it may write where it keeps its state, and tell the kernel of changes. */
  begin?(kernel: KernelNotices): void;
  /** Called when this daemon has stopped serving, before a successor begins. */
  end?(): Eventually<void>;
}

/** What the kernel can be told unasked. Never waits; what it does not know is ignored. */
export interface KernelNotices {
  /** Attributes of the object are no longer what they were. */
  attributesChanged(key: Uint32Array): void;
  /** Some name stands for another object now, or for none: every name is looked up again at its next use (Linux 6.16). */
  namesChanged(): void;
}

/** What the file system may ask about nodes. */
export interface NodeNames {
  parentOf(index: NodeIndex): NodeIndex;
  nameOf(index: NodeIndex): Buffer;
  hasKey(index: NodeIndex, key: Uint32Array): boolean;
  /** The node's key: a view of shared memory, valid until the next change of the table. */
  keyOf(index: NodeIndex): Uint32Array;
  writePath(index: NodeIndex, into: Buffer): number;
}

export function emptyStat(): Stat {
  return {
    key: new Uint32Array(5),
    versionLow: 0,
    versionHigh: 0,
    btimeSeconds: 0,
    btimeNanoseconds: 0,
    attr: {
      ino: 0n,
      size: 0,
      blocks: 0,
      atime: 0,
      mtime: 0,
      ctime: 0,
      atimensec: 0,
      mtimensec: 0,
      ctimensec: 0,
      mode: 0,
      nlink: 0,
      uid: 0,
      gid: 0,
      rdev: 0,
      blksize: 0,
      flags: 0,
    },
  };
}
