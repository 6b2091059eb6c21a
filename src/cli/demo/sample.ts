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

/** Enough to be real, little enough to be hashed within seconds on a slow disk. */
const FILES_MAX = 4000;
const FILE_BYTES_MAX = 8 * 1024 * 1024;
const TOTAL_BYTES_MAX = 256 * 1024 * 1024;
const WALK_MAX = 40_000;

/** Regular files of the source, spread evenly over it, with the SHA-256 of each. Files that cannot be read are left out. */
export function takeSample(source: string): SampleFile[] {
  const found = walk(source);
  const every = Math.max(1, found.length / FILES_MAX);
  const sample: SampleFile[] = [];
  let totalBytes = 0;
  for (let at = 0; at < found.length && totalBytes < TOTAL_BYTES_MAX; at += every) {
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
