// What an errno means for a folder as a storage.
import { E, errnoName } from '../../../libc/index.ts';
import { UfsError } from '../errors.ts';
import { pathText } from '../paths.ts';

const NOTHING_THERE = new Set([E.ENOENT, E.ENOTDIR, E.ELOOP, E.EXDEV, E.ENAMETOOLONG]);

/** No such name; a component that is a file, or a link, which is never followed; or the path leads out. */
export function isNothing(number: number): boolean {
  return NOTHING_THERE.has(number);
}

export function notFound(verb: string, path: Buffer): UfsError {
  const text = pathText(path);
  return new UfsError(`Cannot ${verb} "${text}": there is no such folder`, { code: 'not-found', path: text });
}

export function changed(path: Buffer, version: string): UfsError {
  const text = pathText(path);
  return new UfsError(`Cannot read "${text}": it is not the version "${version}" any more`, {
    code: 'changed',
    path: text,
    version,
  });
}

/** Anything but a missing name. */
export function failed(verb: string, path: Buffer, number: number): UfsError {
  const text = pathText(path);
  const why = errnoName(number);
  const isDenied = number === E.EACCES || number === E.EPERM;
  return new UfsError(`Cannot ${verb} "${text}": ${why}`, {
    code: isDenied ? 'denied' : 'unavailable',
    path: text,
    why,
  });
}
