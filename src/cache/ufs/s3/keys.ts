// Keys and paths. A key is any string of at most 1024 bytes of UTF-8; a path is what a file system can show of it.
// Bytes are kept as strings of one character per byte here ("latin1"): they compare, as bytes do, and take no more room.
import { isUtf8 } from 'node:buffer';

export const KEY_BYTES_MAX = 1024;
const NAME_BYTES_MAX = 255;

/** Whether there can be a key of this path: no component that cannot be shown, in UTF-8. */
export function isPath(path: Buffer): boolean {
  return path.length === 0 || (isShown(path.toString('latin1')) && isUtf8(path));
}

/** Components are not empty, not "." or "..", of 255 bytes at most, without NUL. */
export function isShown(path: string): boolean {
  if (path === '' || ODD.test(path)) return false;
  return path.length <= NAME_BYTES_MAX || path.split('/').every((name) => name.length <= NAME_BYTES_MAX);
}
const ODD = /\0|(?:^|\/)\.{0,2}(?:\/|$)/;

/** Every byte but letters, digits, "-", "_", "." and "~" escaped, as the signature wants it; "/" stays in a path. */
export function escapePath(bytes: string): string {
  return PLAIN_PATH.test(bytes) ? bytes : bytes.replace(NOT_IN_PATH, escapeByte);
}

export function escapeValue(bytes: string): string {
  return bytes.replace(NOT_IN_VALUE, escapeByte);
}

const PLAIN_PATH = /^[A-Za-z0-9\-_.~/]*$/;
const NOT_IN_PATH = /[^A-Za-z0-9\-_.~/]/g;
const NOT_IN_VALUE = /[^A-Za-z0-9\-_.~]/g;

function escapeByte(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** A key of a listing with encoding-type=url, where a space is "+". */
export function unescapeKey(text: string): string {
  const bytes = toBytes(text);
  if (!/[%+]/.test(bytes)) return bytes;
  return bytes
    .replaceAll('+', ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** One character per byte of the text's UTF-8. */
export function toBytes(text: string): string {
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text).toString('latin1');
}
