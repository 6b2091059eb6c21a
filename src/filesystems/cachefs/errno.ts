// Which errno an application gets for what went wrong with a dataset: the one place where that is decided.
import { ERRNO } from '../../fuse/protocol/index.ts';
import { UfsError, type UfsFault } from '../../cache/ufs/index.ts';
import { NamespaceError } from '../../cache/namespace/index.ts';

const ERRNO_OF: Record<UfsFault['code'], number> = {
  'not-found': ERRNO.ENOENT,
  // The name stands for other content by now: opening it again gives that.
  changed: ERRNO.ESTALE,
  denied: ERRNO.EACCES,
  unavailable: ERRNO.EIO,
  'bad-answer': ERRNO.EIO,
  'bad-config': ERRNO.EIO,
};

/** Rethrows what is no operating error: then the daemon dies and its successor tries again. */
export function errnoOf(err: unknown): number {
  if (err instanceof UfsError) return ERRNO_OF[err.code];
  if (err instanceof NamespaceError) return ERRNO.EIO;
  throw err;
}
