// From "local:///data" or "pvc://claim/dir" to the opened folder.
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { cString, errno, errnoName, file } from '../../../libc/index.ts';
import type { UfsDeps } from '../deps.ts';
import { UfsError } from '../errors.ts';
import type { MountSpec } from '../mount-spec.ts';
import { LocalUfs } from './local-ufs.ts';
import { openBelow } from './open-below.ts';

/** The folder must be there. Throws UfsError 'bad-config', 'not-found' or 'denied'. */
export async function openLocal(spec: MountSpec, deps: Pick<UfsDeps, 'claims'>): Promise<LocalUfs> {
  const { mountPoint } = spec;
  return mountPoint.startsWith('pvc:') ? openClaim(mountPoint, deps) : openFolder(mountPoint);
}

/** "local:///data" and "local:/data". The path itself may have links on its way; only what is below the folder may not. */
function openFolder(mountPoint: string): LocalUfs {
  const path = /^local:(?:\/\/(?=\/))?(\/(?!\/).*|\/)$/s.exec(mountPoint)?.[1];
  if (path === undefined || path.includes('\0'))
    throw badConfig(`"${mountPoint}" names no folder: write local:///path/of/folder`);
  const rootFd = file.openat2(file.AT_FDCWD, cString(path), file.O_DIRECTORY, 0);
  if (rootFd < 0) throw cannotOpen(mountPoint, errno());
  return new LocalUfs({ identity: `local://${realPath(path)}`, rootFd });
}

/** "pvc://claim" and "pvc://claim/dir": a folder that is in the claim, not one that a link in it points to. */
function openClaim(mountPoint: string, deps: Pick<UfsDeps, 'claims'>): LocalUfs {
  const found = /^pvc:\/\/([^/]+)((?:\/.*)?)$/s.exec(mountPoint);
  if (found === null) throw badConfig(`"${mountPoint}" names no claim: write pvc://claim/folder`);
  const [, claim = '', below = ''] = found;
  const mounted = deps.claims?.[claim];
  if (mounted === undefined) {
    const known = Object.keys(deps.claims ?? {}).join(', ') || 'none';
    throw badConfig(`the claim "${claim}" is not mounted here; mounted are: ${known}`);
  }
  const names = below.split('/').filter((name) => name !== '');
  const claimFd = file.openat2(file.AT_FDCWD, cString(mounted), file.O_DIRECTORY, 0);
  if (claimFd < 0) throw cannotOpen(mountPoint, errno());
  const rootFd = openBelow(claimFd, Buffer.from(names.join('/')), file.O_DIRECTORY);
  file.close(claimFd);
  if (rootFd < 0) throw cannotOpen(mountPoint, -rootFd);
  return new LocalUfs({ identity: `pvc://${[claim, ...names].join('/')}`, rootFd });
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path); // gone or out of reach since it was opened: the name it was given is as good
  }
}

function badConfig(what: string): UfsError {
  return new UfsError(`Cannot open an under storage: ${what}`, { code: 'bad-config', what });
}

function cannotOpen(mountPoint: string, number: number): UfsError {
  const why = errnoName(number);
  const message = `Cannot open ${mountPoint}: ${why}`;
  if (why === 'EACCES' || why === 'EPERM') return new UfsError(message, { code: 'denied', path: '/', why });
  if (why === 'ENOENT' || why === 'ENOTDIR' || why === 'ELOOP' || why === 'EXDEV')
    return new UfsError(message, { code: 'not-found', path: '/' });
  return new UfsError(message, { code: 'unavailable', path: '/', why });
}
