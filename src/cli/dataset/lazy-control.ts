// When the control socket is opened: a moment after the daemon began to serve, so that readers come first.
import type { Logger } from '../../base/index.ts';
import type { Control } from './control.ts';

const DELAY_MS = 50;
const RETRY_MS = 5_000;

export class LazyControl {
  readonly #open: () => Promise<Control>;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #opening: Promise<Control | undefined> | undefined;
  #isClosed = false;

  constructor(open: () => Promise<Control>, log: Logger) {
    this.#open = open;
    this.#log = log;
  }

  /** Does not fail: a mount without its control socket serves all the same. Tried again until it is closed. */
  openSoon(delayMs = DELAY_MS): void {
    this.#timer = setTimeout(() => {
      this.#opening = this.#open().catch((err: unknown) => {
        this.#log.warn('the control socket cannot be opened', { error: err, retryAfterMs: RETRY_MS });
        if (!this.#isClosed) this.openSoon(RETRY_MS);
        return undefined;
      });
    }, delayMs);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await (await this.#opening)?.close();
  }
}
