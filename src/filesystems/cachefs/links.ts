// Which symbolic links of a dataset can be read: only those that cannot lead out of it, wherever it is mounted.
import { ERRNO } from '../../fuse/protocol/index.ts';

/**
 * The target as it is, or EACCES. ".." is taken only at its beginning and never above the root: behind a name, which may be
 * a link itself, nobody knows where ".." leads.
 */
export function presentLink(target: Buffer, depth: number): Buffer | number {
  if (target.length === 0 || target[0] === 0x2f) return ERRNO.EACCES;
  let up = 0;
  let named = false;
  for (const part of target.toString('latin1').split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') named = true;
    else if (named) return ERRNO.EACCES;
    else up++;
  }
  return up > depth ? ERRNO.EACCES : target;
}
