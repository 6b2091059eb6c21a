// The folders below a cache folder, one for each source and target: what they are of, how large, whether somebody uses them.
import { closeSync, existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic, type Logger } from '../../base/index.ts';
import { cString, file } from '../../libc/index.ts';
import type { DatasetConfig } from './dataset-config.ts';

export interface CacheFolder {
  readonly path: string;
  /** The addresses of what is cached; empty when the folder does not tell. */
  readonly sources: readonly string[];
  readonly sizeBytes: number;
  readonly changedMs: number;
}

const NAME = /^[0-9a-f]{16}(\.gone)?$/;
const NOTE = 'source.json';

/** For people who wonder later what this folder is of. */
export function writeNote(config: Pick<DatasetConfig, 'cacheFolder' | 'mounts'>, log: Logger): void {
  const path = join(config.cacheFolder, NOTE);
  const text = `${JSON.stringify({ sources: config.mounts.map(({ mountPoint }) => mountPoint) })}\n`;
  try {
    if (!existsSync(path)) writeFileAtomic(path, text, 0o600);
  } catch (err) {
    log.warn('the cache folder cannot be labelled', { path, error: err });
  }
}

/** Those of ours in the folder, others are not looked at. */
export async function listCacheFolders(cacheDir: string): Promise<CacheFolder[]> {
  const entries = await readdir(cacheDir, { withFileTypes: true }).catch((err: unknown) => {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw err;
  });
  const found: CacheFolder[] = [];
  for (const entry of entries) {
    const path = join(cacheDir, entry.name);
    if (!entry.isDirectory() || !NAME.test(entry.name)) continue;
    if (!existsSync(join(path, 'blocks')) && !existsSync(join(path, 'meta')) && !entry.name.endsWith('.gone')) continue;
    const { mtimeMs } = statSync(existsSync(join(path, 'meta')) ? join(path, 'meta') : path);
    found.push({ path, sources: readNote(path), sizeBytes: await sizeOf(path), changedMs: mtimeMs });
  }
  return found;
}

/**
 * Removes the folder unless `isWanted` or a process keeps its cache there; false then. Out of the way in one step: whoever
 * mounts meanwhile begins a new one, and what is left of an interrupted removal is removed next time.
 */
export function removeCacheFolder(path: string, isWanted: () => boolean): boolean {
  const lock = join(path, 'blocks', 'evermount-blocks', 'lock');
  const fd = file.open(cString(lock), file.O_NOFOLLOW | 2); // O_RDWR
  try {
    // Looked at with the lock in hand: a mount that is being made has written down its session before it takes the lock.
    if ((fd >= 0 && !file.tryLock(fd)) || isWanted()) return false;
    const gone = path.endsWith('.gone') ? path : `${path}.gone`;
    if (gone !== path) {
      rmSync(gone, { recursive: true, force: true });
      renameSync(path, gone);
    }
    rmSync(gone, { recursive: true, force: true });
    return true;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}

function readNote(path: string): string[] {
  try {
    const { sources } = JSON.parse(readFileSync(join(path, NOTE), 'utf8')) as { sources?: unknown };
    return Array.isArray(sources) ? sources.filter((each) => typeof each === 'string') : [];
  } catch {
    return []; // made before there were notes, or half made
  }
}

/** What it takes on disk. What goes away meanwhile counts for nothing. */
async function sizeOf(folder: string): Promise<number> {
  let blocks = 0;
  const folders = [folder];
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    for (const entry of await readdir(at, { withFileTypes: true }).catch(() => [])) {
      const path = join(at, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else blocks += (await lstat(path).catch(() => undefined))?.blocks ?? 0;
    }
  }
  return blocks * 512;
}
