// Staying for as long as a session lasts.
import { setTimeout as sleep } from 'node:timers/promises';
import { unmount } from '../host/index.ts';
import { askSession, isMounted, readRecord, type SessionFolder, type SessionStatus } from '../recovery/index.ts';
import { EXIT } from './exit.ts';

const POLL_MS = 500;

/** Returns when the session is over: 0 after an unmount, 5 when it was given up. SIGINT and SIGTERM unmount. */
export async function untilEnded(folder: SessionFolder, status: SessionStatus, uid: number): Promise<number> {
  const leave = (): void => void unmount(status.target, true);
  process.on('SIGINT', leave);
  process.on('SIGTERM', leave);
  while (isMounted(status.target, status.connection)) {
    if ((await askSession(folder, uid)) === undefined && wasAborted(folder)) return EXIT.SICK;
    await sleep(POLL_MS);
  }
  return EXIT.OK;
}

function wasAborted(folder: SessionFolder): boolean {
  try {
    return readRecord(folder.record).aborted !== undefined;
  } catch {
    return false; // removed with the session: it ended well
  }
}
