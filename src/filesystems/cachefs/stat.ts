// How an entry of a dataset looks to applications, and the key its node has.
//
// Key: inode number (two words), then for a file the three words of its object id. A file with new content is another node
// with the same inode number: readers of the old content and of the new one never share a page.
import { OBJECT_ID_BYTES, type ObjectWords } from '../../cache/ufs/index.ts';
import type { Entry } from '../../cache/namespace/index.ts';
import type { Stat } from '../../fuse/session/index.ts';

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const BLOCK_BYTES = 4096;
const SECTOR_BYTES = 512;
const TWO_32 = 2 ** 32;
const LINK_MARK = 1;
const ID_WORD = 2;

/** How entries appear that the storage keeps no owner and no permissions of. */
export interface Appearance {
  uid: number;
  gid: number;
  /** Permission bits of files, and of folders. */
  fmode: number;
  dmode: number;
  /** Of what has no time of its own: milliseconds since 1970. */
  defaultTimeMs: number;
}

export function fileTypeOf(kind: Entry['kind']): number {
  return typeBits(kind) >> 12;
}

/** `object`: the words of a file's object id; undefined for the rest. */
export function fillStat(stat: Stat, entry: Entry, object: ObjectWords | undefined, look: Appearance): void {
  fillKey(stat.key, entry, object);
  stat.versionLow = stat.key[ID_WORD] ?? 0;
  stat.versionHigh = stat.key[ID_WORD + 1] ?? 0;
  const isFolder = entry.kind === 'folder';
  const timeMs = entry.mtimeMs > 0 ? entry.mtimeMs : look.defaultTimeMs;
  const seconds = Math.floor(timeMs / 1000);
  const nanoseconds = Math.round((timeMs - seconds * 1000) * 1e6);
  const { attr } = stat;
  attr.ino = BigInt(entry.ino);
  attr.size = isFolder ? BLOCK_BYTES : entry.kind === 'link' ? (entry.target?.length ?? 0) : entry.sizeBytes;
  attr.blocks = isFolder ? BLOCK_BYTES / SECTOR_BYTES : Math.ceil(attr.size / SECTOR_BYTES);
  attr.atime = seconds;
  attr.mtime = seconds;
  attr.ctime = seconds;
  attr.atimensec = nanoseconds;
  attr.mtimensec = nanoseconds;
  attr.ctimensec = nanoseconds;
  attr.mode = typeBits(entry.kind) | permissions(entry, look);
  attr.nlink = 1; // for a folder: nobody knows how many sub-folders it has
  attr.uid = entry.posix?.uid ?? look.uid;
  attr.gid = entry.posix?.gid ?? look.gid;
  attr.rdev = 0;
  attr.blksize = BLOCK_BYTES;
  attr.flags = 0;
  stat.btimeSeconds = seconds;
  stat.btimeNanoseconds = nanoseconds;
}

/** The inode number a node's key carries. */
export function inoOf(key: Uint32Array): number {
  return (key[1] ?? 0) * TWO_32 + (key[0] ?? 0);
}

/** The id of the object a file's node stands for. */
export function objectIdOf(key: Uint32Array): string {
  const id = Buffer.alloc(OBJECT_ID_BYTES);
  for (let i = 0; i < OBJECT_ID_BYTES / 4; i++) id.writeUInt32BE(key[ID_WORD + i] ?? 0, i * 4);
  return id.toString('hex');
}

/** The same as words. */
export function wordsIn(key: Uint32Array): ObjectWords {
  return [key[ID_WORD] ?? 0, key[ID_WORD + 1] ?? 0, key[ID_WORD + 2] ?? 0];
}

/** The key of a folder. */
export function folderKey(ino: number): Uint32Array {
  return Uint32Array.of(ino % TWO_32, Math.floor(ino / TWO_32), 0, 0, 0);
}

function fillKey(key: Uint32Array, { ino, kind }: Entry, object: ObjectWords | undefined): void {
  key[0] = ino % TWO_32;
  key[1] = Math.floor(ino / TWO_32);
  if (object === undefined) {
    key[2] = kind === 'link' ? LINK_MARK : 0;
    key[3] = 0;
    key[4] = 0;
    return;
  }
  key[ID_WORD] = object[0];
  key[ID_WORD + 1] = object[1];
  key[ID_WORD + 2] = object[2];
}

function typeBits(kind: Entry['kind']): number {
  switch (kind) {
    case 'folder':
      return S_IFDIR;
    case 'file':
      return S_IFREG;
    case 'link':
      return S_IFLNK;
  }
}

function permissions({ kind, posix }: Entry, look: Appearance): number {
  if (posix !== undefined) return posix.mode & 0o7777;
  if (kind === 'link') return 0o777;
  return kind === 'folder' ? look.dmode : look.fmode;
}
