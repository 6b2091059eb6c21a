// Finding a session by its target, without asking the target anything: it may be sick.
import { basename, dirname, join, resolve, sep } from 'node:path';
import { existsSync, readlinkSync, realpathSync } from 'node:fs';
import { readRecord, sessionFolder, sessionId, type SessionFolder, type SessionRecord } from '../recovery/index.ts';
import { mountAt, readMountinfo } from '../host/index.ts';

export interface FoundSession {
  target: string;
  folder: SessionFolder | undefined;
  record: SessionRecord | undefined;
}

/** The session mounted at the path. Only the path's parent is resolved; the path itself is looked up in the mount table. */
export function findSession(state: string, given: string): FoundSession {
  const target = absoluteTarget(given);
  const folder = sessionFolder(join(state, sessionId(target)));
  if (!existsSync(folder.path)) return { target, folder: undefined, record: undefined };
  try {
    return { target, folder, record: readRecord(folder.record) };
  } catch {
    return { target, folder, record: undefined }; // killed before it was written, or unreadable: the folder is still its own
  }
}

export interface PlaceInSession {
  session: FoundSession;
  /** Below the target: "" for the target itself. */
  path: string;
}

const LINKS_MAX = 40;

/**
 * The mount of ours that a path is in. Goes down from the root by what the mount table and links outside of mounts say, and
 * stops at the mount: what is below it is not asked. Undefined when the path leads into none.
 */
export function findSessionOf(state: string, given: string): PlaceInSession | undefined {
  const ours = new Set(readMountinfo().flatMap(({ type, target }) => (type === 'fuse.evermount' ? [target] : [])));
  let names = resolve(given).split(sep).filter(Boolean);
  let at = '/';
  for (let links = 0; ;) {
    if (ours.has(at)) return { session: findSession(state, at), path: names.join('/') };
    const [name, ...rest] = names;
    if (name === undefined) return undefined;
    const next = join(at, name);
    const link = ours.has(next) || links >= LINKS_MAX ? undefined : linkText(next);
    if (link !== undefined) links++;
    names = link === undefined ? rest : resolve(at, link).split(sep).filter(Boolean).concat(rest);
    at = link === undefined ? next : '/';
  }
}

function linkText(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // no link, or nothing at all
  }
}

function absoluteTarget(given: string): string {
  const path = resolve(given);
  if (path === '/' || mountAt(path) !== undefined) return path;
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}
