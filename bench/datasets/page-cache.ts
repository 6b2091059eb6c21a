// The state of the machine's memory before a measurement: what is read from disk there, and what is not.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, writeFileSync } from 'node:fs';

const DROP = '/proc/sys/vm/drop_caches';

/** Why the page cache cannot be dropped here, if so. */
export function whyNoDrop(): string | undefined {
  try {
    accessSync(DROP, constants.W_OK);
    return undefined;
  } catch {
    return `${DROP} cannot be written: it takes root`;
  }
}

/** Nothing of any file is in memory afterwards, of any mount's either. */
export function dropCaches(): void {
  spawnSync('sync');
  writeFileSync(DROP, '3');
}

/** All of the folder is in memory afterwards, as far as there is memory. */
export function readIntoMemory(folder: string): void {
  const { status } = spawnSync('sh', ['-c', 'find "$1" -type f -print0 | xargs -0 cat >/dev/null', 'sh', folder]);
  if (status !== 0) throw new Error(`Cannot read ${folder} into memory`);
}
