// Flags that Node takes only when it starts: the process is replaced by itself with them, under the same pid, so that
// whoever started it (a shell, systemd, the kubelet) notices nothing.

/** Returns when the flags count. To be called before anything is opened: nothing of this process stays. */
export function ensureNodeFlags(...flags: readonly string[]): void {
  if (flags.every((flag) => process.execArgv.includes(flag)) || process.execve === undefined) return;
  const kept = process.execArgv.filter((arg) => !flags.includes(arg));
  process.execve(process.execPath, [process.execPath, ...kept, ...flags, ...process.argv.slice(1)], process.env);
}
