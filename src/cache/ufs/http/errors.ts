// What a status means for a storage.
import { UfsError } from '../errors.ts';
import type { Answer } from './client.ts';
import { retryAfterMs } from './facts.ts';

/** No such file or folder. */
export function isMissing(status: number): boolean {
  return status === 404 || status === 410;
}

/** For any status that is no success and not `isMissing`. */
export function refused(verb: string, path: string, { status, headers }: Answer): UfsError {
  const why = `the server answers ${status}`;
  const message = `Cannot ${verb} "${path}": ${why}`;
  const isForNow = status === 408 || status === 425 || status === 429 || status >= 500;
  if (!isForNow) return new UfsError(message, { code: 'denied', path, why });
  const afterMs = retryAfterMs(headers, Date.now());
  const wait = afterMs === undefined ? {} : { retryAfterMs: afterMs };
  return new UfsError(message, { code: 'unavailable', path, why, ...wait });
}

export function notFound(verb: string, path: string): UfsError {
  return new UfsError(`Cannot ${verb} "${path}": there is no such folder`, { code: 'not-found', path });
}

export function changed(path: string, version: string): UfsError {
  const message = `Cannot read "${path}": it is not the version "${version}" any more`;
  return new UfsError(message, { code: 'changed', path, version });
}

export function badAnswer(verb: string, path: string, why: string): UfsError {
  return new UfsError(`Cannot ${verb} "${path}": ${why}`, { code: 'bad-answer', path, why });
}

export function denied(verb: string, path: string, why: string): UfsError {
  return new UfsError(`Cannot ${verb} "${path}": ${why}`, { code: 'denied', path, why });
}
