// /dev/fuse and the kernel's connections: opening, recognising, ending. Nothing here touches a mounted file system.
import { constants, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { file } from '../libc/index.ts';
import { HostError } from './errors.ts';

const DEVICE = '/dev/fuse';
const CONNECTIONS = '/sys/fs/fuse/connections';
const FUSE_RDEV = (10 << 8) | 229;

/** A fresh, unmounted /dev/fuse descriptor. Throws HostError 'no-fuse' with what to do. */
export function openFuse(): number {
  try {
    return openSync(DEVICE, constants.O_RDWR);
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT'
        ? 'the device is missing: load the kernel module with "modprobe fuse"'
        : code === 'ENODEV'
          ? 'the kernel has no FUSE: load the kernel module with "modprobe fuse"'
          : code === 'EACCES' || code === 'EPERM'
            ? 'no permission: udev normally makes it 0666; as root, "chmod 666 /dev/fuse"'
            : String(code);
    throw new HostError(`Cannot open ${DEVICE}: ${why}`, { code: 'no-fuse', why }, { cause: err });
  }
}

/** The kernel's connection number of a mounted descriptor, or undefined where the kernel does not tell it in /proc. */
export function connectionOfDescriptor(fd: number): number | undefined {
  const found = /^fuse_connection:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'));
  return found === null ? undefined : Number(found[1]);
}

/** Throws HostError unless the descriptor is /dev/fuse and, where the kernel tells, belongs to the connection. */
export function checkFuseDescriptor(fd: number, connection: number | undefined): void {
  const stat = fstatSync(fd);
  const refuse = (why: string): never => {
    throw new HostError(`Cannot use descriptor ${fd}: ${why}`, { code: 'not-a-fuse-device', fd, why });
  };
  if (!stat.isCharacterDevice() || stat.rdev !== FUSE_RDEV) refuse('it is not /dev/fuse');
  const of = connectionOfDescriptor(fd);
  if (connection !== undefined && of !== undefined && of !== connection)
    refuse(`it belongs to connection ${of}, not ${connection}`);
}

/** True once the connection behind the descriptor is over (unmounted or aborted). Never waits. */
export function isConnectionOver(fd: number): boolean {
  return (file.pollOne(fd, file.POLLIN, 0) & file.POLLERR) !== 0;
}

/** Requests the kernel waits for, or undefined where /sys/fs/fuse/connections is not mounted or not ours to read. */
export function waitingRequests(connection: number): number | undefined {
  try {
    return Number(readFileSync(`${CONNECTIONS}/${connection}/waiting`, 'utf8'));
  } catch {
    return undefined; // ENOENT, EACCES
  }
}

/** Ends the connection: every waiting and later request fails. False where the control file system does not let us. */
export function abortConnection(connection: number): boolean {
  try {
    writeFileSync(`${CONNECTIONS}/${connection}/abort`, '1');
    return true;
  } catch {
    return false; // ENOENT: not mounted there, or gone already; EACCES
  }
}

/** Whether the control file system is mounted, so that connections can be aborted. */
export function hasConnectionControl(): boolean {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${CONNECTIONS} `);
}

/** Lets the kernel read further ahead on this mount than its default of 128 KiB. Root only; false where not possible. */
export function setReadAhead(connection: number, kib: number): boolean {
  try {
    writeFileSync(`/sys/class/bdi/0:${connection}/read_ahead_kb`, String(kib));
    return true;
  } catch {
    return false;
  }
}
