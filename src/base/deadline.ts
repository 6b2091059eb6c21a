// Waiting with an end.

import { Fault } from './fault.ts';

export type DeadlineFault = { code: 'deadline'; what: string; timeoutMs: number };
export class DeadlineError extends Fault<DeadlineFault> {}

/**
 * Settles as `promise` does, or rejects with DeadlineError after `timeoutMs`; `what` completes "Cannot wait for …".
 * Does not stop the work behind the promise, only the waiting; a later rejection of it is dropped.
 */
export async function withDeadline<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const message = `Cannot wait for ${what} any longer: ${timeoutMs} ms have passed`;
    deadline.reject(new DeadlineError(message, { code: 'deadline', what, timeoutMs }));
  }, timeoutMs);
  try {
    return await Promise.race([promise, deadline.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves after `delayMs`; rejects with the reason of the signal as soon as that aborts. */
export async function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const wake = (): void => resolve(undefined);
  const timer = setTimeout(wake, delayMs);
  signal?.addEventListener('abort', wake);
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener('abort', wake);
  signal?.throwIfAborted();
}
