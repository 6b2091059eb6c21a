// From a path to what the namespace has there. Folders on the way are taken as they are known; only the last name is asked
// for anew where the policy says so.
import { ROOT_INO, type Entry, type Eventually } from '../namespace/index.ts';
import type { Names } from './names.ts';

type Known = Pick<Names, 'lookup' | 'known'>;

/** Where a path leads: the folder that holds its last name, or the root itself. */
export interface Place {
  readonly folder: number;
  /** Empty for the root. */
  readonly name: Buffer;
}

const SLASH = 0x2f;

/** Undefined when a folder on the way is not there. Throws UfsError as lookup() does. */
export function findPlace(names: Known, path: Buffer): Eventually<Place | undefined> {
  let folder = ROOT_INO;
  let from = 0;
  for (let at = path.indexOf(SLASH); at >= 0; at = path.indexOf(SLASH, from)) {
    const name = path.subarray(from, at);
    const known = names.known(folder, name);
    if (known === undefined) return findPlaceSlowly(names, folder, path, from);
    if (known.kind !== 'folder') return undefined;
    folder = known.ino;
    from = at + 1;
  }
  return { folder, name: path.subarray(from) };
}

async function findPlaceSlowly(names: Known, start: number, path: Buffer, startAt: number): Promise<Place | undefined> {
  let folder = start;
  let from = startAt;
  for (let at = path.indexOf(SLASH, from); at >= 0; at = path.indexOf(SLASH, from)) {
    const entry = await names.lookup(folder, path.subarray(from, at));
    if (entry?.kind !== 'folder') return undefined;
    folder = entry.ino;
    from = at + 1;
  }
  return { folder, name: path.subarray(from) };
}

/** Undefined when there is nothing. Throws UfsError as lookup() does. */
export function findEntry(names: Known, path: Buffer): Eventually<Entry | undefined> {
  if (path.length === 0) return ROOT;
  const place = findPlace(names, path);
  if (place instanceof Promise) return place.then((it) => it && names.lookup(it.folder, it.name));
  return place && names.lookup(place.folder, place.name);
}

/** The number of a folder; undefined when there is none at that path. */
export async function findFolder(names: Known, path: Buffer): Promise<number | undefined> {
  if (path.length === 0) return ROOT_INO;
  const entry = await findEntry(names, path);
  return entry?.kind === 'folder' ? entry.ino : undefined;
}

export const ROOT: Entry = {
  ino: ROOT_INO,
  kind: 'folder',
  sizeBytes: 0,
  mtimeMs: 0,
  version: '',
  posix: undefined,
  target: undefined,
};

/** Has the path asked for anew on its next use. */
export async function distrust(names: Known & Pick<Names, 'invalidate'>, path: Buffer): Promise<void> {
  const place = await findPlace(names, path);
  if (place !== undefined && path.length > 0) names.invalidate(place);
}
