// A failed system call, with the call's name and errno as facts.
import { Fault } from '../base/index.ts';
import { errno } from './libc.ts';
import { errnoName } from './errno.ts';

export interface SystemFault {
  code: string; // the errno's name, as Node spells it: 'ENOENT'
  syscall: string;
  errno: number;
  what: string;
}

/** Thrown where a failed system call is an operating error of the caller. */
export class SystemError extends Fault<SystemFault> {
  get errno(): number {
    return this.fault.errno;
  }
}

/** The error for the bound call that just failed; `what` names the thing acted upon. */
export function systemError(syscall: string, what: string, number: number = errno()): SystemError {
  const code = errnoName(number);
  return new SystemError(`Cannot ${syscall} ${what}: ${code}`, { code, syscall, errno: number, what });
}

/** Passes a call's result through, or throws the SystemError of a negative one. */
export function check(result: number, syscall: string, what: string): number {
  if (result < 0) throw systemError(syscall, what);
  return result;
}
