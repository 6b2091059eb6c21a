// What stands on disk beside the data: little-endian, versioned, every byte under a CRC-32.
//
//   header    what the segment is part of; its last four bytes are the checksum of the rest
//   record    one per block of a large segment: the sums of its grains, PRESENT, and a checksum that is seeded with the header's
//             and the block's number. All zero: absent. One write makes a block present, torn or flipped it is not valid.
//   tail      of a small segment, behind its data in the same file: header, sums, checksum, the tail's length, a magic number
import { crc32 } from 'node:zlib';
import { OBJECT_ID_BYTES } from '../ufs/index.ts';
import { BLOCK_BYTES, type SegmentInfo } from './block-store.ts';

/** What has a checksum of its own, and is read whole. Half of this costs sequential reading 8%, twice this doubles random reading. */
export const GRAIN_BYTES = 32 * 1024;
export const GRAINS_PER_BLOCK = BLOCK_BYTES / GRAIN_BYTES;
/** Segments up to this size are one file, with the tail at its end. */
export const SMALL_BYTES_MAX = 128 * 1024;
/** A power of two, so that no record lies on two pages. */
export const RECORD_BYTES = 2 ** Math.ceil(Math.log2(4 * GRAINS_PER_BLOCK + 8));
export const PATH_BYTES_MAX = 4096;
export const VERSION_BYTES_MAX = 1024;

const FORMAT_VERSION = 1;
const MAGIC = 0x004b4c42564d5645n; // "EVMVBLK" and NUL
const FIXED_BYTES = 64;
const PRESENT = 0x53455250;
const FOOTER_BYTES = 12;
const FOOTER_MAGIC = 0x4c494154;

export const HEADER_BYTES_MAX = FIXED_BYTES + PATH_BYTES_MAX + VERSION_BYTES_MAX + 4;
export const TAIL_BYTES_MAX = HEADER_BYTES_MAX + 4 * Math.ceil(SMALL_BYTES_MAX / GRAIN_BYTES) + FOOTER_BYTES;

/** How long this segment is: undefined where the object has none of that number. */
export function segmentSize({ index, objectBytes, segmentBytes }: SegmentInfo): number | undefined {
  if (!(segmentBytes > 0) || segmentBytes % BLOCK_BYTES !== 0) return undefined;
  if (!Number.isSafeInteger(index) || index < 0 || !Number.isSafeInteger(objectBytes)) return undefined;
  const size = Math.min(segmentBytes, objectBytes - index * segmentBytes);
  return size > 0 || (size === 0 && index === 0) ? size : undefined;
}

/** Undefined for what no header can hold. */
export function encodeHeader(info: SegmentInfo): Buffer | undefined {
  const versionBytes = Buffer.byteLength(info.version);
  const pathBytes = info.path.length;
  if (pathBytes > PATH_BYTES_MAX || versionBytes > VERSION_BYTES_MAX) return undefined;
  const header = Buffer.allocUnsafe(FIXED_BYTES + pathBytes + versionBytes + 4);
  header.writeBigUInt64LE(MAGIC, 0);
  header.writeUInt32LE(FORMAT_VERSION, 8);
  header.writeUInt32LE(header.length, 12);
  header.writeUInt32LE(info.index, 16);
  header.writeUInt32LE(BLOCK_BYTES, 20);
  header.writeUInt32LE(GRAIN_BYTES, 24);
  header.writeUInt16LE(pathBytes, 28);
  header.writeUInt16LE(versionBytes, 30);
  header.writeDoubleLE(info.objectBytes, 32);
  header.writeDoubleLE(info.segmentBytes, 40);
  header.write(info.object, 48, OBJECT_ID_BYTES, 'hex');
  header.writeUInt32LE(0, 60);
  info.path.copy(header, FIXED_BYTES);
  header.write(info.version, FIXED_BYTES + pathBytes, versionBytes, 'utf8');
  header.writeUInt32LE(crc32(header.subarray(0, header.length - 4)), header.length - 4);
  return header;
}

/** The header these bytes begin with; undefined where they begin with none that is whole and of this release. */
export function decodeHeader(bytes: Buffer): { info: SegmentInfo; headerBytes: number } | undefined {
  if (bytes.length < FIXED_BYTES + 4 || bytes.readBigUInt64LE(0) !== MAGIC) return undefined;
  const headerBytes = bytes.readUInt32LE(12);
  const pathBytes = bytes.readUInt16LE(28);
  const versionBytes = bytes.readUInt16LE(30);
  if (headerBytes > bytes.length || headerBytes !== FIXED_BYTES + pathBytes + versionBytes + 4) return undefined;
  if (crc32(bytes.subarray(0, headerBytes - 4)) !== bytes.readUInt32LE(headerBytes - 4)) return undefined;
  if (bytes.readUInt32LE(8) !== FORMAT_VERSION) return undefined;
  if (bytes.readUInt32LE(20) !== BLOCK_BYTES || bytes.readUInt32LE(24) !== GRAIN_BYTES) return undefined;
  const info: SegmentInfo = {
    object: bytes.toString('hex', 48, 48 + OBJECT_ID_BYTES),
    index: bytes.readUInt32LE(16),
    path: Buffer.from(bytes.subarray(FIXED_BYTES, FIXED_BYTES + pathBytes)),
    version: bytes.toString('utf8', FIXED_BYTES + pathBytes, headerBytes - 4),
    objectBytes: bytes.readDoubleLE(32),
    segmentBytes: bytes.readDoubleLE(40),
  };
  return { info, headerBytes };
}

/** Whether the bytes begin with a right header that is not this one: of segments cut to another length, configured since. */
export function hasOtherHeader(bytes: Buffer, header: Buffer): boolean {
  return decodeHeader(bytes) !== undefined && !bytes.subarray(0, header.length).equals(header);
}

export function headerSum(header: Buffer): number {
  return header.readUInt32LE(header.length - 4);
}

/** Sums of `bytes`, which begin at a grain, into `sums` from grain number `first`. */
export function sumGrains(bytes: Buffer, sums: Uint32Array, first: number): void {
  for (let at = 0, grain = first; at < bytes.length; at += GRAIN_BYTES, grain++)
    sums[grain] = crc32(bytes.subarray(at, at + GRAIN_BYTES));
}

/** The sums of a block's grains, made as its bytes arrive: then they are still in the processor's cache. */
export class GrainSums {
  readonly sums: Uint32Array;
  readonly #sizeBytes: number;
  #summedBytes = 0;

  constructor(sizeBytes: number) {
    this.sums = new Uint32Array(Math.ceil(sizeBytes / GRAIN_BYTES));
    this.#sizeBytes = sizeBytes;
  }

  /** The first `filledBytes` of the block are in `buffer`. */
  advance(buffer: Buffer, filledBytes: number): void {
    const end = filledBytes === this.#sizeBytes ? filledBytes : filledBytes - (filledBytes % GRAIN_BYTES);
    if (end <= this.#summedBytes) return;
    sumGrains(buffer.subarray(this.#summedBytes, end), this.sums, this.#summedBytes / GRAIN_BYTES);
    this.#summedBytes = end;
  }
}

/** The first grain of `bytes`, which begin at grain `first`, that is not what was summed; -1 where all are right. */
export function badGrain(bytes: Buffer, sums: Uint32Array, first: number): number {
  for (let at = 0, grain = first; at < bytes.length; at += GRAIN_BYTES, grain++)
    if (sums[grain] !== crc32(bytes.subarray(at, at + GRAIN_BYTES))) return grain;
  return -1;
}

export function encodeRecord(sums: Uint32Array, block: number, seed: number): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  const first = block * GRAINS_PER_BLOCK;
  const grains = Math.min(GRAINS_PER_BLOCK, sums.length - first);
  for (let i = 0; i < grains; i++) record.writeUInt32LE(sums[first + i] ?? 0, 4 * i);
  record.writeUInt32LE(PRESENT, RECORD_BYTES - 8);
  record.writeUInt32LE(crc32(record.subarray(0, RECORD_BYTES - 4), seed + block), RECORD_BYTES - 4);
  return record;
}

/** Takes the sums out of a record; says what the block is. */
export function decodeRecord(
  record: Buffer,
  sums: Uint32Array,
  block: number,
  seed: number,
): 'present' | 'absent' | 'damaged' {
  const sum = record.readUInt32LE(RECORD_BYTES - 4);
  if (record.readUInt32LE(RECORD_BYTES - 8) === 0 && sum === 0) return 'absent';
  if (crc32(record.subarray(0, RECORD_BYTES - 4), seed + block) !== sum) return 'damaged';
  const first = block * GRAINS_PER_BLOCK;
  const grains = Math.min(GRAINS_PER_BLOCK, sums.length - first);
  for (let i = 0; i < grains; i++) sums[first + i] = record.readUInt32LE(4 * i);
  return 'present';
}

/** How long the tail behind a small segment is. */
export function tailBytes(header: Buffer, grains: number): number {
  return header.length + 4 * grains + FOOTER_BYTES;
}

/** Writes the tail into `to` at `at`; returns where it ends. */
export function encodeTail(header: Buffer, sums: Uint32Array, to: Buffer, at: number): number {
  header.copy(to, at);
  let end = at + header.length;
  for (const sum of sums) end = to.writeUInt32LE(sum, end);
  end = to.writeUInt32LE(crc32(to.subarray(at, end)), end);
  end = to.writeUInt32LE(end - at + 8, end);
  return to.writeUInt32LE(FOOTER_MAGIC, end);
}

/** Takes the sums out of a tail; false where it is not exactly the tail of this header. */
export function decodeTail(tail: Buffer, header: Buffer, sums: Uint32Array): boolean {
  if (tail.length !== tailBytes(header, sums.length)) return false;
  if (tail.compare(header, 0, header.length, 0, header.length) !== 0) return false;
  const sumsEnd = tail.length - FOOTER_BYTES;
  if (crc32(tail.subarray(0, sumsEnd)) !== tail.readUInt32LE(sumsEnd)) return false;
  if (tail.readUInt32LE(sumsEnd + 4) !== tail.length || tail.readUInt32LE(sumsEnd + 8) !== FOOTER_MAGIC) return false;
  for (let i = 0; i < sums.length; i++) sums[i] = tail.readUInt32LE(header.length + 4 * i);
  return true;
}

/** The length of the tail that a file ends with, from its last eight bytes. */
export function tailLength(lastEight: Buffer): number | undefined {
  const length = lastEight.readUInt32LE(0);
  return lastEight.readUInt32LE(4) === FOOTER_MAGIC && length <= TAIL_BYTES_MAX ? length : undefined;
}
