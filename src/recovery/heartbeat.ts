// Finding a process that is there and does nothing: stopped, spinning, stuck.

export interface Heartbeat {
  /** The other one answered. */
  heard(): void;
  stop(): void;
}

const BEATS = 5;

/**
 * Pings BEATS times within timeoutMs; after that many without an answer `silent` is called, once for each silence. Beats
 * that came late because this process itself was held up do not count, so a machine that slept kills nobody.
 */
export function startHeartbeat(timeoutMs: number, on: { ping: () => void; silent: () => void }): Heartbeat {
  const everyMs = Math.max(20, Math.floor(timeoutMs / BEATS));
  let unanswered = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    const late = nowMs - lastMs > everyMs * 2;
    lastMs = nowMs;
    if (late) unanswered = 0;
    if (unanswered >= BEATS) {
      unanswered = 0;
      on.silent();
    }
    unanswered++;
    on.ping();
  }, everyMs);
  return {
    heard: () => {
      unanswered = 0;
    },
    stop: () => clearInterval(timer),
  };
}
