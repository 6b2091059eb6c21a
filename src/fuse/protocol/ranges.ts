// ranges: requests about a stretch of a file without its bytes: LSEEK, FALLOCATE, COPY_FILE_RANGE, and the two DAX mappings.
import type { Buffer } from 'node:buffer';
import type { FileHandle, NodeId } from './ids.ts';
import { needBytes, needExactly, readI64, readU64, writeU64 } from './words.ts';

export const LSEEK_OUT_BYTES = 8;
export const COPY_FILE_RANGE_OUT_BYTES = 8;

const REMOVEMAPPING_ONE_BYTES = 16;

/** Only SEEK_DATA (3) and SEEK_HOLE (4) reach the file system. `offset` is negative if the caller said so. */
export interface LseekIn {
  readonly fh: FileHandle;
  readonly offset: number;
  readonly whence: number;
}

export interface LseekOut {
  readonly offset: number;
}

export interface FallocateIn {
  readonly fh: FileHandle;
  readonly offset: number;
  readonly length: number;
  readonly mode: number;
}

/** COPY_FILE_RANGE and COPY_FILE_RANGE_64; the header's nodeid is the source. */
export interface CopyFileRangeIn {
  readonly fhIn: FileHandle;
  readonly offIn: number;
  readonly nodeidOut: NodeId;
  readonly fhOut: FileHandle;
  readonly offOut: number;
  readonly len: number;
  readonly flags: bigint;
}

export interface CopyFileRangeOut {
  readonly bytesCopied: number;
}

export interface SetupmappingIn {
  readonly fh: FileHandle;
  readonly foffset: number;
  readonly len: number;
  readonly flags: bigint;
  readonly moffset: number;
}

export interface RemovemappingIn {
  readonly mappings: { readonly moffset: number; readonly len: number }[];
}

export function decodeLseekIn(args: Buffer): LseekIn {
  needBytes(args, 24, 'fuse_lseek_in');
  return {
    fh: args.readBigUInt64LE(0) as FileHandle,
    offset: readI64(args, 8, 'fuse_lseek_in.offset'),
    whence: args.readUInt32LE(16),
  };
}

export function encodeLseekOut(buf: Buffer, at: number, out: LseekOut): number {
  writeU64(buf, out.offset, at);
  return LSEEK_OUT_BYTES;
}

export function decodeFallocateIn(args: Buffer): FallocateIn {
  needBytes(args, 32, 'fuse_fallocate_in');
  return {
    fh: args.readBigUInt64LE(0) as FileHandle,
    offset: readU64(args, 8, 'fuse_fallocate_in.offset'),
    length: readU64(args, 16, 'fuse_fallocate_in.length'),
    mode: args.readUInt32LE(24),
  };
}

export function decodeCopyFileRangeIn(args: Buffer): CopyFileRangeIn {
  needBytes(args, 56, 'fuse_copy_file_range_in');
  return {
    fhIn: args.readBigUInt64LE(0) as FileHandle,
    offIn: readU64(args, 8, 'fuse_copy_file_range_in.off_in'),
    nodeidOut: args.readBigUInt64LE(16) as NodeId,
    fhOut: args.readBigUInt64LE(24) as FileHandle,
    offOut: readU64(args, 32, 'fuse_copy_file_range_in.off_out'),
    len: readU64(args, 40, 'fuse_copy_file_range_in.len'),
    flags: args.readBigUInt64LE(48),
  };
}

/** The answer to COPY_FILE_RANGE_64; COPY_FILE_RANGE is answered by a WriteOut. */
export function encodeCopyFileRangeOut(buf: Buffer, at: number, out: CopyFileRangeOut): number {
  writeU64(buf, out.bytesCopied, at);
  return COPY_FILE_RANGE_OUT_BYTES;
}

export function decodeSetupmappingIn(args: Buffer): SetupmappingIn {
  needBytes(args, 40, 'fuse_setupmapping_in');
  return {
    fh: args.readBigUInt64LE(0) as FileHandle,
    foffset: readU64(args, 8, 'fuse_setupmapping_in.foffset'),
    len: readU64(args, 16, 'fuse_setupmapping_in.len'),
    flags: args.readBigUInt64LE(24),
    moffset: readU64(args, 32, 'fuse_setupmapping_in.moffset'),
  };
}

export function decodeRemovemappingIn(args: Buffer): RemovemappingIn {
  needBytes(args, 4, 'fuse_removemapping_in');
  const count = args.readUInt32LE(0);
  needExactly(args, 4 + count * REMOVEMAPPING_ONE_BYTES, 'fuse_removemapping_in and its mappings');
  const mappings = [];
  for (let at = 4; at < args.length; at += REMOVEMAPPING_ONE_BYTES) {
    mappings.push({
      moffset: readU64(args, at, 'fuse_removemapping_one.moffset'),
      len: readU64(args, at + 8, 'fuse_removemapping_one.len'),
    });
  }
  return { mappings };
}
