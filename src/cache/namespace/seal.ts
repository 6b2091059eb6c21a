// Seals: the first four bytes of every value are a checksum of its key and of the rest, so that bytes which were changed,
// or which stand under another key, are recognised when they are read.
//
// FNV-1a: every step is a bijection, so any single changed byte changes the sum; and it runs at a byte per nanosecond
// without a call out of JavaScript, which counts where records are a hundred bytes.

export const SEAL_BYTES = 4;

/** Writes the seal of a value whose first SEAL_BYTES bytes were left for it. */
export function seal(key: Buffer, value: Buffer): Buffer {
  value.writeUInt32LE(sum(key, value, value.length), 0);
  return value;
}

export function isSealed(key: Buffer, value: Buffer, length: number): boolean {
  return length >= SEAL_BYTES && value.readUInt32LE(0) === sum(key, value, length);
}

function sum(key: Buffer, value: Buffer, length: number): number {
  let hash = 0x811c9dc5;
  const keyBytes = key.length;
  for (let i = 0; i < keyBytes; i++) hash = Math.imul(hash ^ (key[i] as number), 0x01000193);
  for (let i = SEAL_BYTES; i < length; i++) hash = Math.imul(hash ^ (value[i] as number), 0x01000193);
  return hash >>> 0;
}
