// /proc/PID/mountinfo: what is mounted where. Reading it never touches the file systems it lists.
import { readFileSync } from 'node:fs';

export interface MountEntry {
  id: number;
  parentId: number;
  /** "major:minor" of the file system; for FUSE the minor is the kernel's connection number. */
  device: string;
  /** Which part of the file system is mounted here; "/" for all of it. */
  root: string;
  target: string;
  /** "fuse.evermount", "ext4", … */
  type: string;
  source: string;
  options: string;
  superOptions: string;
  /** "shared:N", "master:N", … */
  propagation: string[];
}

/** Parses the format of proc(5). A line it cannot read is left out: the kernel may add fields, never change these. */
export function parseMountinfo(text: string): MountEntry[] {
  return text.split('\n').flatMap((line) => {
    const [head, tail] = line.split(' - ');
    if (head === undefined || tail === undefined) return [];
    const [id, parentId, device, root, target, options, ...propagation] = head.split(' ');
    const [type, source, superOptions] = tail.split(' ');
    if (
      id === undefined ||
      parentId === undefined ||
      device === undefined ||
      root === undefined ||
      target === undefined
    )
      return [];
    return [
      {
        id: Number(id),
        parentId: Number(parentId),
        device,
        root: unescape(root),
        target: unescape(target),
        options: options ?? '',
        propagation,
        type: type ?? '',
        source: unescape(source ?? ''),
        superOptions: superOptions ?? '',
      },
    ];
  });
}

/** The mounts this process sees. */
export function readMountinfo(pid: number | 'self' = 'self'): MountEntry[] {
  return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
}

/** The top mount at the path, if any. */
export function mountAt(target: string, mounts: readonly MountEntry[] = readMountinfo()): MountEntry | undefined {
  return mounts.findLast((mount) => mount.target === target);
}

/** The FUSE connection number of a mount, or undefined if it is not FUSE. */
export function connectionOf(mount: MountEntry): number | undefined {
  if (mount.type !== 'fuse' && !mount.type.startsWith('fuse.')) return undefined;
  return Number(mount.device.split(':')[1]);
}

/** Blanks, tabs, newlines and backslashes are written as octal numbers. */
function unescape(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}
