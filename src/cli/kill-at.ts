// Dying on purpose, for crash tests: EVERMOUNT_KILL_AT names a step, and the process that reaches it kills itself there.

/** Does nothing unless this step was named in the environment. */
export function killAt(step: string): void {
  if (process.env['EVERMOUNT_KILL_AT'] === step) process.kill(process.pid, 'SIGKILL');
}
