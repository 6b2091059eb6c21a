// The verified stamp of a large segment: what stat said of the data file when every block present in it was known to be right.
//
// Passthrough lets the kernel read the data file without asking us, so it must have been checked before; our own reads of a
// stamped file are not summed again either. A stamp that still
// equals stat guards against every write through the file system since: a write changes mtime and ctime, a replaced file has
// another inode number. It is good for one boot of the machine only, as a power cut may keep the inode's times and the stamp
// and lose the data. It does not guard against a medium that silently decays after the check (no stamp is believed for longer
// than STAMP_AGE_MS_MAX), nor against somebody else's write while ours are under way or, on kernels before 6.13, within the
// file system's clock tick of the stamp, a few milliseconds.
import { crc32 } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { file } from '../../libc/index.ts';

export const STAMP_BYTES = 64;
export const STAMP_AGE_MS_MAX = 7 * 24 * 3600 * 1000;

/** Identity, size and times of a file, comparable as text; undefined where stat fails. */
export function fileStamp(fd: number): string | undefined {
  if (file.statx(fd, EMPTY_PATH, file.AT_EMPTY_PATH, statxBytes) !== 0) return undefined;
  statxBytes.copy(stampBytes, 0, 32, 48); // ino, size
  statxBytes.copy(stampBytes, 16, 96, 108); // ctime
  statxBytes.copy(stampBytes, 28, 112, 124); // mtime
  return stampBytes.toString('latin1');
}

/** How long the file is; -1 where stat fails. */
export function fileSize(fd: number): number {
  if (file.statx(fd, EMPTY_PATH, file.AT_EMPTY_PATH, statxBytes) !== 0) return -1;
  return Number(statxBytes.readBigUInt64LE(40));
}

export function encodeStamp(stamp: string, verifiedMs: number, seed: number, boot = thisBoot()): Buffer {
  const bytes = Buffer.alloc(STAMP_BYTES);
  bytes.write(stamp, 0, FACTS_BYTES, 'latin1');
  bytes.writeDoubleLE(verifiedMs, FACTS_BYTES);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, STAMP_BYTES - 4), (seed ^ boot) >>> 0), STAMP_BYTES - 4);
  return bytes;
}

export function decodeStamp(
  bytes: Buffer,
  seed: number,
  boot = thisBoot(),
): { stamp: string; verifiedMs: number } | undefined {
  if (crc32(bytes.subarray(0, STAMP_BYTES - 4), (seed ^ boot) >>> 0) !== bytes.readUInt32LE(STAMP_BYTES - 4))
    return undefined;
  return { stamp: bytes.toString('latin1', 0, FACTS_BYTES), verifiedMs: bytes.readDoubleLE(FACTS_BYTES) };
}

const FACTS_BYTES = 40;
const EMPTY_PATH = Buffer.alloc(1);
const statxBytes = Buffer.alloc(file.STATX_BYTES);
const stampBytes = Buffer.alloc(FACTS_BYTES);

let boot: number | undefined;
/** A number that differs between boots of the machine; where the kernel does not tell, between processes. */
function thisBoot(): number {
  if (boot !== undefined) return boot;
  let id: string;
  try {
    id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
  } catch {
    id = `${process.pid} ${process.hrtime.bigint()}`;
  }
  return (boot = crc32(id));
}
