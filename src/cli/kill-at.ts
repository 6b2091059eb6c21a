// Dying on purpose, for crash tests: EVERMOUNT_KILL_AT names a step, and the process that reaches it kills itself there.
//
// STEP kills every process that reaches the step, STEP@FILE only the one that makes the file: none while the file's folder is
// missing, and none a second time. The parts of a session inherit the variable.
import { closeSync, openSync } from 'node:fs';

/** Does nothing unless this step was named in the environment. */
export function killAt(step: string): void {
  const [named, ...file] = (process.env['EVERMOUNT_KILL_AT'] ?? '').split('@');
  if (named === step && (file.length === 0 || isFirst(file.join('@')))) process.kill(process.pid, 'SIGKILL');
}

function isFirst(path: string): boolean {
  try {
    closeSync(openSync(path, 'wx'));
    return true;
  } catch {
    return false; // somebody was first, or nobody shall be yet
  }
}
