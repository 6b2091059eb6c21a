// One storage at its place in a dataset. The version of each of its files begins with a hash of the storage's identity, so
// another storage mounted at the same path never passes for the one before it.
import { createHash } from 'node:crypto';
import { UfsError } from './errors.ts';
import { pathText, splitPath } from './paths.ts';
import type { Ufs, UfsEntry } from './ufs.ts';

const HASH_DIGITS = 8;
const ROOT = Buffer.alloc(0);

export interface MountedUfs {
  /** "/" or "/name" or "/name/name". */
  readonly path: string;
  readonly ufs: Ufs;
}

export interface Mount {
  readonly path: Buffer;
  readonly ufs: Ufs;
  /** What the version of each of its files begins with. */
  readonly prefix: string;
}

/** Throws 'bad-config' for a path that is none. */
export function mountOf({ path, ufs }: MountedUfs): Mount {
  const bytes = path === '/' ? ROOT : Buffer.from(path.slice(1));
  if (!path.startsWith('/') || splitPath(bytes) === undefined)
    throw badConfig(`"${path}" is no path to mount at: it begins with "/", and has no "/" at its end`);
  const hash = createHash('sha256').update(ufs.identity).digest('hex').slice(0, HASH_DIGITS);
  return { path: bytes, ufs, prefix: `${hash}-` };
}

/** Its entry as the dataset shows it. */
export function shown(entry: UfsEntry, mount: Mount): UfsEntry {
  return entry.kind === 'file' ? { ...entry, version: `${mount.prefix}${entry.version}` } : entry;
}

/** The version as the storage itself knows it; undefined when it is another storage's. */
export function ownVersion(version: string, mount: Mount): string | undefined {
  return version.startsWith(mount.prefix) ? version.slice(mount.prefix.length) : undefined;
}

export function changed(path: Buffer, version: string): UfsError {
  const text = pathText(path);
  const message = `Cannot read "${text}": it is not the version "${version}" any more`;
  return new UfsError(message, { code: 'changed', path: text, version });
}

export function badConfig(what: string): UfsError {
  return new UfsError(`Cannot mount under storages: ${what}`, { code: 'bad-config', what });
}
