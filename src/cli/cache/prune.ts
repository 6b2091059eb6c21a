// The cache folders that no mount uses: found, removed, told.
import { dirname } from 'node:path';
import { formatBytes, formatTable } from '../../base/index.ts';
import { listSessions, readRecord } from '../../recovery/index.ts';
import { listCacheFolders, removeCacheFolder } from '../dataset/cache-folder.ts';
import { decodeDatasetConfig } from '../dataset/dataset-config.ts';

export interface Pruned {
  readonly path: string;
  readonly sources: readonly string[];
  readonly sizeBytes: number;
  readonly outcome: 'removed' | 'in use';
}

/** Looks into the given folder, and into those that the mounts of the state folder have theirs in. */
export async function pruneCaches(state: string, cacheDir: string): Promise<Pruned[]> {
  const dirs = new Set([cacheDir, ...cacheFoldersInUse(state).map((path) => dirname(path))]);
  const pruned: Pruned[] = [];
  for (const dir of dirs) {
    for (const { path, sources, sizeBytes } of await listCacheFolders(dir)) {
      if (cacheFoldersInUse(state).includes(path)) continue;
      const isRemoved = removeCacheFolder(path, () => cacheFoldersInUse(state).includes(path));
      pruned.push({ path, sources, sizeBytes, outcome: isRemoved ? 'removed' : 'in use' });
    }
  }
  return pruned;
}

export function prunedReport(pruned: readonly Pruned[]): string {
  const removed = pruned.filter(({ outcome }) => outcome === 'removed');
  const sum = removed.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0);
  const total = `Removed ${removed.length} cache folder${removed.length === 1 ? '' : 's'}, ${formatBytes(sum)}\n`;
  if (pruned.length === 0) return total;
  const table = formatTable(pruned, [
    { title: 'FOLDER', text: ({ path }) => path },
    { title: 'SOURCE', text: ({ sources }) => sources.join(' ') || '?' },
    { title: 'SIZE', text: ({ sizeBytes }) => formatBytes(sizeBytes), align: 'right' },
    { title: '', text: ({ outcome }) => outcome },
  ]);
  return `${table}\n${total}`;
}

function cacheFoldersInUse(state: string): string[] {
  return listSessions(state).flatMap((folder) => {
    try {
      const { sourceConfig } = readRecord(folder.record);
      return sourceConfig === '' ? [] : [decodeDatasetConfig(sourceConfig).cacheFolder];
    } catch {
      return []; // being made or removed; the cache's own lock is looked at too
    }
  });
}
