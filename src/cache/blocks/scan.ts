// What a path has on disk, found out in the background in small steps, while the store already serves.
//
// Leftovers of a killed process are removed on the way: files half made or half removed, data without a sidecar.
import { lstat, readdir, unlink } from 'node:fs/promises';
import { existsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { OBJECT_ID_BYTES } from '../ufs/index.ts';
import type { TierPath } from './tier-path.ts';

export interface Found {
  readonly object: string;
  readonly index: number;
  readonly isSmall: boolean;
  readonly usedBytes: number;
  readonly lastUsedMs: number;
}

/** How many files are asked about at once. */
const STEP = 32;
const ID_CHARS = 2 * OBJECT_ID_BYTES;
const NAME = new RegExp(`^([0-9a-f]{${ID_CHARS}})-(0|[1-9][0-9]{0,9})(|[.]data|[.]sum|[.]new|[.]gone)$`);

/**
 * Tells every segment of the path. `isKnown` says what this process has itself made or found meanwhile: such files are not
 * touched. False when it could not see everything.
 */
export async function scanPath(
  path: TierPath,
  isKnown: (object: string, index: number) => boolean,
  found: (segment: Found) => void,
  signal: AbortSignal,
): Promise<boolean> {
  let isWhole = true;
  for (let folder = 0; folder < 16; folder++) {
    const at = join(path.folder, folder.toString(16));
    const names = await readdir(at).catch((err: unknown) => {
      isWhole &&= (err as NodeJS.ErrnoException).code === 'ENOENT';
      return [];
    });
    for (let from = 0; from < names.length; from += STEP) {
      if (signal.aborted) return false;
      await Promise.all(names.slice(from, from + STEP).map((name) => look(at, name, isKnown, found)));
    }
  }
  return isWhole;
}

async function look(
  folder: string,
  name: string,
  isKnown: (object: string, index: number) => boolean,
  found: (segment: Found) => void,
): Promise<void> {
  const [, object = '', indexText = '', suffix] = NAME.exec(name) ?? [];
  if (suffix === undefined) return;
  const at = join(folder, name);
  if (suffix === '.new' || suffix === '.gone') {
    await unlink(at).catch(ignore);
    return;
  }
  const index = Number(indexText);
  if (isKnown(object, index)) return;
  if (suffix === '.data') {
    // In one step, so that nobody makes the sidecar in between.
    if (!existsSync(`${at.slice(0, -suffix.length)}.sum`)) ignoreErrors(() => unlinkSync(at));
    return;
  }
  const stat = await lstat(at).catch(ignore);
  const data = suffix === '' ? undefined : await lstat(`${at.slice(0, -suffix.length)}.data`).catch(ignore);
  if (stat === undefined) return;
  const usedBytes = 512 * (stat.blocks + (data?.blocks ?? 0));
  found({ object, index, isSmall: suffix === '', usedBytes, lastUsedMs: stat.mtimeMs });
}

/** Gone already, or cannot be removed now: the next scan tries again. */
function ignore(): undefined {
  return undefined;
}

function ignoreErrors(call: () => void): void {
  try {
    call();
  } catch {
    ignore();
  }
}
