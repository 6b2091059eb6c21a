// A row of table `folders`, what is known of a folder as a whole: seal u32, state u8, era u32, then a number (f64).
//
//   listed   all its names were known at `atMs`
//   new      it has come since the storage was counted for the `count`th time: nothing below it is in the totals yet
//
// No row: not all names are known, and the count has, or will have, what is below.
import { SEAL_BYTES } from './seal.ts';

export type FolderRow =
  | { readonly state: 'listed'; readonly atMs: number; readonly era: number }
  | { readonly state: 'new'; readonly count: number };

const LISTED = 1;
const NEW = 2;

/** With its seal left out. */
export function encodeFolder(row: FolderRow): Buffer {
  const isListed = row.state === 'listed';
  const value = Buffer.alloc(SEAL_BYTES + 13);
  value[SEAL_BYTES] = isListed ? LISTED : NEW;
  value.writeUInt32LE(isListed ? row.era : 0, SEAL_BYTES + 1);
  value.writeDoubleLE(isListed ? row.atMs : row.count, SEAL_BYTES + 5);
  return value;
}

export function decodeFolder(value: Buffer): FolderRow {
  const number = value.readDoubleLE(SEAL_BYTES + 5);
  if (value[SEAL_BYTES] === NEW) return { state: 'new', count: number };
  return { state: 'listed', atMs: number, era: value.readUInt32LE(SEAL_BYTES + 1) };
}
