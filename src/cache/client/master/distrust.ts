// From what the feed of changes tells to what a namespace is told: these names are to be asked for again.
import { ROOT_INO, type Change, type Namespace } from '../../namespace/index.ts';
import type { NameChange } from '../../rpc/master/index.ts';

export type Distrusting = Pick<Namespace, 'known' | 'invalidate'>;

const SLASH = 0x2f;

/**
 * What is known of these names ('resync': of every name) is asked for again on its next use. A name in a folder that is not
 * known needs nothing: whoever comes there asks anyway. Returns those that are known of, as the namespace numbers them.
 */
export function distrustNames(namespace: Distrusting, changes: readonly NameChange[] | 'resync'): Change[] {
  if (changes === 'resync') {
    namespace.invalidate('all');
    return [];
  }
  const told: Change[] = [];
  for (const { path, what } of changes) {
    const at = path.lastIndexOf(SLASH);
    const folder = at < 0 ? ROOT_INO : knownFolder(namespace, path.subarray(0, at));
    if (folder === undefined) continue;
    const name = path.subarray(at + 1);
    const ino = namespace.known(folder, name)?.ino ?? 0;
    namespace.invalidate({ folder, name });
    told.push({ folder, name, ino, what });
  }
  return told;
}

function knownFolder(namespace: Distrusting, path: Buffer): number | undefined {
  let folder = ROOT_INO;
  for (let from = 0; from <= path.length;) {
    const slash = path.indexOf(SLASH, from);
    const end = slash < 0 ? path.length : slash;
    const entry = namespace.known(folder, path.subarray(from, end));
    if (entry?.kind !== 'folder') return undefined;
    folder = entry.ino;
    from = end + 1;
  }
  return folder;
}
