// Whether a thread is on its way out: a fatal signal is pending and ends it as soon as the kernel may.
import { readFileSync } from 'node:fs';

const SIGKILL_BIT = 1n << 8n;

/** False too for a thread that cannot be seen from here (another PID namespace). */
export function isDying(pid: number): boolean {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return false;
  }
  // A signal that ends a process is made a SIGKILL for each of its threads.
  return [...status.matchAll(/^(?:SigPnd|ShdPnd):\t([0-9a-f]+)$/gm)].some(
    ([, mask]) => (BigInt(`0x${String(mask)}`) & SIGKILL_BIT) !== 0n,
  );
}
