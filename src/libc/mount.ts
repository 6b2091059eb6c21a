// mount(2) and umount2(2). May wait on a sick file system: call them only from a process that may be lost.
import { bind, cString, type Pointer } from './libc.ts';
import { check } from './errors.ts';

const mountCall = bind<(source: Pointer, target: Pointer, type: Pointer, flags: number, data: Pointer) => number>(
  'int mount(const void*, const void*, const void*, uint64, const void*)',
);
const umount2 = bind<(target: Pointer, flags: number) => number>('int umount2(const void*, int)');

export const MS_RDONLY = 1;
export const MS_NOSUID = 2;
export const MS_NODEV = 4;
export const MNT_FORCE = 1;
export const MNT_DETACH = 2;
export const UMOUNT_NOFOLLOW = 8;

/** Throws SystemError with mount's errno. */
export function mount(source: string, target: string, type: string, flags: number, data: string): void {
  check(mountCall(cString(source), cString(target), cString(type), flags, cString(data)), 'mount at', `"${target}"`);
}

/** Throws SystemError: EBUSY while in use, EINVAL when nothing is mounted there. */
export function umount(target: string, flags: number): void {
  check(umount2(cString(target), flags), 'unmount', `"${target}"`);
}
