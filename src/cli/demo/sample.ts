// Which files the demo reads, and what they hold: taken from the source itself, before any mount is asked.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface SampleFile {
  /** Below the source. */
  path: string;
  sizeBytes: number;
  sha256: string;
}

export interface SampleLimits {
  readonly filesMax: number;
  readonly totalBytesMax: number;
  /** Smaller ones are left out, unless there is hardly anything else. */
  readonly fileBytesMin: number;
}

/** Enough to be real, little enough to be hashed within seconds on a slow disk. */
export const SAMPLE: SampleLimits = { filesMax: 4000, totalBytesMax: 256 * 1024 * 1024, fileBytesMin: 1 };
/** These are uploaded as well. More bytes than a daemon keeps in memory, so that it goes on fetching. */
export const SAMPLE_S3: SampleLimits = { filesMax: 1000, totalBytesMax: 160 * 1024 * 1024, fileBytesMin: 64 * 1024 };
/** Fewer are hardly anything. */
const FILES_MIN = 100;
const FILE_BYTES_MAX = 8 * 1024 * 1024;
const WALK_MAX = 40_000;

/** Regular files of the source, spread evenly over it, with the SHA-256 of each. Files that cannot be read are left out. */
export function takeSample(source: string, limits: SampleLimits): SampleFile[] {
  const { filesMax, totalBytesMax, fileBytesMin } = limits;
  const all = walk(source);
  const large = fileBytesMin <= 1 ? all : all.filter((path) => sizeOf(join(source, path)) >= fileBytesMin);
  const found = large.length >= FILES_MIN ? large : all;
  const every = Math.max(1, found.length / filesMax);
  const sample: SampleFile[] = [];
  let totalBytes = 0;
  for (let at = 0; at < found.length && totalBytes < totalBytesMax; at += every) {
    const path = found[Math.floor(at)];
    const file = path === undefined ? undefined : hashFile(source, path);
    if (file === undefined) continue;
    sample.push(file);
    totalBytes += file.sizeBytes;
  }
  return sample;
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Paths of regular files below the folder; symbolic links are not followed. */
function walk(source: string): string[] {
  const files: string[] = [];
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined && files.length < WALK_MAX; folder = folders.pop()) {
    for (const entry of entriesOf(join(source, folder))) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile()) files.push(path);
    }
  }
  return files;
}

function entriesOf(folder: string): ReturnType<typeof listFolder> {
  try {
    return listFolder(folder);
  } catch {
    return []; // not ours to look into, or gone: there are others
  }
}

function listFolder(folder: string) {
  return readdirSync(folder, { withFileTypes: true });
}

function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0; // gone meanwhile
  }
}

function hashFile(source: string, path: string): SampleFile | undefined {
  try {
    const { size } = statSync(join(source, path));
    if (size === 0 || size > FILE_BYTES_MAX) return undefined;
    const bytes = readFileSync(join(source, path));
    return { path, sizeBytes: bytes.length, sha256: sha256Of(bytes) };
  } catch {
    return undefined; // not ours to read, or a name that is no text
  }
}
