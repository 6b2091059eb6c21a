// Finding a session by its target, without asking the target anything: it may be sick.
import { resolve } from 'node:path';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, basename, join } from 'node:path';
import { readRecord, sessionFolder, sessionId, type SessionFolder, type SessionRecord } from '../recovery/index.ts';
import { mountAt } from '../host/index.ts';

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

function absoluteTarget(given: string): string {
  const path = resolve(given);
  if (path === '/' || mountAt(path) !== undefined) return path;
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}
