// Where sessions keep their record, sockets and log.
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../base/index.ts';

export interface SessionFolder {
  readonly path: string;
  readonly record: string;
  readonly vaultSocket: string;
  readonly supervisorSocket: string;
  readonly log: string;
}

export type FolderFault = { code: 'state-folder-unsafe'; path: string; why: string };
export class FolderError extends Fault<FolderFault> {}

/** EVERMOUNT_STATE_DIR, else /run/evermount for root and $XDG_RUNTIME_DIR/evermount or /tmp/evermount-UID for users. */
export function stateFolder(env: NodeJS.ProcessEnv, uid: number): string {
  if (env['EVERMOUNT_STATE_DIR'] !== undefined && env['EVERMOUNT_STATE_DIR'] !== '') return env['EVERMOUNT_STATE_DIR'];
  if (uid === 0) return '/run/evermount';
  const runtime = env['XDG_RUNTIME_DIR'];
  return runtime !== undefined && runtime !== '' ? join(runtime, 'evermount') : `/tmp/evermount-${uid}`;
}

/** Makes the folder if need be. Throws FolderError if others own it or may write to it: sockets and records there are trusted. */
export function ensurePrivateFolder(path: string, uid: number): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const found = lstatSync(path);
  const why = !found.isDirectory()
    ? 'it is no folder'
    : found.uid !== uid
      ? `user ${found.uid} owns it`
      : (found.mode & 0o022) !== 0
        ? 'others may write to it'
        : undefined;
  if (why !== undefined)
    throw new FolderError(`Cannot keep state in "${path}": ${why}`, { code: 'state-folder-unsafe', path, why });
}

/** One session for one target: its name is made from the target's path. */
export function sessionId(target: string): string {
  return createHash('sha256').update(target).digest('hex').slice(0, 16);
}

export function sessionFolder(path: string): SessionFolder {
  return {
    path,
    record: join(path, 'session.json'),
    vaultSocket: join(path, 'vault.sock'),
    supervisorSocket: join(path, 'supervisor.sock'),
    log: join(path, 'log'),
  };
}

/** Every session folder below the state folder, alive or left over. */
export function listSessions(state: string): SessionFolder[] {
  try {
    return readdirSync(state, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && /^[0-9a-f]{16}$/.test(entry.name))
      .map((entry) => sessionFolder(join(state, entry.name)));
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw err;
  }
}
