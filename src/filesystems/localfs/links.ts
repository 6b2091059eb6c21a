// Symbolic links of the source, by policy. The daemon follows none; this decides what readers are told a link says.
//
// raw:    the link's text as it is; the reader's kernel resolves it in the reader's own view of the file tree.
// inside: only links that stay inside the source: relative ones as they are, absolute ones into the source made relative;
//         a link that leaves the source cannot be read (EACCES), so it cannot be followed.
import { E, errno, file } from '../../libc/index.ts';

export const LINK_POLICIES = ['inside', 'raw'] as const;
export type LinkPolicy = (typeof LINK_POLICIES)[number];

const SLASH = 0x2f;

/**
 * What a reader is told the link `target`, standing in the folder `folderPath` (below the root, '.' for the root), says.
 * `sourcePath` is the source's own absolute path. Returns a negative errno for a link that leaves the source.
 */
export function presentLink(
  policy: LinkPolicy,
  rootFd: number,
  sourcePath: string,
  folderPath: Buffer,
  target: Buffer,
): Buffer | number {
  if (policy === 'raw') return target;
  const relative = target[0] === SLASH ? insideSource(sourcePath, target) : undefined;
  if (target[0] === SLASH && relative === undefined) return -E.EACCES;
  const depth = folderPath.equals(DOT) ? 0 : folderPath.reduce((count, byte) => count + Number(byte === SLASH), 1);
  const shown = relative === undefined ? target : Buffer.concat([Buffer.from('../'.repeat(depth)), relative]);
  return staysBeneath(rootFd, folderPath, shown) ? shown : -E.EACCES;
}

const DOT = Buffer.from('.');

function insideSource(sourcePath: string, target: Buffer): Buffer | undefined {
  const prefix = Buffer.from(sourcePath === '/' ? '/' : `${sourcePath}/`);
  if (target.equals(Buffer.from(sourcePath))) return DOT;
  return target.subarray(0, prefix.length).equals(prefix) ? target.subarray(prefix.length) : undefined;
}

/** Lets the kernel walk the link below the root: it knows every link and every ".." on the way. */
function staysBeneath(rootFd: number, folderPath: Buffer, target: Buffer): boolean {
  const path = Buffer.concat([folderPath, Buffer.from('/'), target, Buffer.from([0])]);
  const fd = file.openat2(rootFd, path, file.O_PATH, file.RESOLVE_BENEATH | file.RESOLVE_NO_MAGICLINKS);
  if (fd >= 0) {
    file.close(fd);
    return true;
  }
  return errno() !== E.EXDEV; // EXDEV: it left. Anything else (a dangling link, a loop) stays inside and fails on its own.
}
