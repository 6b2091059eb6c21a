// Directory entries as bytes: one record each, little-endian, so that a listing of millions costs no objects on its way.
//
//      0  u32  bytes of the record, this field included
//      4  u8   kind: 0 file, 1 folder, 2 link
//      5  u8   flags: 1 has POSIX attributes
//      6  u16  bytes of the name
//      8  u16  bytes of the version
//     10  u16  bytes of a link's target
//     12  f64  inode number
//     20  f64  size
//     28  f64  modification time in milliseconds
//    [36  u32  mode, uid, gid]
//         name, version, target
import type { UfsEntry } from '../../ufs/index.ts';
import { badAnswer, RpcError } from '../errors.ts';

export type WireEntry = Omit<UfsEntry, 'posix' | 'target' | 'ino'> & {
  readonly ino: number;
  readonly posix: UfsEntry['posix'] | undefined;
  readonly target: Buffer | undefined;
};

const HEAD_BYTES = 36;
const POSIX_BYTES = 12;
const KINDS = ['file', 'folder', 'link'] as const;
const HAS_POSIX = 1;
const FIELD_BYTES_MAX = 0xffff;
export const RECORD_BYTES_MAX = HEAD_BYTES + POSIX_BYTES + 3 * FIELD_BYTES_MAX;

/** Collects records in one buffer of fixed size. */
export class EntryWriter {
  readonly #bytes: Buffer;
  #at = 0;

  /** `sizeBytes` is raised to hold the largest record there can be. */
  constructor(sizeBytes: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(sizeBytes, RECORD_BYTES_MAX));
  }

  get lengthBytes(): number {
    return this.#at;
  }

  /** False when it does not fit any more. Throws RpcError for what no record can hold. */
  put(name: Buffer, entry: Omit<WireEntry, 'name'>): boolean {
    const { posix, target, version } = entry;
    const versionBytes = Buffer.byteLength(version);
    const targetBytes = target?.length ?? 0;
    if (Math.max(name.length, versionBytes, targetBytes) > FIELD_BYTES_MAX) throw tooLong(name);
    const head = HEAD_BYTES + (posix === undefined ? 0 : POSIX_BYTES);
    const record = head + name.length + versionBytes + targetBytes;
    const to = this.#bytes;
    const at = this.#at;
    if (at + record > to.length) return false;
    to.writeUInt32LE(record, at);
    to[at + 4] = KINDS.indexOf(entry.kind);
    to[at + 5] = posix === undefined ? 0 : HAS_POSIX;
    to.writeUInt16LE(name.length, at + 6);
    to.writeUInt16LE(versionBytes, at + 8);
    to.writeUInt16LE(targetBytes, at + 10);
    to.writeDoubleLE(entry.ino, at + 12);
    to.writeDoubleLE(entry.sizeBytes, at + 20);
    to.writeDoubleLE(entry.mtimeMs, at + 28);
    if (posix !== undefined) {
      to.writeUInt32LE(posix.mode, at + 36);
      to.writeUInt32LE(posix.uid, at + 40);
      to.writeUInt32LE(posix.gid, at + 44);
    }
    name.copy(to, at + head);
    to.write(version, at + head + name.length, 'utf8');
    target?.copy(to, at + head + name.length + versionBytes);
    this.#at = at + record;
    return true;
  }

  /** What was put since the last take. The memory is the writer's own: used again by the next put. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#at);
    this.#at = 0;
    return taken;
  }
}

/** The entries of whole records. Throws RpcError 'bad-answer', blaming `address`, for what is none. */
export function decodeEntries(bytes: Buffer, address: string): WireEntry[] {
  const entries: WireEntry[] = [];
  for (let at = 0; at < bytes.length;) {
    const record = bytes.length - at < HEAD_BYTES ? 0 : bytes.readUInt32LE(at);
    if (record < HEAD_BYTES || record > bytes.length - at) throw badAnswer(address, 'a listing with a cut entry');
    const entry = decodeEntry(bytes.subarray(at, at + record));
    if (typeof entry === 'string') throw badAnswer(address, `a listing with ${entry}`);
    entries.push(entry);
    at += record;
  }
  return entries;
}

function decodeEntry(record: Buffer): WireEntry | string {
  const kind = KINDS[record[4] ?? KINDS.length];
  const flags = record[5];
  if (kind === undefined || flags === undefined || flags > HAS_POSIX) return 'a record of an unknown kind';
  const head = HEAD_BYTES + (flags === HAS_POSIX ? POSIX_BYTES : 0);
  if (record.length < head) return `a record of ${record.length} bytes`;
  const nameEnd = head + record.readUInt16LE(6);
  const versionEnd = nameEnd + record.readUInt16LE(8);
  const targetEnd = versionEnd + record.readUInt16LE(10);
  if (targetEnd !== record.length) return 'a record that is longer or shorter than its fields';
  const ino = record.readDoubleLE(12);
  const sizeBytes = record.readDoubleLE(20);
  const mtimeMs = record.readDoubleLE(28);
  if (!isWhole(ino) || !isWhole(sizeBytes) || !Number.isFinite(mtimeMs)) return 'a number that is none';
  return {
    name: Buffer.from(record.subarray(head, nameEnd)),
    kind,
    ino,
    sizeBytes,
    mtimeMs,
    version: record.toString('utf8', nameEnd, versionEnd),
    posix:
      flags === HAS_POSIX
        ? { mode: record.readUInt32LE(36), uid: record.readUInt32LE(40), gid: record.readUInt32LE(44) }
        : undefined,
    target: kind === 'link' ? Buffer.from(record.subarray(versionEnd, targetEnd)) : undefined,
  };
}

function isWhole(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function tooLong(name: Buffer): RpcError {
  const why = `the entry "${name.subarray(0, 255).toString()}" is too long`;
  return new RpcError(`Cannot send a listing: ${why}`, { code: 'broken', why });
}
