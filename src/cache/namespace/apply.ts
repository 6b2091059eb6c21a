// Brings one name up to what the storage says of it, within a transaction, and notes what that changed.
//
// The number of a name stays for as long as the name is the same kind of thing, whatever its version; another kind of thing
// under the name is one removed and one added.
import type { UfsEntry } from '../ufs/index.ts';
import type { Change, Entry } from './namespace.ts';
import type { Known, Said } from './record.ts';
import type { News, Tables } from './tables.ts';
import type { Writer } from './writer.ts';

/** What a transaction changed. Told to the listener, and to the totals, once it is committed. */
export interface Found {
  readonly changes: Change[];
  /** Files and bytes more (or fewer) than were known. */
  files: number;
  bytes: number;
  /** Folders that are gone; what was known below them is not yet. */
  readonly gone: number[];
}

export function nothingFound(): Found {
  return { changes: [], files: 0, bytes: 0, gone: [] };
}

/** A name that nothing was known of. */
export function addName(
  writer: Writer,
  found: Found,
  folder: number,
  seen: UfsEntry,
  said: Said,
  news: News,
): number | undefined {
  const known = knownOf(writer, folder, seen, seen.ino ?? writer.nextIno(), said);
  if (!writer.add(folder, seen.name, known)) return undefined;
  if (news === 'told') found.changes.push({ folder, name: seen.name, ino: known.ino, what: 'added' });
  if (news !== 'none') comesNew(writer, found, known);
  return known.ino;
}

/** A name of which `known` is known. Returns its number. `confirm`: writes down that it was asked, even if nothing changed. */
export function updateName(
  writer: Writer,
  found: Found,
  folder: number,
  known: Known,
  seen: UfsEntry,
  said: Said,
  confirm: boolean,
): number {
  const { name } = seen;
  if (known.kind !== seen.kind || (seen.ino !== undefined && seen.ino !== known.ino)) {
    const next = knownOf(writer, folder, seen, seen.ino ?? writer.nextIno(), said);
    forget(writer, found, folder, name, known);
    writer.replace(folder, name, next, true);
    found.changes.push({ folder, name, ino: next.ino, what: 'added' });
    comesNew(writer, found, next);
    return next.ino;
  }
  const differs = !isSame(known, seen);
  const next = differs ? knownOf(writer, folder, seen, known.ino, said) : confirm ? { ...known, ...said } : known;
  if (differs || next.checkedAtMs !== known.checkedAtMs || next.era !== known.era)
    writer.replace(folder, name, next, false);
  if (differs) {
    found.changes.push({ folder, name, ino: known.ino, what: 'changed' });
    count(found, known, -1);
    count(found, next, 1);
  }
  return known.ino;
}

export function removeName(writer: Writer, found: Found, folder: number, name: Buffer, known: Known): void {
  forget(writer, found, folder, name, known);
  writer.remove(folder, name);
}

/** Takes up to `namesMax` names from below folders that are gone, and folders off the list that have none left. */
export function forgetBelow(tables: Tables, writer: Writer, found: Found, gone: number[], namesMax: number): void {
  for (let left = namesMax; left > 0;) {
    const folder = gone.pop();
    if (folder === undefined) return;
    const doomed = [];
    for (const one of tables.namesOf(folder)) {
      if (doomed.push(one) >= left) break;
    }
    for (const { name, known } of doomed) removeName(writer, found, folder, name, known);
    if (doomed.length >= left) gone.push(folder);
    else writer.emptied(folder);
    gone.push(...found.gone.splice(0));
    left -= doomed.length + 1;
  }
}

function forget(writer: Writer, found: Found, folder: number, name: Buffer, known: Known): void {
  writer.noteGone(known.ino, known.kind === 'folder');
  found.changes.push({ folder, name, ino: known.ino, what: 'removed' });
  count(found, known, -1);
  if (known.kind !== 'folder') return;
  found.gone.push(known.ino);
}

function comesNew(writer: Writer, found: Found, known: Known): void {
  count(found, known, 1);
  if (known.kind === 'folder') writer.setFolderNew(known.ino);
}

function count(found: Found, entry: Entry, times: 1 | -1): void {
  if (entry.kind !== 'file') return;
  found.files += times;
  found.bytes += times * entry.sizeBytes;
}

function knownOf(writer: Writer, folder: number, seen: UfsEntry, ino: number, said: Said): Known {
  const { kind, sizeBytes, mtimeMs, version, posix, target, name } = seen;
  const { checkedAtMs, era } = said;
  const objectWords = kind === 'file' ? writer.objectWords(folder, name, version, sizeBytes) : undefined;
  return { ino, kind, sizeBytes, mtimeMs, version, posix, target, objectWords, checkedAtMs, era };
}

function isSame(known: Known, seen: UfsEntry): boolean {
  return (
    known.version === seen.version &&
    known.sizeBytes === seen.sizeBytes &&
    known.mtimeMs === seen.mtimeMs &&
    known.posix?.mode === seen.posix?.mode &&
    known.posix?.uid === seen.posix?.uid &&
    known.posix?.gid === seen.posix?.gid &&
    (known.target === undefined ? seen.target === undefined : seen.target?.equals(known.target) === true)
  );
}
