// Which objects a path of the dataset stands for, given away in batches to whoever lets go of them.
import { objectRef } from '../ufs/index.ts';
import { filesBelow, type Names } from './names.ts';
import { findEntry } from './resolve.ts';

/** Lets go of objects by their ids; undefined: of all there are. Returns bytes freed. */
export type Evict = (objects: readonly string[] | undefined) => Promise<number>;

const BATCH = 1000;

/** Forgets what is cached of a file, or of all files below a folder; the empty path is everything. Returns bytes freed. */
export async function evictBelow(names: Names, path: Buffer, evict: Evict, signal: AbortSignal): Promise<number> {
  if (path.length === 0) return evict(undefined);
  const entry = await findEntry(names, path);
  if (entry?.kind === 'file') return evict([objectRef(path, entry.version, entry.sizeBytes).id]);
  if (entry?.kind !== 'folder') return 0;
  let freedBytes = 0;
  let batch: string[] = [];
  for await (const found of filesBelow(names, entry.ino, path, (work) => work())) {
    signal.throwIfAborted();
    batch.push(objectRef(found.path, found.entry.version, found.entry.sizeBytes).id);
    if (batch.length < BATCH) continue;
    freedBytes += await evict(batch);
    batch = [];
  }
  return batch.length === 0 ? freedBytes : freedBytes + (await evict(batch));
}
