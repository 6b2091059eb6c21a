// The token that the parts of one runtime show each other. It lives in a file and nowhere else; when the file changes the
// new token counts at once, and the old one for a minute more, because not everybody sees the change at the same moment.
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Logger } from '../../base/index.ts';
import { badConfig } from './errors.ts';

const GRACE_MS = 60_000;
const RECHECK_MS = 1000;
/** How often a token that was not right may make us look at the file again. */
const HURRY_MS = 100;
const FORM = /^[\x21-\x7e]{16,4096}$/;

export interface TokenDeps {
  readonly log: Logger;
  /** Default: the monotonic clock. */
  readonly nowMs?: () => number;
}

export class TokenFile {
  readonly #path: string;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  #stamp = '';
  #current: string;
  #previous: string | undefined;
  #changedAtMs = -Infinity;
  #checkedAtMs: number;

  /** Throws RpcError 'bad-config' when the file holds no token of 16 or more printable characters. */
  constructor(path: string, deps: TokenDeps) {
    this.#path = path;
    this.#log = deps.log;
    this.#nowMs = deps.nowMs ?? (() => performance.now());
    this.#stamp = stampOf(path) ?? '';
    this.#current = readToken(path);
    this.#checkedAtMs = this.#nowMs();
  }

  /** What to show: the token, and for a minute after a change the one before it, to try when the first is refused. */
  toShow(): readonly string[] {
    this.#look(RECHECK_MS);
    return this.#valid();
  }

  /** Looks at the file again at once, because the token was refused. */
  refused(): void {
    this.#look(HURRY_MS);
  }

  /** Whether the value of an Authorization header is right. Takes the same time whatever is wrong with it. */
  accepts(header: string | undefined): boolean {
    this.#look(RECHECK_MS);
    if (this.#matches(header)) return true;
    this.#look(HURRY_MS);
    return this.#matches(header);
  }

  #matches(header: string | undefined): boolean {
    const shown = digest(header ?? '');
    let right = false;
    for (const token of this.#valid()) right = timingSafeEqual(shown, digest(`Bearer ${token}`)) || right;
    return right;
  }

  #valid(): readonly string[] {
    const previous = this.#nowMs() - this.#changedAtMs < GRACE_MS ? this.#previous : undefined;
    return previous === undefined ? [this.#current] : [this.#current, previous];
  }

  #look(everyMs: number): void {
    const now = this.#nowMs();
    if (now - this.#checkedAtMs < everyMs) return;
    this.#checkedAtMs = now;
    const stamp = stampOf(this.#path);
    if (stamp === this.#stamp) return;
    try {
      const token = readToken(this.#path);
      this.#stamp = stamp ?? '';
      if (token === this.#current) return;
      this.#previous = this.#current;
      this.#current = token;
      this.#changedAtMs = now;
      this.#log.info('token changed', { file: this.#path });
    } catch (err) {
      // Being replaced, or gone: the last token that was whole goes on counting, and the file is looked at again.
      this.#log.warn('token file cannot be read', { file: this.#path, error: err });
    }
  }
}

function readToken(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'latin1').trim();
  } catch (err) {
    throw badConfig(`the token file "${path}" cannot be read: ${err instanceof Error ? err.message : String(err)}`);
  }
  if (!FORM.test(text)) {
    throw badConfig(`the token file "${path}" must hold one line of 16 to 4096 printable characters without spaces`);
  }
  return text;
}

/** Changes whenever the file may have; undefined when it cannot be seen. */
function stampOf(path: string): string | undefined {
  try {
    const stat = statSync(path, { bigint: true });
    return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(' ');
  } catch {
    return undefined; // Reading it says why.
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
