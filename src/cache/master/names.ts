// What the master needs of a namespace, and a walk over it that holds no more than a page.
import type { Entry, GiveEntry, Namespace } from '../namespace/index.ts';

export type Names = Pick<Namespace, 'lookup' | 'known' | 'list' | 'refresh' | 'invalidate'>;

export interface FoundFile {
  readonly path: Buffer;
  readonly entry: Entry;
}

const PAGE_MAX = 256;

/** Runs the work, perhaps several times. */
export type Attempt = <T>(work: () => Promise<T>) => Promise<T>;

interface Page {
  readonly found: readonly FoundFile[];
  /** Undefined: this was the last one. */
  readonly next: number | undefined;
}

/** Every file below a folder (`path` names it), folder by folder. Throws UfsError where a folder cannot be listed. */
export async function* filesBelow(
  names: Pick<Names, 'list'>,
  ino: number,
  path: Buffer,
  attempt: Attempt,
): AsyncIterable<FoundFile> {
  const folders = [{ ino, path }];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const { ino: at, path: inFolder } = folder;
    for (let cookie: number | undefined = 0; cookie !== undefined;) {
      const from: number = cookie;
      const page: Page = await attempt(() => readPage(names, at, inFolder, from));
      for (const found of page.found) {
        if (found.entry.kind === 'file') yield found;
        else if (found.entry.kind === 'folder') folders.push({ ino: found.entry.ino, path: found.path });
      }
      cookie = page.next;
    }
  }
}

async function readPage(names: Pick<Names, 'list'>, ino: number, path: Buffer, from: number): Promise<Page> {
  const found: FoundFile[] = [];
  let last = from;
  let next: number | undefined;
  const give: GiveEntry = (name, entry, cookie) => {
    if (found.length >= PAGE_MAX) {
      next = last;
      return false;
    }
    found.push({ path: joinPath(path, name), entry });
    last = cookie;
    return true;
  };
  await names.list(ino, from, give);
  return { found, next };
}

export function joinPath(folder: Buffer, name: Buffer): Buffer {
  return folder.length === 0 ? Buffer.from(name) : Buffer.concat([folder, SLASH, name]);
}

const SLASH = Buffer.from('/');
