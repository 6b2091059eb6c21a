// Content for tests of block stores that can be told from every other: made from a number, checked against it.
import { createHash } from 'node:crypto';
import { objectRef } from '../../src/cache/ufs/index.ts';
import { BLOCK_BYTES, type SegmentInfo } from '../../src/cache/blocks/index.ts';

export const SEGMENT_BYTES = 4 * BLOCK_BYTES;

/** The segment `index` of object number `object`. */
export function segmentInfo(object: number, objectBytes: number, index = 0, segmentBytes = SEGMENT_BYTES): SegmentInfo {
  const { id, path, version } = objectRef(Buffer.from(`folder/object ${object}`), `"etag-${object}"`, objectBytes);
  return { object: id, path, version, objectBytes, index, segmentBytes };
}

/** What a block of a segment holds: the same for the same segment and block, in every process. */
export function blockContent(info: SegmentInfo, block: number): Buffer {
  const { segmentBytes } = info;
  const segment = Math.min(segmentBytes, info.objectBytes - info.index * segmentBytes);
  const bytes = Buffer.alloc(Math.min(BLOCK_BYTES, segment - block * BLOCK_BYTES));
  const seed = createHash('sha512').update(`${info.object} ${info.index} ${block}`).digest();
  for (let at = 0; at < bytes.length; at += seed.length) {
    seed.copy(bytes, at);
    if (at + 4 <= bytes.length) bytes.writeUInt32LE(at, at);
  }
  return bytes;
}

/** All of a segment. */
export function segmentContent(info: SegmentInfo): Buffer {
  const { segmentBytes } = info;
  const segment = Math.min(segmentBytes, info.objectBytes - info.index * segmentBytes);
  return Buffer.concat(
    Array.from({ length: Math.ceil(segment / BLOCK_BYTES) }, (_, block) => blockContent(info, block)),
  );
}
