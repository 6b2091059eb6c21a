// What can be wrong with an under storage. Whether trying again may help is a property of the code.
import { Fault } from '../../base/index.ts';

export type UfsFault =
  /** No such file or folder, bucket included. */
  | { code: 'not-found'; path: string }
  /** The file has another version than the one asked for. */
  | { code: 'changed'; path: string; version: string }
  /** Wrong or expired credentials, or no right to this object. */
  | { code: 'denied'; path: string; why: string }
  /** Cannot be reached, refuses for now (429, 503), resets, answers too slowly or not at all. */
  | { code: 'unavailable'; path: string; why: string; retryAfterMs?: number }
  /** Answered something that cannot be right: a length that does not match, a body cut short, nonsense. */
  | { code: 'bad-answer'; path: string; why: string }
  /** The configuration names no storage, or options it does not take. */
  | { code: 'bad-config'; what: string };

export class UfsError extends Fault<UfsFault> {}

/** True when the same call may succeed a moment later. */
export function isTransient(err: unknown): err is UfsError {
  return err instanceof UfsError && (err.code === 'unavailable' || err.code === 'bad-answer');
}
