// How names are written down: table `names`, inode number of the folder (6 bytes, big-endian) and name → the record below,
// so that the names of a folder stand together, in the order of their bytes.
//
//    0 seal u32           5 version length u16    13 checked at, ms u48    25 time of change, ms f64
//    4 kind and flags u8  7 inode number u48      19 size u48              33 era u32
//   37 if flagged, each: id of the object, three u32; mode, uid, gid, u32 each; then the version; target to the end
//
// The id of the object is kept because it costs more to compute than all the rest of an answer. A version of hexadecimal
// digits, as most ETags are, takes half of their number (if flagged).
import type { Entry } from './namespace.ts';
import { seal } from './seal.ts';

/** When the storage said something, and in which era: what is of an earlier era than the present one is not trusted. */
export interface Said {
  readonly checkedAtMs: number;
  readonly era: number;
}

/** An entry and when the storage last said so. */
export interface Known extends Entry, Said {}

/** When what is not trusted was last confirmed. */
export const NEVER: Said = { checkedAtMs: 0, era: 0 };

export const INO_BYTES = 6;
const ERA_AT = 33;
const FIXED_BYTES = 37;
const OBJECT_BYTES = 12;
const POSIX_BYTES = 12;
const KINDS = ['file', 'folder', 'link'] as const;
const KIND_MASK = 0b11;
const HAS_POSIX = 0b100;
const HAS_TARGET = 0b1000;
const HAS_OBJECT = 0b1_0000;
const IS_HEX = 0b10_0000;
const HEX = /^(?:[0-9a-f]{2})+$/;

const TWO_32 = 0x1_0000_0000;

export function inoKey(ino: number): Buffer {
  const key = Buffer.allocUnsafe(INO_BYTES);
  writeIno(key, ino);
  return key;
}

export function nameKey(folder: number, name: Buffer): Buffer {
  const key = Buffer.allocUnsafe(INO_BYTES + name.length);
  writeIno(key, folder);
  key.set(name, INO_BYTES);
  return key;
}

export function readIno(key: Buffer): number {
  return key.readUInt16BE(0) * TWO_32 + key.readUInt32BE(2);
}

function writeIno(key: Buffer, ino: number): void {
  key.writeUInt16BE(Math.floor(ino / TWO_32), 0);
  key.writeUInt32BE(ino % TWO_32, 2);
}

export function encodeKnown(key: Buffer, known: Known): Buffer {
  const { posix, target, version, objectWords } = known;
  const versionEncoding = HEX.test(version) ? 'hex' : 'utf8';
  const versionBytes = Buffer.byteLength(version, versionEncoding);
  const variableBytes = (objectWords === undefined ? 0 : OBJECT_BYTES) + (posix === undefined ? 0 : POSIX_BYTES);
  const value = Buffer.allocUnsafe(FIXED_BYTES + variableBytes + versionBytes + (target?.length ?? 0));
  value[4] =
    KINDS.indexOf(known.kind) |
    (posix === undefined ? 0 : HAS_POSIX) |
    (target === undefined ? 0 : HAS_TARGET) |
    (objectWords === undefined ? 0 : HAS_OBJECT) |
    (versionEncoding === 'hex' ? IS_HEX : 0);
  value.writeUInt16LE(versionBytes, 5);
  writeUInt48(value, known.ino, 7);
  writeUInt48(value, known.checkedAtMs, 13);
  writeUInt48(value, known.sizeBytes, 19);
  value.writeDoubleLE(known.mtimeMs, 25);
  value.writeUInt32LE(known.era, ERA_AT);
  let at = FIXED_BYTES;
  if (objectWords !== undefined) at = writeWords(value, at, ...objectWords);
  if (posix !== undefined) at = writeWords(value, at, posix.mode, posix.uid, posix.gid);
  value.write(version, at, versionEncoding);
  at += versionBytes;
  if (target !== undefined) value.set(target, at);
  return seal(key, value);
}

/** Of a value whose seal was found right. */
export function decodeKnown(value: Buffer, length: number): Known {
  const flags = value[4] as number;
  const hasPosix = (flags & HAS_POSIX) !== 0;
  const hasObject = (flags & HAS_OBJECT) !== 0;
  const posixFrom = FIXED_BYTES + (hasObject ? OBJECT_BYTES : 0);
  const versionFrom = posixFrom + (hasPosix ? POSIX_BYTES : 0);
  const versionTo = versionFrom + value.readUInt16LE(5);
  return {
    ino: readUInt48(value, 7),
    kind: KINDS[flags & KIND_MASK] ?? 'file',
    sizeBytes: readUInt48(value, 19),
    mtimeMs: value.readDoubleLE(25),
    version: value.toString((flags & IS_HEX) !== 0 ? 'hex' : 'utf8', versionFrom, versionTo),
    posix: hasPosix
      ? {
          mode: value.readUInt32LE(posixFrom),
          uid: value.readUInt32LE(posixFrom + 4),
          gid: value.readUInt32LE(posixFrom + 8),
        }
      : undefined,
    target: (flags & HAS_TARGET) !== 0 ? Buffer.from(value.subarray(versionTo, length)) : undefined,
    objectWords: hasObject
      ? [value.readUInt32LE(FIXED_BYTES), value.readUInt32LE(FIXED_BYTES + 4), value.readUInt32LE(FIXED_BYTES + 8)]
      : undefined,
    checkedAtMs: readUInt48(value, 13),
    era: value.readUInt32LE(ERA_AT),
  };
}

function writeWords(value: Buffer, at: number, a: number, b: number, c: number): number {
  value.writeUInt32LE(a, at);
  value.writeUInt32LE(b, at + 4);
  return value.writeUInt32LE(c, at + 8);
}

function writeUInt48(value: Buffer, number: number, at: number): void {
  value.writeUInt32LE(number % TWO_32, at);
  value.writeUInt16LE(Math.floor(number / TWO_32), at + 4);
}

function readUInt48(value: Buffer, at: number): number {
  return value.readUInt16LE(at + 4) * TWO_32 + value.readUInt32LE(at);
}
