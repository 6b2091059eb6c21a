// names: requests about an entry of a directory. Names are bytes, not strings, and views into the frame: copy what must
// outlive the request.
import type { Buffer } from 'node:buffer';
import type { NodeId } from './ids.ts';
import { needBytes, nulAfter, readLastName } from './words.ts';

/** LOOKUP, UNLINK, RMDIR, REMOVEXATTR: nothing but a name. */
export interface NameIn {
  readonly name: Buffer;
}

export interface SymlinkIn {
  readonly name: Buffer;
  readonly target: Buffer;
}

export interface MknodIn {
  readonly mode: number;
  readonly rdev: number;
  readonly umask: number;
  readonly name: Buffer;
}

export interface MkdirIn {
  readonly mode: number;
  readonly umask: number;
  readonly name: Buffer;
}

/** RENAME and RENAME2: `flags` are those of renameat2(2), 0 for RENAME. */
export interface RenameIn {
  readonly newdir: NodeId;
  readonly flags: number;
  readonly oldname: Buffer;
  readonly newname: Buffer;
}

export interface LinkIn {
  readonly oldnodeid: NodeId;
  readonly newname: Buffer;
}

export interface AccessIn {
  readonly mask: number;
}

export function decodeNameIn(args: Buffer): NameIn {
  return { name: readLastName(args, 0, 'name') };
}

export function decodeSymlinkIn(args: Buffer): SymlinkIn {
  const end = nulAfter(args, 0, 'symlink name');
  return { name: args.subarray(0, end), target: readLastName(args, end + 1, 'symlink target') };
}

export function decodeMknodIn(args: Buffer): MknodIn {
  needBytes(args, 16, 'fuse_mknod_in');
  return {
    mode: args.readUInt32LE(0),
    rdev: args.readUInt32LE(4),
    umask: args.readUInt32LE(8),
    name: readLastName(args, 16, 'mknod name'),
  };
}

export function decodeMkdirIn(args: Buffer): MkdirIn {
  needBytes(args, 8, 'fuse_mkdir_in');
  return { mode: args.readUInt32LE(0), umask: args.readUInt32LE(4), name: readLastName(args, 8, 'mkdir name') };
}

export function decodeRenameIn(args: Buffer): RenameIn {
  needBytes(args, 8, 'fuse_rename_in');
  return renameOf(args, 8, 0);
}

export function decodeRename2In(args: Buffer): RenameIn {
  needBytes(args, 16, 'fuse_rename2_in');
  return renameOf(args, 16, args.readUInt32LE(8));
}

function renameOf(args: Buffer, namesAt: number, flags: number): RenameIn {
  const end = nulAfter(args, namesAt, 'rename old name');
  return {
    newdir: args.readBigUInt64LE(0) as NodeId,
    flags,
    oldname: args.subarray(namesAt, end),
    newname: readLastName(args, end + 1, 'rename new name'),
  };
}

export function decodeLinkIn(args: Buffer): LinkIn {
  needBytes(args, 8, 'fuse_link_in');
  return { oldnodeid: args.readBigUInt64LE(0) as NodeId, newname: readLastName(args, 8, 'link name') };
}

export function decodeAccessIn(args: Buffer): AccessIn {
  needBytes(args, 8, 'fuse_access_in');
  return { mask: args.readUInt32LE(0) };
}
