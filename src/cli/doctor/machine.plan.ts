// What the state of a machine means for mounts on it, and what to do about it.
import { formatBytes, formatDuration } from '../../base/index.ts';
import { bad, ok, warn, type Finding } from './finding.ts';
import type { Machine } from './machine.ts';

export interface MachineNeeds {
  nodeMajorMin: number;
  /** A standby is kept by default where this much is free. */
  standbyMinBytes: number;
  /** How long a request may have to wait for a daemon, at the default settings. */
  recoverDeadlineMs: number;
}

const OPEN_FILES_MIN = 4096;
const PAGE_BYTES = 4096;
const PAGES_FOR_1_MIB = 256;
/** The kernel looks at request timeouts every 15 seconds. */
const TIMEOUT_MARGIN = 2;

export function judgeMachine(machine: Machine, needs: MachineNeeds): Finding[] {
  return [
    judgeKernel(machine),
    judgePassthrough(machine),
    judgeDevice(machine),
    ...judgePrivilege(machine),
    judgeConnectionControl(machine),
    judgeSetpriv(machine),
    judgeNode(machine, needs),
    judgeOpenFiles(machine),
    judgeReadSize(machine),
    judgeRequestTimeout(machine, needs),
    judgeMemory(machine, needs),
    judgeStateFolder(machine),
  ];
}

function judgeKernel({ kernel }: Machine): Finding {
  if (isAtLeast(kernel, 6, 9))
    return ok('kernel', `Linux ${kernel}: hands requests of a dead daemon to the next one (RESEND)`);
  if (isAtLeast(kernel, 5, 6)) {
    return ok(
      'kernel',
      `Linux ${kernel}: has no RESEND (6.9 or newer has); requests of a dead daemon are taken from the session's own journal`,
    );
  }
  return bad('kernel', `Linux ${kernel}: has no openat2, which reading folders safely needs`, 'use Linux 5.6 or newer');
}

function judgePassthrough({ kernel, isRoot, hasSysAdmin }: Machine): Finding {
  if (!isAtLeast(kernel, 6, 9))
    return ok('passthrough', 'not in this kernel (6.9 or newer): every read goes through the daemon');
  if (!isRoot || !hasSysAdmin)
    return ok('passthrough', 'only for mounts made by root: every read of yours goes through the daemon');
  return ok(
    'passthrough',
    'large files can be read by the kernel itself, if it was built with CONFIG_FUSE_PASSTHROUGH',
  );
}

function judgeDevice({ device }: Machine): Finding {
  switch (device) {
    case 'usable':
      return ok('/dev/fuse', 'present, and open to you');
    case 'missing':
      return bad(
        '/dev/fuse',
        'missing: nothing can be mounted',
        'as root: modprobe fuse; in a container, pass the device on: --device /dev/fuse',
      );
    case 'denied':
      return bad(
        '/dev/fuse',
        'present, but not open to you: nothing can be mounted',
        'as root: chmod 666 /dev/fuse (udev normally does)',
      );
  }
}

function judgePrivilege({ isRoot, hasSysAdmin, hasFusermount, userAllowOther }: Machine): Finding[] {
  if (isRoot) {
    return [
      hasSysAdmin
        ? ok('privilege', 'root: mounts by itself')
        : bad(
            'privilege',
            'root without CAP_SYS_ADMIN, as in most containers: nothing can be mounted',
            'run outside of the container, or add the capability SYS_ADMIN to it',
          ),
    ];
  }
  return [
    hasFusermount
      ? ok('fusermount3', 'installed: mounts for users')
      : bad(
          'fusermount3',
          'not installed: only root can mount',
          'as root: apt-get install fuse3 (or what your distribution calls it)',
        ),
    userAllowOther
      ? ok('user_allow_other', 'set in /etc/fuse.conf: --allow-other works for users')
      : ok(
          'user_allow_other',
          'not set in /etc/fuse.conf: only you can look into your mounts, --allow-other is refused',
        ),
  ];
}

function judgeConnectionControl({ hasConnectionControl }: Machine): Finding {
  if (hasConnectionControl)
    return ok(
      'connection control',
      'mounted: a session that cannot go on can be ended, waiting requests can be counted',
    );
  return warn(
    'connection control',
    'not mounted at /sys/fs/fuse/connections: a session that cannot go on is ended by closing its descriptors, and waiting requests are not counted',
    'as root: mount -t fusectl none /sys/fs/fuse/connections',
  );
}

function judgeSetpriv({ hasSetpriv }: Machine): Finding {
  if (hasSetpriv) return ok('setpriv', 'installed: daemons run without privilege');
  return bad(
    'setpriv',
    'not installed: daemons cannot be started, because they are only started without privilege',
    'install util-linux',
  );
}

function judgeNode({ nodeVersion }: Machine, { nodeMajorMin }: MachineNeeds): Finding {
  if (Number.parseInt(nodeVersion, 10) >= nodeMajorMin) return ok('Node', `${nodeVersion}: new enough`);
  return bad('Node', `${nodeVersion}: too old`, `use Node ${nodeMajorMin} or newer`);
}

function judgeOpenFiles({ openFilesMax }: Machine): Finding {
  const text = openFilesMax === Infinity ? 'without limit' : `up to ${openFilesMax}`;
  if (openFilesMax >= OPEN_FILES_MIN)
    return ok('open files', `${text} in a process: so many different files may be open in one mount at a time`);
  return warn(
    'open files',
    `${text} in a process: a mount with more different files open than that answers EMFILE`,
    'raise it: ulimit -Hn, or LimitNOFILE= in a systemd unit',
  );
}

function judgeReadSize({ maxPagesLimit }: Machine): Finding {
  const pages = maxPagesLimit ?? PAGES_FOR_1_MIB;
  const size = formatBytes(Math.min(pages, PAGES_FOR_1_MIB) * PAGE_BYTES);
  if (pages >= PAGES_FOR_1_MIB) return ok('read size', `one request reads up to ${size}`);
  return warn(
    'read size',
    `one request reads up to ${size} only: large files are read slowly`,
    `as root: sysctl fs.fuse.max_pages_limit=${PAGES_FOR_1_MIB}`,
  );
}

function judgeRequestTimeout(machine: Machine, { recoverDeadlineMs }: MachineNeeds): Finding {
  const set = [machine.defaultRequestTimeoutSeconds, machine.maxRequestTimeoutSeconds].filter(
    (seconds) => seconds !== undefined && seconds > 0,
  ) as number[];
  const leastSeconds = Math.min(...set);
  if (set.length === 0) return ok('request timeout', 'none: the kernel waits for a daemon as long as the session says');
  const deadline = formatDuration(recoverDeadlineMs);
  if (leastSeconds * 1000 >= recoverDeadlineMs * TIMEOUT_MARGIN) {
    return ok(
      'request timeout',
      `${leastSeconds} s: well above the ${deadline} after which a session gives up by itself`,
    );
  }
  return warn(
    'request timeout',
    `${leastSeconds} s: one request that waits longer, for instance for a new daemon, makes the kernel end the whole mount (sessions wait ${deadline})`,
    'as root: sysctl fs.fuse.default_request_timeout=0 fs.fuse.max_request_timeout=0, or mount with a --recover-deadline far below it',
  );
}

function judgeMemory({ memoryAvailableBytes }: Machine, { standbyMinBytes }: MachineNeeds): Finding {
  const free = memoryAvailableBytes === Infinity ? 'no limit known' : `${formatBytes(memoryAvailableBytes)} free`;
  if (memoryAvailableBytes >= standbyMinBytes)
    return ok('memory', `${free}: mounts keep a standby, a crash costs milliseconds`);
  return warn(
    'memory',
    `${free}, less than ${formatBytes(standbyMinBytes)}: mounts keep no standby, a crash costs the start of a daemon`,
    'mount with --standby on to have one all the same',
  );
}

function judgeStateFolder({ stateFolder: { path, state } }: Machine): Finding {
  if (state === 'private') return ok('state folder', `${path}: yours alone`);
  if (state === 'absent') return ok('state folder', `${path}: not there yet, the first mount makes it`);
  return bad(
    'state folder',
    `${path}: ${state.unsafe}, so nothing in it can be trusted and nothing is mounted`,
    'remove it, or name another one in EVERMOUNT_STATE_DIR',
  );
}

/** Whether a release such as "6.8.0-41-generic" is at least this version. */
export function isAtLeast(kernel: string, major: number, minor: number): boolean {
  const [ofMajor = 0, ofMinor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return ofMajor > major || (ofMajor === major && ofMinor >= minor);
}
