// One version of one file, as the cache knows it. Everything cached is filed under `id`, so another version is another object.
import { hash } from 'node:crypto';

export interface ObjectRef {
  /** OBJECT_ID_BYTES bytes as lower-case hex: from path, version and size. */
  readonly id: string;
  /** In the dataset. */
  readonly path: Buffer;
  readonly version: string;
  readonly sizeBytes: number;
}

/** 96 bits: three words of a node's key. */
export const OBJECT_ID_BYTES = 12;

/** The same bytes as an id, read as big-endian words. */
export type ObjectWords = readonly [number, number, number];

/** The words of the id that objectRef() gives to the path that prefix and name are together. */
export function objectWords(prefix: Buffer, name: Buffer, version: string, sizeBytes: number): ObjectWords {
  const bytes = hash('sha256', hashed(version, sizeBytes, prefix, name), 'binary');
  return [wordAt(bytes, 0), wordAt(bytes, 4), wordAt(bytes, 8)];
}

export function objectRef(path: Buffer, version: string, sizeBytes: number): ObjectRef {
  return { id: objectId(path, version, sizeBytes), path, version, sizeBytes };
}

function objectId(path: Buffer, version: string, sizeBytes: number): string {
  return hash('sha256', hashed(version, sizeBytes, path), 'hex').slice(0, 2 * OBJECT_ID_BYTES);
}

function hashed(version: string, sizeBytes: number, ...path: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(`${version}\0${sizeBytes}\0`), ...path]);
}

function wordAt(bytes: string, at: number): number {
  const low = (bytes.charCodeAt(at + 1) << 16) | (bytes.charCodeAt(at + 2) << 8) | bytes.charCodeAt(at + 3);
  return bytes.charCodeAt(at) * 0x100_0000 + low;
}
