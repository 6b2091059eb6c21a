// Whether tests with real mounts can run here, and if not, why: the reason is what the test report prints.
//
// REQUIRE_FUSE=1 turns a missing FUSE into a failure. What only root can do is skipped for users in any case.
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export const IS_ROOT = process.getuid?.() === 0;

const CAP_SYS_ADMIN = 1n << 21n;

export interface Needs {
  /** Why only root can do it. */
  root?: string;
  /** Why a user must do it. */
  user?: string;
  /** A program that must be installed. */
  program?: string;
  /** A kernel this new, "6.9". */
  kernel?: string;
}

/** For a test's `skip` option: false, or the reason. Throws where REQUIRE_FUSE=1 and there is no FUSE. */
export function requireFuse(needs: Needs = {}): string | false {
  const missing = missingFuse();
  if (missing !== undefined) {
    if (process.env['REQUIRE_FUSE'] === '1') throw new Error(`Cannot test without FUSE (REQUIRE_FUSE=1): ${missing}`);
    return `no FUSE here: ${missing}`;
  }
  if (needs.root !== undefined && !IS_ROOT) return `needs root: ${needs.root}`;
  if (needs.user !== undefined && IS_ROOT) return `needs a user without privilege: ${needs.user}`;
  if (needs.program !== undefined && !isInstalled(needs.program)) return `needs the program ${needs.program}`;
  if (needs.kernel !== undefined && !kernelIs(needs.kernel)) return `needs Linux ${needs.kernel}`;
  return false;
}

/** Whether Linux is at least this version, "6.9". */
export function kernelIs(least: string): boolean {
  const [major = 0, minor = 0] = readFileSync('/proc/sys/kernel/osrelease', 'utf8').split('.').map(Number.parseFloat);
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

function missingFuse(): string | undefined {
  try {
    closeSync(openSync('/dev/fuse', constants.O_RDWR));
  } catch (err) {
    return `/dev/fuse cannot be opened (${String((err as NodeJS.ErrnoException).code)})`;
  }
  if (IS_ROOT) {
    const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
    return (BigInt(`0x${effective}`) & CAP_SYS_ADMIN) === 0n ? 'root lacks CAP_SYS_ADMIN' : undefined;
  }
  return isInstalled('fusermount3') ? undefined : 'fusermount3 is not installed';
}

export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
