// What commands about caches print, and files to cache.
import type { Outcome } from './command-line.ts';
import type { TestMount } from './mounts.ts';

/** What is read here of a row of `evermount cache --json`. */
export interface CacheRow {
  readonly target: string;
  readonly source: string;
  readonly cacheFolder: string;
  readonly cachedBytes: number;
  readonly capacityBytes: number;
  readonly files?: number;
  readonly bytes?: number;
  readonly readBytes: number;
  readonly cacheHitRatio?: number;
  readonly store: {
    readonly evictedBytes: number;
    readonly damagedBlocks: number;
    readonly tiers: readonly { readonly medium: string; readonly path: string; readonly usedBytes: number }[];
  };
  readonly fetch: { readonly pid: number; readonly fetchedBytes: number };
  readonly loads: readonly object[];
}

export function jsonOf(outcome: Outcome): unknown {
  if (outcome.stdout === '') throw new Error(`Cannot read what was printed: nothing was. ${outcome.stderr}`);
  return JSON.parse(outcome.stdout);
}

/** The mount's row. */
export async function cacheOf(mount: TestMount): Promise<CacheRow> {
  const [row] = jsonOf(await mount.run('cache', '--json', mount.target)) as CacheRow[];
  if (row === undefined) throw new Error(`Cannot tell what is cached of "${mount.target}"`);
  return row;
}

/** Files named by a number in folders of ten, each of so many bytes. */
export function manyFiles(count: number, sizeBytes: number): Record<string, Buffer> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => [
      `folder-${Math.floor(at / 10)}/file-${at}`,
      Buffer.alloc(sizeBytes, `content of ${at} `),
    ]),
  );
}
