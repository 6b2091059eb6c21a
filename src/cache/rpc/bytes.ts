// Names and paths are bytes, URLs and JSON are text: base64url between them, taken only in its one canonical form.
import { badRequest } from './errors.ts';

export function encodeBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/** Throws RpcError 'bad-request' for what encodeBytes() would never have written. */
export function decodeBytes(text: unknown): Buffer {
  if (typeof text !== 'string') throw badRequest('bytes are missing');
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) throw badRequest('bytes are not base64url');
  return bytes;
}
