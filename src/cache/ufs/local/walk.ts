// Everything below a folder: depth first, one descriptor per level, no more in memory than a batch of names per level.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { file } from '../../../libc/index.ts';
import { joinPath } from '../paths.ts';
import type { UfsEntry, UfsWalkEntry, UfsWalkPage } from '../ufs.ts';
import { failed, isNothing } from './errors.ts';
import { readBatch } from './folder.ts';
import { openBelow } from './open-below.ts';

const PAGE_ENTRIES = 1000;
const PATH_BYTES_MAX = 4095;

interface Level {
  readonly fd: number;
  readonly path: Buffer;
  /** Its own entry; undefined for the folder that is walked. */
  readonly self: UfsEntry | undefined;
  /** Folders found in it and not yet entered. */
  folders: UfsEntry[];
  isEmpty: boolean;
}

/** Takes the descriptor and closes it. Throws 'denied' for a folder that cannot be read: a walk that leaves out says so. */
export async function* walkBelow(rootFd: number, signal?: AbortSignal): AsyncGenerator<UfsWalkPage> {
  const levels: Level[] = [{ fd: rootFd, path: Buffer.alloc(0), self: undefined, folders: [], isEmpty: true }];
  let entries: UfsWalkEntry[] = [];
  let skipped = 0;
  try {
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      signal?.throwIfAborted();
      const next = level.folders.pop();
      if (next !== undefined) {
        const below = enter(level, next);
        if (below === 'too-deep') skipped += 1;
        else if (below !== 'gone') levels.push(below);
        continue;
      }
      const batch = readBatch(level.fd);
      if (typeof batch === 'number') throw failed('walk', level.path, batch);
      if (batch === undefined) {
        levels.pop();
        file.close(level.fd);
        if (level.isEmpty && level.self !== undefined) entries.push({ path: level.path, entry: level.self });
      } else {
        skipped += batch.skipped;
        for (const entry of batch.entries) {
          level.isEmpty = false;
          if (entry.kind === 'folder') level.folders.push(entry);
          else entries.push({ path: joinPath(level.path, entry.name), entry });
        }
      }
      if (entries.length < PAGE_ENTRIES) continue;
      yield { entries, skipped };
      entries = [];
      skipped = 0;
      await nextTurn(); // others of this process have their turn, however fast the disk
    }
    if (entries.length > 0 || skipped > 0) yield { entries, skipped };
  } finally {
    for (const { fd } of levels) file.close(fd);
  }
}

function enter(level: Level, self: UfsEntry): Level | 'gone' | 'too-deep' {
  const path = joinPath(level.path, self.name);
  if (path.length > PATH_BYTES_MAX) return 'too-deep';
  const fd = openBelow(level.fd, self.name, file.O_DIRECTORY | file.O_NOFOLLOW);
  if (fd >= 0) return { fd, path, self, folders: [], isEmpty: true };
  if (isNothing(-fd)) return 'gone';
  throw failed('walk', path, -fd);
}
