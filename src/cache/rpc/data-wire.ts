// Bytes of an object on their way from a worker: which are asked for, and how they travel.
//
// They travel in frames: u32 length, u32 CRC-32 (both little-endian), then the bytes; every frame is FRAME_BYTES long but
// the last. The checksum begins with the object's id and the frame's offset, so that bytes which belong elsewhere are as
// wrong as bytes that were damaged. Nothing is handed on before its frame was found right.
import { crc32 } from 'node:zlib';
import { objectRef, type ByteSink, type ObjectRef } from '../ufs/index.ts';
import { decodeBytes, encodeBytes } from './bytes.ts';
import { badAnswer, badRequest } from './errors.ts';

export const DATA_ROUTE = '/v1/data';
/** Of one request. */
export const DATA_BYTES_MAX = 8 * 1024 * 1024;
export const FRAME_BYTES = 256 * 1024;
export const FRAME_HEAD_BYTES = 8;

export interface DataRange {
  readonly object: ObjectRef;
  readonly offset: number;
  readonly length: number;
}

export function dataQuery({ object, offset, length }: DataRange): Record<string, string | number> {
  return { path: encodeBytes(object.path), version: object.version, size: object.sizeBytes, offset, length };
}

/** Throws RpcError 'bad-request' for what is no range of 1 to DATA_BYTES_MAX bytes within the object. */
export function decodeDataQuery(query: URLSearchParams): DataRange {
  const path = decodeBytes(query.get('path') ?? undefined);
  const version = query.get('version');
  const size = whole(query.get('size'), 'size');
  const offset = whole(query.get('offset'), 'offset');
  const length = whole(query.get('length'), 'length');
  if (version === null) throw badRequest('a version is missing');
  if (length < 1 || length > DATA_BYTES_MAX) throw badRequest(`length must be 1 to ${DATA_BYTES_MAX}`);
  if (offset + length > size) throw badRequest('the range does not lie within the object');
  return { object: objectRef(path, version, size), offset, length };
}

/** How long an answer of so many bytes is. */
export function framedBytes(length: number): number {
  return length + Math.ceil(length / FRAME_BYTES) * FRAME_HEAD_BYTES;
}

/** Writes the head of the frame; the bytes are behind it already. */
export function sealFrame(frame: Buffer, objectId: string, offset: number): void {
  frame.writeUInt32LE(frame.length - FRAME_HEAD_BYTES, 0);
  frame.writeUInt32LE(crc32(frame.subarray(FRAME_HEAD_BYTES), seedOf(objectId, offset)), 4);
}

/** Takes an answer in whatever pieces it comes. Holds no more than one frame. */
export class FrameReader {
  readonly #address: string;
  readonly #range: DataRange;
  readonly #sink: ByteSink;
  readonly #head = Buffer.alloc(FRAME_HEAD_BYTES);
  #headBytes = 0;
  #held: Buffer[] = [];
  #crc = 0;
  /** Of the frame that is arriving. */
  #leftBytes = 0;
  #deliveredBytes = 0;

  /** `address` is whom to blame. */
  constructor(address: string, range: DataRange, sink: ByteSink) {
    this.#address = address;
    this.#range = range;
    this.#sink = sink;
  }

  /** Found right and given to the sink. */
  get deliveredBytes(): number {
    return this.#deliveredBytes;
  }

  /** Throws RpcError 'bad-answer' for bytes that are not right. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#headBytes < FRAME_HEAD_BYTES) {
        const bytes = Math.min(FRAME_HEAD_BYTES - this.#headBytes, chunk.length - at);
        chunk.copy(this.#head, this.#headBytes, at, at + bytes);
        this.#headBytes += bytes;
        at += bytes;
        if (this.#headBytes === FRAME_HEAD_BYTES) this.#begin();
        continue;
      }
      const piece = chunk.subarray(at, at + this.#leftBytes);
      this.#crc = crc32(piece, this.#crc);
      this.#held.push(piece);
      this.#leftBytes -= piece.length;
      at += piece.length;
      if (this.#leftBytes === 0) this.#end();
    }
  }

  #begin(): void {
    const { object, offset, length } = this.#range;
    const bytes = this.#head.readUInt32LE(0);
    const expected = Math.min(FRAME_BYTES, length - this.#deliveredBytes);
    if (bytes !== expected || bytes === 0) {
      throw badAnswer(this.#address, `a frame of ${bytes} bytes instead of ${expected}`);
    }
    this.#leftBytes = bytes;
    this.#crc = seedOf(object.id, offset + this.#deliveredBytes);
  }

  #end(): void {
    if (this.#crc !== this.#head.readUInt32LE(4))
      throw badAnswer(this.#address, 'bytes that do not match their checksum');
    const pieces = this.#held;
    this.#held = [];
    this.#headBytes = 0;
    for (const piece of pieces) {
      this.#deliveredBytes += piece.length;
      this.#sink(piece);
    }
  }
}

function seedOf(objectId: string, offset: number): number {
  return crc32(`${objectId} ${offset}`);
}

function whole(text: string | null, name: string): number {
  const value = Number(text ?? NaN);
  if (text === '' || !Number.isSafeInteger(value) || value < 0) throw badRequest(`${name} must be a whole number`);
  return value;
}
