// The mounts of the dataset, kept beside the namespace: a master that is started without any knows them from before.
//
// Only what a MountSpec says is written: names of secret files, never what they hold. The file is replaced as a whole.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { writeFileAtomic } from '../../base/index.ts';
import type { MountSpec } from '../ufs/index.ts';
import { MasterError } from './errors.ts';

export interface KnownMounts {
  readonly mounts: readonly MountSpec[];
  /** There were others before: whatever is known of names may be wrong. */
  readonly changed: boolean;
}

/** Keeps `given`, or finds what was kept when nothing is given. Throws MasterError 'no-mounts' and 'damaged'. */
export function rememberMounts(metaDir: string, given: readonly MountSpec[] | undefined): KnownMounts {
  const path = join(metaDir, 'mounts.json');
  const kept = readMounts(path);
  if (given === undefined) {
    if (kept !== undefined) return { mounts: kept, changed: false };
    throw new MasterError(`Cannot start: no mounts are given, and "${metaDir}" knows none`, {
      code: 'no-mounts',
      metaDir,
    });
  }
  const mounts = given.map(plain);
  if (isDeepStrictEqual(mounts, kept)) return { mounts, changed: false };
  writeFileAtomic(path, `${JSON.stringify({ version: 1, mounts }, undefined, 2)}\n`, 0o600);
  return { mounts, changed: kept !== undefined };
}

function plain({ mountPoint, path, options, secretFiles }: MountSpec): MountSpec {
  return { mountPoint, path, options: { ...options }, secretFiles: { ...secretFiles } };
}

function readMounts(path: string): MountSpec[] | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw err;
  }
  const mounts = decodeMounts(text);
  if (mounts !== undefined) return mounts;
  throw new MasterError(
    `Cannot read the mounts "${path}": it is not what a master writes. Restore it from a copy, or remove it and give the mounts`,
    { code: 'damaged', path },
  );
}

function decodeMounts(text: string): MountSpec[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // Said by the caller, with advice.
  }
  if (!isObject(value) || value['version'] !== 1 || !Array.isArray(value['mounts'])) return undefined;
  const mounts = value['mounts'] as unknown[];
  return mounts.every(isMount) ? mounts.map(plain) : undefined;
}

function isMount(value: unknown): value is MountSpec {
  if (!isObject(value)) return false;
  const { mountPoint, path, options, secretFiles } = value;
  return typeof mountPoint === 'string' && typeof path === 'string' && isTexts(options) && isTexts(secretFiles);
}

function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((it) => typeof it === 'string');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
