// "s3://bucket/prefix" or "/name=s3://bucket/prefix": one under storage, and where it appears, in one word.
import { UfsError } from './errors.ts';
import type { MountSpec } from './mount-spec.ts';
import { isPath } from './paths.ts';

export const SCHEMES = ['local', 'pvc', 's3', 'oss', 'http', 'https'] as const;
export type Scheme = (typeof SCHEMES)[number];

/** Says which storage it is; nothing of it shows in the error, as it may have a secret in it. Throws 'bad-config'. */
export function schemeOf(mountPoint: string): Scheme {
  const found = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(mountPoint)?.[1]?.toLowerCase();
  const scheme = SCHEMES.find((each) => each === found);
  if (scheme !== undefined) return scheme;
  const known = SCHEMES.map((each) => `${each}://`).join(', ');
  if (found === undefined) throw badConfig(`it does not begin with a scheme; there are ${known}`);
  throw badConfig(`there is no ${found}:// (there are ${known})`);
}

/** Without a path it is all of the dataset: "/". Throws 'bad-config'. */
export function parseMountPoint(text: string): Pick<MountSpec, 'mountPoint' | 'path'> {
  const [, path = '/', mountPoint = text] = /^(\/.*?)=([A-Za-z][A-Za-z0-9+.-]*:.*)$/s.exec(text) ?? [];
  schemeOf(mountPoint);
  if (path !== '/' && !isPath(Buffer.from(path.slice(1))))
    throw badConfig(`"${path}" is no path to mount at: write "/" or "/name"`);
  return { mountPoint, path };
}

function badConfig(what: string): UfsError {
  return new UfsError(`Cannot mount an under storage: ${what}`, { code: 'bad-config', what });
}
