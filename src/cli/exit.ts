// Exit statuses, as docs/OPERATING.md lists them, and which error leads to which.
import { UfsError } from '../cache/ufs/index.ts';
import { HostError } from '../host/index.ts';
import { CreateError, FolderError, RecordError } from '../recovery/index.ts';

export const EXIT = {
  OK: 0,
  FAILED: 1,
  USAGE: 2,
  /** No session at that target. */
  NOT_MOUNTED: 3,
  /** Mounted already, in use, or another command is at it. */
  BUSY: 4,
  /** doctor found something wrong; status found a session that does not serve. */
  SICK: 5,
  /** No FUSE on this machine. */
  NO_FUSE: 69,
  NO_PERMISSION: 77,
} as const;

/** What was asked for makes no sense; the sentence says why. */
export class UsageError extends Error {}

export function exitStatusOf(err: unknown): number {
  if (err instanceof UsageError) return EXIT.USAGE;
  if (err instanceof HostError) {
    if (err.code === 'no-fuse') return EXIT.NO_FUSE;
    return /EPERM|not permitted|permission/i.test(err.message) ? EXIT.NO_PERMISSION : EXIT.FAILED;
  }
  if (err instanceof CreateError) {
    if (err.code === 'target-mounted' || err.code === 'target-locked') return EXIT.BUSY;
    return err.code === 'target-denied' ? EXIT.NO_PERMISSION : EXIT.FAILED;
  }
  if (err instanceof UfsError) {
    if (err.code === 'bad-config') return EXIT.USAGE;
    return err.code === 'denied' ? EXIT.NO_PERMISSION : EXIT.FAILED;
  }
  if (err instanceof FolderError) return EXIT.NO_PERMISSION;
  if (err instanceof RecordError) return err.code === 'record-missing' ? EXIT.NOT_MOUNTED : EXIT.FAILED;
  return EXIT.FAILED;
}

/** An error a person can act on, as opposed to a fault of ours that wants its stack shown. */
export function isExpected(err: unknown): boolean {
  return (
    err instanceof UsageError || (err instanceof Error && 'fault' in err) || (err instanceof Error && 'code' in err)
  );
}
