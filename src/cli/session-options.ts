// The options of a mount: how they are written, what they mean, what they are by default.
import type { ParseArgsOptionsConfig } from 'node:util';
import type { SessionOptions } from '../recovery/index.ts';
import { UsageError } from './exit.ts';

export const SESSION_OPTIONS = {
  links: { type: 'string' },
  'entry-timeout': { type: 'string' },
  'attr-timeout': { type: 'string' },
  'negative-timeout': { type: 'string' },
  'allow-other': { type: 'boolean' },
  passthrough: { type: 'string' },
  takeover: { type: 'string' },
  standby: { type: 'string' },
  'recover-deadline': { type: 'string' },
  'hang-timeout': { type: 'string' },
} as const satisfies ParseArgsOptionsConfig;

export type SessionValues = { [K in keyof typeof SESSION_OPTIONS]?: string | boolean | undefined };

/** Those that can change while the mount stands; the others are agreed with the kernel once. */
export const CHANGEABLE_HELP = `  --links inside|raw        symbolic links: only those that stay inside the source can be
                            read (default), or their text as it is, resolved by the reader
  --entry-timeout 1s        how long the kernel may use a name without asking
  --attr-timeout 1s         the same for attributes
  --negative-timeout 0s     the same for "no such name"
  --standby auto|on|off     a second daemon, warm: a crash then costs milliseconds. auto is on
                            where 1 GiB of memory is free
  --takeover auto|resend|journal
                            how requests survive a daemon: by the kernel (6.9 or newer) or by
                            the session's own journal. auto takes the kernel where it can
  --recover-deadline 60s    without a daemon for this long, applications get an error
  --hang-timeout 5s         a daemon that does not answer for this long is killed and replaced`;

export const FIXED_HELP = `  --allow-other             others than the mounting user may look inside (always so for root)
  --passthrough on|off      let the kernel read large files straight from the source
                            (default on; needs root and Linux 6.9)`;

export function defaultOptions(isRoot: boolean): SessionOptions {
  return {
    links: 'inside',
    entryTimeoutMs: 1000,
    attrTimeoutMs: 1000,
    negativeTimeoutMs: 0,
    allowOther: isRoot,
    passthrough: isRoot,
    takeover: 'auto',
    standby: 'auto',
    recoverDeadlineMs: 60_000,
    hangTimeoutMs: 5_000,
  };
}

/** The options with what was given changed. Throws UsageError that names the option. */
export function withValues(options: SessionOptions, values: SessionValues): SessionOptions {
  const given = (name: keyof typeof SESSION_OPTIONS): string | undefined =>
    typeof values[name] === 'string' ? values[name] : undefined;
  const duration = (name: keyof typeof SESSION_OPTIONS, current: number, leastMs: number): number => {
    const text = given(name);
    return text === undefined ? current : parseDuration(`--${name}`, text, leastMs);
  };
  return {
    links: oneOf('--links', given('links'), ['inside', 'raw']) ?? options.links,
    entryTimeoutMs: duration('entry-timeout', options.entryTimeoutMs, 0),
    attrTimeoutMs: duration('attr-timeout', options.attrTimeoutMs, 0),
    negativeTimeoutMs: duration('negative-timeout', options.negativeTimeoutMs, 0),
    allowOther: values['allow-other'] === true || options.allowOther,
    passthrough: onOff('--passthrough', given('passthrough')) ?? options.passthrough,
    takeover: oneOf('--takeover', given('takeover'), ['auto', 'resend', 'journal']) ?? options.takeover,
    standby: oneOf('--standby', given('standby'), ['auto', 'on', 'off']) ?? options.standby,
    recoverDeadlineMs: duration('recover-deadline', options.recoverDeadlineMs, 100),
    hangTimeoutMs: duration('hang-timeout', options.hangTimeoutMs, 500),
  };
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** "250ms", "5s", "1m", "2h", or plain seconds. */
export function parseDuration(option: string, text: string, leastMs: number): number {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  const ms = found === null ? NaN : Math.round(Number(found[1]) * (UNITS_MS[found[2] ?? 's'] ?? NaN));
  if (!Number.isFinite(ms) || ms < leastMs || ms > 2 ** 31) {
    throw new UsageError(
      `Cannot use ${option} "${text}": it takes a duration such as 250ms, 5s or 1m, at least ${leastMs}ms`,
    );
  }
  return ms;
}

function oneOf<T extends string>(option: string, text: string | undefined, values: readonly T[]): T | undefined {
  if (text === undefined) return undefined;
  const found = values.find((each) => each === text);
  if (found === undefined) throw new UsageError(`Cannot use ${option} "${text}": it takes ${values.join(' or ')}`);
  return found;
}

function onOff(option: string, text: string | undefined): boolean | undefined {
  const found = oneOf(option, text, ['on', 'off']);
  return found === undefined ? undefined : found === 'on';
}
