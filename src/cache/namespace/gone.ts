// What is left behind by names that went, in the table `gone`, so that it is cleared away however often we are killed:
//
//   "f", folder number            a folder that went, below which names may still be written down
//   "i", when u48 ms, number u48  a number whose name went
//
// The place of a number stays for GRACE_MS: a reader may hold it as the cookie to go on from. Then its row in `inodes` goes,
// once every other number in it has gone too. So names that come and go take a bounded part of the file: what went within
// GRACE_MS, GONE_MAX numbers at most.
import { namesIn } from './inode-row.ts';
import { INO_BYTES, inoKey, readIno } from './record.ts';
import { seal, SEAL_BYTES } from './seal.ts';
import type { Tables } from './tables.ts';

const GRACE_MS = 15 * 60_000;
const GONE_MAX = 1_000_000;
const FOLDER = Buffer.from('f');
const INODE = Buffer.from('i');
const INODE_KEY_BYTES = INODE.length + 2 * INO_BYTES;

export function noteGoneFolder({ gone }: Tables, ino: number): void {
  put(gone, Buffer.concat([FOLDER, inoKey(ino)]));
}

export function noteEmptied({ gone }: Tables, ino: number): void {
  gone.removeSync(Buffer.concat([FOLDER, inoKey(ino)]));
}

export function noteGoneInode({ gone }: Tables, ino: number, nowMs: number): void {
  put(gone, inodeKey(nowMs, ino));
}

export function goneFolders({ gone }: Tables): number[] {
  const range = { start: FOLDER, end: Buffer.from('g') };
  return Array.from(gone.getKeys(range), (key) => readIno(key.subarray(FOLDER.length)));
}

/** Clears away what has been gone for long enough, up to `max` numbers. */
export function clearGone(tables: Tables, nowMs: number, max: number): void {
  const { gone, inodes, goneCount } = tables;
  const untilMs = goneCount > GONE_MAX ? nowMs + GRACE_MS : nowMs - GRACE_MS;
  if (untilMs <= 0) return;
  const due = Array.from(gone.getKeys({ start: INODE, end: inodeKey(untilMs, 0), limit: max }));
  let looked: Buffer | undefined;
  for (const key of due) {
    gone.removeSync(key);
    const row = tables.row(readIno(key.subarray(INODE_KEY_BYTES - INO_BYTES)));
    if (row === undefined || looked?.equals(row.key) === true) continue;
    looked = row.key;
    if (!isInUse(tables, row.key, row.value)) inodes.removeSync(row.key);
  }
}

function isInUse(tables: Tables, key: Buffer, value: Buffer): boolean {
  for (const { ino, folder, name } of namesIn(key, value)) {
    if (tables.known(folder, name)?.ino === ino) return true;
  }
  return false;
}

function inodeKey(atMs: number, ino: number): Buffer {
  return Buffer.concat([INODE, inoKey(atMs), inoKey(ino)]);
}

function put(gone: Tables['gone'], key: Buffer): void {
  gone.putSync(key, seal(key, Buffer.alloc(SEAL_BYTES)));
}
