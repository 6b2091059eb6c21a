// Files that are read by whoever comes after a crash: a reader finds the old content or the new, never a part.

import { randomBytes } from 'node:crypto';
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Replaces the file (or creates it); afterwards it holds exactly `data`, has exactly `mode` and is on disk.
 * On failure throws the error of the file system, leaves the old file as it was and removes the temporary one.
 * A symbolic link at `path` is replaced, not followed. Synchronous: its callers have nothing else to do meanwhile.
 */
export function writeFileAtomic(path: string, data: string | Uint8Array, mode: number): void {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const fd = openSync(temporary, 'wx', mode);
  try {
    try {
      fchmodSync(fd, mode); // The umask may have taken bits away.
      writeFileSync(fd, data);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (err) {
    rmSync(temporary, { force: true });
    throw err;
  }
  syncFolder(folder);
}

/** The rename itself survives a power cut only once the folder is on disk. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
