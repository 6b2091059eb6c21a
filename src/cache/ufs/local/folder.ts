// The entries of one open folder, a buffer of names at a time.
import { E, errno, file } from '../../../libc/index.ts';
import type { UfsEntry } from '../ufs.ts';
import { entryAt } from './attributes.ts';

/** Some thousand names; one for all, since it is used up before anything else runs. */
const records = Buffer.alloc(40 * 1024);
const NAME_AT = 19;

export interface Batch {
  readonly entries: UfsEntry[];
  /** Devices, pipes and sockets. */
  readonly skipped: number;
}

/** The next entries, undefined at the end, or an errno. A name that vanishes meanwhile is left out. */
export function readBatch(fd: number): Batch | undefined | number {
  const count = file.getdents(fd, records, records.length);
  if (count < 0) return errno();
  if (count === 0) return undefined;
  const entries: UfsEntry[] = [];
  let skipped = 0;
  for (let at = 0; at < count; at += records.readUInt16LE(at + 16)) {
    const end = records.indexOf(0, at + NAME_AT);
    const raw = records.subarray(at + NAME_AT, end);
    if (isDots(raw)) continue;
    const entry = entryAt(fd, records.subarray(at + NAME_AT, end + 1), Buffer.from(raw));
    if (entry === undefined) skipped += 1;
    else if (typeof entry !== 'number') entries.push(entry);
    else if (entry !== E.ENOENT) return entry;
  }
  return { entries, skipped };
}

function isDots(name: Buffer): boolean {
  return name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e));
}
