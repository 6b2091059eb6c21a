// The options that every long-running part of a runtime takes.
import { isAbsolute, resolve } from 'node:path';
import type { ParseArgsOptionsConfig } from 'node:util';
import { UsageError } from '../exit.ts';
import { createLogger, type LogFormat, type Logger } from '../../base/index.ts';

export const PART_OPTIONS = {
  listen: { type: 'string' },
  'token-file': { type: 'string' },
  metrics: { type: 'string' },
  'log-format': { type: 'string' },
  claim: { type: 'string', multiple: true },
} as const satisfies ParseArgsOptionsConfig;

export type PartValues = { [K in keyof typeof PART_OPTIONS]?: string | string[] | undefined };

export const PART_HELP = `  --token-file FILE         one line of 16 or more printable characters, the same for every part;
                            whoever does not show it gets nothing. Read again when it changes:
                            the token before it counts for another minute
  --metrics open            /metrics without the token; /healthz never needs it
  --claim NAME=DIR          where the claim of a mount pvc://NAME is mounted; repeatable
  --log-format text|json    of the log, which goes to standard error (default text)`;

/** "HOST:PORT" or "unix:PATH". Throws UsageError. */
export function parseListen(option: string, text: string): string {
  if (!text.startsWith('unix:')) {
    if (/:\d{1,5}$/.test(text)) return text;
    throw new UsageError(`Cannot use ${option} "${text}": it takes HOST:PORT or unix:PATH`);
  }
  const path = text.slice('unix:'.length);
  if (isAbsolute(path)) return path;
  throw new UsageError(`Cannot use ${option} "${text}": the path of a socket is absolute`);
}

/** Throws UsageError when it is missing. */
export function required(command: string, values: Readonly<Record<string, unknown>>, name: string): string {
  const value = values[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new UsageError(`${command} needs --${name}; see evermount ${command} --help`);
}

export function tokenFileOf(values: PartValues): { tokenFile?: string } {
  const given = values['token-file'];
  return typeof given === 'string' ? { tokenFile: resolve(given) } : {};
}

export function metricsOpenOf({ metrics }: PartValues): boolean {
  if (metrics === undefined || metrics === 'open') return metrics === 'open';
  throw new UsageError(`Cannot use --metrics "${String(metrics)}": it takes open`);
}

export function claimsOf({ claim }: PartValues): Record<string, string> {
  return Object.fromEntries(
    (Array.isArray(claim) ? claim : []).map((each) => {
      const at = each.indexOf('=');
      if (at < 1) throw new UsageError(`Cannot use --claim "${each}": it takes NAME=DIR`);
      return [each.slice(0, at), resolve(each.slice(at + 1))];
    }),
  );
}

export function partLog(part: string, values: PartValues): Logger {
  const format = (values['log-format'] ?? 'text') as string;
  const known = (['text', 'json'] as const satisfies readonly LogFormat[]).find((each) => each === format);
  if (known === undefined) throw new UsageError(`Cannot use --log-format "${format}": it takes text or json`);
  return createLogger({ format: known, fields: { part } });
}
