// Opening by a path that cannot lead out of the folder it starts at: no component is followed through a link.
import { cString, errno, file } from '../../../libc/index.ts';

const RESOLVE = file.RESOLVE_BENEATH | file.RESOLVE_NO_SYMLINKS | file.RESOLVE_NO_MAGICLINKS;
const DOT = Buffer.from('.');

/** A descriptor, or a negative errno. An empty path is the folder itself. */
export function openBelow(dirfd: number, path: Buffer, flags: number): number {
  const fd = file.openat2(dirfd, cString(path.length === 0 ? DOT : path), flags, RESOLVE);
  return fd < 0 ? -errno() : fd;
}
