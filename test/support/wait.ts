// Waiting in tests: for a condition, never for a time.
import { setTimeout as sleep } from 'node:timers/promises';

const EVERY_MS = 10;

/** Resolves with what `condition` returns once that is neither false nor undefined. Fails at the deadline, saying what was missing. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 15_000,
): Promise<Exclude<T, false | undefined>> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value as Exclude<T, false | undefined>;
    if (performance.now() > endMs) throw new Error(`Cannot wait any longer for ${what}: ${deadlineMs} ms have passed`);
    await sleep(EVERY_MS);
  }
}

/** The promise's value, or a failure at the deadline that says what was awaited. */
export async function within<T>(deadlineMs: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`Cannot wait any longer for ${what}: ${deadlineMs} ms have passed`));
    }, deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
