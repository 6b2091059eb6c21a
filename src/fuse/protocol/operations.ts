// operations: every request of protocol 7.31 to 7.45 in one table. To add one, add its arguments to RequestArgs and its row
// to OPERATIONS; the compiler then asks every dispatcher for it.
import type { Buffer } from 'node:buffer';
import { decodeBmapIn, decodeIoctlIn, decodePollIn } from './control.ts';
import type { BmapIn, IoctlIn, PollIn } from './control.ts';
import { INIT_FLAGS } from './flags.ts';
import { decodeBatchForgetIn, decodeForgetIn, decodeInterruptIn } from './forget.ts';
import type { BatchForgetIn, ForgetIn, InterruptIn } from './forget.ts';
import { decodeInitIn } from './init.ts';
import type { InitIn } from './init.ts';
import { decodeLkIn } from './lock.ts';
import type { LkIn } from './lock.ts';
import * as names from './names.ts';
import type { AccessIn, LinkIn, MkdirIn, MknodIn, NameIn, RenameIn, SymlinkIn } from './names.ts';
import { decodeNotifyReply } from './notify.ts';
import type { NotifyReplyIn } from './notify.ts';
import { decodeCreateIn, decodeFlushIn, decodeFsyncIn, decodeOpenIn, decodeReleaseIn } from './open.ts';
import type { CreateIn, FlushIn, FsyncIn, OpenIn, ReleaseIn } from './open.ts';
import * as ranges from './ranges.ts';
import type { CopyFileRangeIn, FallocateIn, LseekIn, RemovemappingIn, SetupmappingIn } from './ranges.ts';
import { decodeReaddirIn, decodeReadIn, decodeWriteIn } from './read-write.ts';
import type { ReaddirIn, ReadIn, WriteIn } from './read-write.ts';
import { decodeGetattrIn, decodeSetattrIn } from './setattr.ts';
import type { GetattrIn, SetattrIn } from './setattr.ts';
import { decodeStatxIn } from './statx.ts';
import type { StatxIn } from './statx.ts';
import { needBytes } from './words.ts';
import { decodeGetxattrIn, decodeListxattrIn, decodeSetxattrIn } from './xattr.ts';
import type { GetxattrIn, ListxattrIn, SetxattrIn } from './xattr.ts';

/** What INIT agreed and decoding depends on; an Agreed is one. */
export interface Dialect {
  readonly minor: number;
  readonly flags: bigint;
}

/** For reading INIT itself. */
export const BEFORE_INIT: Dialect = { minor: 31, flags: 0n };

/** The kernel's name of each request and what its arguments decode to; undefined where it has none. */
export interface RequestArgs {
  LOOKUP: NameIn;
  FORGET: ForgetIn;
  GETATTR: GetattrIn;
  SETATTR: SetattrIn;
  READLINK: undefined;
  SYMLINK: SymlinkIn;
  MKNOD: MknodIn;
  MKDIR: MkdirIn;
  UNLINK: NameIn;
  RMDIR: NameIn;
  RENAME: RenameIn;
  LINK: LinkIn;
  OPEN: OpenIn;
  READ: ReadIn;
  WRITE: WriteIn;
  STATFS: undefined;
  RELEASE: ReleaseIn;
  FSYNC: FsyncIn;
  SETXATTR: SetxattrIn;
  GETXATTR: GetxattrIn;
  LISTXATTR: ListxattrIn;
  REMOVEXATTR: NameIn;
  FLUSH: FlushIn;
  INIT: InitIn;
  OPENDIR: OpenIn;
  READDIR: ReaddirIn;
  RELEASEDIR: ReleaseIn;
  FSYNCDIR: FsyncIn;
  GETLK: LkIn;
  SETLK: LkIn;
  SETLKW: LkIn;
  ACCESS: AccessIn;
  CREATE: CreateIn;
  INTERRUPT: InterruptIn;
  BMAP: BmapIn;
  DESTROY: undefined;
  IOCTL: IoctlIn;
  POLL: PollIn;
  NOTIFY_REPLY: NotifyReplyIn;
  BATCH_FORGET: BatchForgetIn;
  FALLOCATE: FallocateIn;
  READDIRPLUS: ReaddirIn;
  RENAME2: RenameIn;
  LSEEK: LseekIn;
  COPY_FILE_RANGE: CopyFileRangeIn;
  SETUPMAPPING: SetupmappingIn;
  REMOVEMAPPING: RemovemappingIn;
  SYNCFS: undefined;
  TMPFILE: CreateIn;
  STATX: StatxIn;
  COPY_FILE_RANGE_64: CopyFileRangeIn;
}

export type OperationName = keyof RequestArgs;

/** What a good answer consists of after its header. 'none': the kernel waits for nothing, and refuses an answer. */
export type ReplyShape =
  | 'none'
  | 'empty'
  | 'entry'
  | 'attr'
  | 'open'
  /** entry_out, then open_out. */
  | 'create'
  | 'bytes'
  | 'write'
  | 'statfs'
  /** getxattr_out if the request's size is 0, else bytes. */
  | 'xattr'
  | 'init'
  | 'dirents'
  | 'direntsplus'
  | 'lk'
  | 'bmap'
  /** ioctl_out, then bytes. */
  | 'ioctl'
  | 'poll'
  | 'lseek'
  | 'statx'
  | 'copy';

export interface Operation<Args> {
  readonly opcode: number;
  /** The protocol minor that brought it; absent if older than our floor, 7.31. */
  readonly since?: number;
  /** `args` is the frame without header and extensions; throws WireError. */
  readonly decode: (args: Buffer, agreed: Dialect) => Args;
  readonly reply: ReplyShape;
  /** A read-only file system answers it with EROFS. OPEN depends on its flags: see openModifies. */
  readonly modifies: boolean;
}

export const OPERATIONS: { readonly [N in OperationName]: Operation<RequestArgs[N]> } = {
  LOOKUP: { opcode: 1, decode: names.decodeNameIn, reply: 'entry', modifies: false },
  FORGET: { opcode: 2, decode: decodeForgetIn, reply: 'none', modifies: false },
  GETATTR: { opcode: 3, decode: decodeGetattrIn, reply: 'attr', modifies: false },
  SETATTR: { opcode: 4, decode: decodeSetattrIn, reply: 'attr', modifies: true },
  READLINK: { opcode: 5, decode: nothing, reply: 'bytes', modifies: false },
  SYMLINK: { opcode: 6, decode: names.decodeSymlinkIn, reply: 'entry', modifies: true },
  MKNOD: { opcode: 8, decode: names.decodeMknodIn, reply: 'entry', modifies: true },
  MKDIR: { opcode: 9, decode: names.decodeMkdirIn, reply: 'entry', modifies: true },
  UNLINK: { opcode: 10, decode: names.decodeNameIn, reply: 'empty', modifies: true },
  RMDIR: { opcode: 11, decode: names.decodeNameIn, reply: 'empty', modifies: true },
  RENAME: { opcode: 12, decode: names.decodeRenameIn, reply: 'empty', modifies: true },
  LINK: { opcode: 13, decode: names.decodeLinkIn, reply: 'entry', modifies: true },
  OPEN: { opcode: 14, decode: decodeOpenIn, reply: 'open', modifies: false },
  READ: { opcode: 15, decode: decodeReadIn, reply: 'bytes', modifies: false },
  WRITE: { opcode: 16, decode: decodeWriteIn, reply: 'write', modifies: true },
  STATFS: { opcode: 17, decode: nothing, reply: 'statfs', modifies: false },
  RELEASE: { opcode: 18, decode: decodeReleaseIn, reply: 'empty', modifies: false },
  FSYNC: { opcode: 20, decode: decodeFsyncIn, reply: 'empty', modifies: false },
  SETXATTR: { opcode: 21, decode: setxattr, reply: 'empty', modifies: true },
  GETXATTR: { opcode: 22, decode: decodeGetxattrIn, reply: 'xattr', modifies: false },
  LISTXATTR: { opcode: 23, decode: decodeListxattrIn, reply: 'xattr', modifies: false },
  REMOVEXATTR: { opcode: 24, decode: names.decodeNameIn, reply: 'empty', modifies: true },
  FLUSH: { opcode: 25, decode: decodeFlushIn, reply: 'empty', modifies: false },
  INIT: { opcode: 26, decode: decodeInitIn, reply: 'init', modifies: false },
  OPENDIR: { opcode: 27, decode: decodeOpenIn, reply: 'open', modifies: false },
  READDIR: { opcode: 28, decode: decodeReaddirIn, reply: 'dirents', modifies: false },
  RELEASEDIR: { opcode: 29, decode: decodeReleaseIn, reply: 'empty', modifies: false },
  FSYNCDIR: { opcode: 30, decode: decodeFsyncIn, reply: 'empty', modifies: false },
  GETLK: { opcode: 31, decode: decodeLkIn, reply: 'lk', modifies: false },
  SETLK: { opcode: 32, decode: decodeLkIn, reply: 'empty', modifies: false },
  SETLKW: { opcode: 33, decode: decodeLkIn, reply: 'empty', modifies: false },
  ACCESS: { opcode: 34, decode: names.decodeAccessIn, reply: 'empty', modifies: false },
  CREATE: { opcode: 35, decode: decodeCreateIn, reply: 'create', modifies: true },
  // Only ENOSYS (never send it again) and EAGAIN (queue it again) mean something to the kernel.
  INTERRUPT: { opcode: 36, decode: decodeInterruptIn, reply: 'none', modifies: false },
  BMAP: { opcode: 37, decode: decodeBmapIn, reply: 'bmap', modifies: false },
  DESTROY: { opcode: 38, decode: nothing, reply: 'empty', modifies: false },
  IOCTL: { opcode: 39, decode: decodeIoctlIn, reply: 'ioctl', modifies: false },
  POLL: { opcode: 40, decode: decodePollIn, reply: 'poll', modifies: false },
  NOTIFY_REPLY: { opcode: 41, decode: decodeNotifyReply, reply: 'none', modifies: false },
  BATCH_FORGET: { opcode: 42, decode: decodeBatchForgetIn, reply: 'none', modifies: false },
  FALLOCATE: { opcode: 43, decode: ranges.decodeFallocateIn, reply: 'empty', modifies: true },
  READDIRPLUS: { opcode: 44, decode: decodeReaddirIn, reply: 'direntsplus', modifies: false },
  RENAME2: { opcode: 45, decode: names.decodeRename2In, reply: 'empty', modifies: true },
  LSEEK: { opcode: 46, decode: ranges.decodeLseekIn, reply: 'lseek', modifies: false },
  COPY_FILE_RANGE: { opcode: 47, decode: ranges.decodeCopyFileRangeIn, reply: 'write', modifies: true },
  SETUPMAPPING: { opcode: 48, since: 31, decode: ranges.decodeSetupmappingIn, reply: 'empty', modifies: false },
  REMOVEMAPPING: { opcode: 49, since: 31, decode: ranges.decodeRemovemappingIn, reply: 'empty', modifies: false },
  SYNCFS: { opcode: 50, since: 34, decode: syncfs, reply: 'empty', modifies: false },
  TMPFILE: { opcode: 51, since: 37, decode: decodeCreateIn, reply: 'create', modifies: true },
  STATX: { opcode: 52, since: 39, decode: decodeStatxIn, reply: 'statx', modifies: false },
  COPY_FILE_RANGE_64: { opcode: 53, since: 45, decode: ranges.decodeCopyFileRangeIn, reply: 'copy', modifies: true },
};

/** Undefined for an opcode that is not in the table. */
export function operationName(opcode: number): OperationName | undefined {
  return NAME_BY_OPCODE[opcode];
}

const NAME_BY_OPCODE: (OperationName | undefined)[] = [];
for (const name of Object.keys(OPERATIONS) as OperationName[]) NAME_BY_OPCODE[OPERATIONS[name].opcode] = name;

function nothing(): undefined {
  return undefined;
}

/** The struct is there, but holds only padding. */
function syncfs(args: Buffer): undefined {
  needBytes(args, 8, 'fuse_syncfs_in');
  return undefined;
}

function setxattr(args: Buffer, agreed: Dialect): SetxattrIn {
  return decodeSetxattrIn(args, (agreed.flags & INIT_FLAGS.SETXATTR_EXT) !== 0n);
}
