// Looks at this machine: everything a mount depends on, as values. Nothing here asks a mounted file system anything.
import { accessSync, constants, lstatSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { delimiter, join } from 'node:path';
import { hasConnectionControl, memoryAvailableBytes } from '../../host/index.ts';
import { stateFolder } from '../../recovery/index.ts';

export interface Machine {
  isRoot: boolean;
  /** May make mounts by itself: root outside of most containers. */
  hasSysAdmin: boolean;
  kernel: string;
  device: 'usable' | 'missing' | 'denied';
  hasFusermount: boolean;
  hasSetpriv: boolean;
  hasConnectionControl: boolean;
  userAllowOther: boolean;
  openFilesMax: number;
  /** Of fs.fuse; undefined where the kernel has no such setting. */
  maxPagesLimit: number | undefined;
  defaultRequestTimeoutSeconds: number | undefined;
  maxRequestTimeoutSeconds: number | undefined;
  memoryAvailableBytes: number;
  stateFolder: { path: string; state: 'private' | 'absent' | { unsafe: string } };
  nodeVersion: string;
}

const CAP_SYS_ADMIN = 1n << 21n;

export function observeMachine(uid: number): Machine {
  return {
    isRoot: uid === 0,
    hasSysAdmin: hasSysAdmin(),
    kernel: release(),
    device: observeDevice(),
    hasFusermount: isInstalled('fusermount3'),
    hasSetpriv: isInstalled('setpriv'),
    hasConnectionControl: hasConnectionControl(),
    userAllowOther: /^\s*user_allow_other\s*$/m.test(read('/etc/fuse.conf') ?? ''),
    openFilesMax: openFilesMax(),
    maxPagesLimit: fuseSetting('max_pages_limit'),
    defaultRequestTimeoutSeconds: fuseSetting('default_request_timeout'),
    maxRequestTimeoutSeconds: fuseSetting('max_request_timeout'),
    memoryAvailableBytes: memoryAvailableBytes(),
    stateFolder: observeStateFolder(stateFolder(process.env, uid), uid),
    nodeVersion: process.versions.node,
  };
}

function hasSysAdmin(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(read('/proc/self/status') ?? '')?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & CAP_SYS_ADMIN) !== 0n;
}

function observeDevice(): Machine['device'] {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return 'usable';
  } catch (err) {
    return (err as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'denied';
  }
}

function observeStateFolder(path: string, uid: number): Machine['stateFolder'] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { path, state: 'absent' };
  if (!found.isDirectory()) return { path, state: { unsafe: 'it is no folder' } };
  if (found.uid !== uid) return { path, state: { unsafe: `user ${found.uid} owns it` } };
  if ((found.mode & 0o022) !== 0) return { path, state: { unsafe: 'others may write to it' } };
  return { path, state: 'private' };
}

function openFilesMax(): number {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(read('/proc/self/limits') ?? '')?.[1];
  return hard === undefined || hard === 'unlimited' ? Infinity : Number(hard);
}

function fuseSetting(name: string): number | undefined {
  const text = read(`/proc/sys/fs/fuse/${name}`);
  return text === undefined ? undefined : Number(text);
}

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false; // not in this folder
    }
  });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // this kernel has no such file, or it is not ours to read
  }
}
