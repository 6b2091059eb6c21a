// A structured logger: one line per entry, a constant message and the facts that vary.
// error: someone must act. warn: may become that. info: a state changed. debug: everything else.

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = 'text' | 'json';

/** What varies between two entries with the same message. Facts that are undefined are left out. */
export type Facts = Readonly<Record<string, unknown>>;

export type LoggerOptions = {
  /** Takes one line with its newline. Default: standard error. */
  write?: (line: string) => void;
  /** The least urgent level that is written. Default `info`. */
  level?: LogLevel;
  /** Default `text`. */
  format?: LogFormat;
  /** Facts of every entry. Default none. */
  fields?: Facts;
  /** Default: the system clock. */
  now?: () => Date;
};

export type Logger = {
  error(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  info(message: string, facts?: Facts): void;
  debug(message: string, facts?: Facts): void;
  /** A logger that adds these facts to every entry. */
  child(fields: Facts): Logger;
};

/** Never throws on account of a fact, however odd; what `write` throws is passed on. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const {
    write = writeToStderr,
    level: least = 'info',
    format = 'text',
    fields = {},
    now = () => new Date(),
  } = options;
  const render = format === 'json' ? renderJson : renderText;

  const log = (level: LogLevel, message: string, facts: Facts = {}): void => {
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(least)) return;
    write(`${render({ time: now().toISOString(), level, message }, { ...fields, ...facts })}\n`);
  };
  return {
    error: (message, facts) => log('error', message, facts),
    warn: (message, facts) => log('warn', message, facts),
    info: (message, facts) => log('info', message, facts),
    debug: (message, facts) => log('debug', message, facts),
    child: (more) => createLogger({ ...options, fields: { ...fields, ...more } }),
  };
}

type Head = { time: string; level: LogLevel; message: string };

function renderJson(head: Head, facts: Facts): string {
  return toJson({ ...head, ...facts, ...head }); // Head first to read, and last so that no fact replaces it.
}

function renderText({ time, level, message }: Head, facts: Facts): string {
  const pairs = Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${factText(value)}`);
  return [time, level.padEnd(5), message.replaceAll('\n', ' '), ...pairs].join(' ');
}

function factText(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(errorText(value));
  if (typeof value === 'string') return /^[^\s"=\p{Cc}]+$/u.test(value) ? value : JSON.stringify(value);
  return toJson(value);
}

/** The message, the code in brackets if there is one, then the cause: `Cannot read "x" [EIO]: Cannot …`. */
function errorText(error: Error): string {
  const { message, code, cause } = errorFacts(error);
  const own = code === undefined ? message : `${message} [${code}]`;
  return cause instanceof Error ? `${own}: ${errorText(cause)}` : own;
}

function errorFacts(error: Error): { message: string; code?: string; cause?: unknown } {
  const { message, cause } = error;
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { message, ...code, ...(cause === undefined ? {} : { cause }) };
}

function toJson(value: unknown): string {
  try {
    const text = JSON.stringify(value, jsonValue) as string | undefined; // No text for a symbol or a function.
    return text ?? String(value);
  } catch (err) {
    return JSON.stringify(`cannot be shown: ${err instanceof Error ? err.message : 'unknown reason'}`);
  }
}

function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Error) return errorFacts(value);
  return value;
}

let stderrMayBreak = false;

/** A daemon may outlive the reader of its standard error; losing the log must not end it. */
function writeToStderr(line: string): void {
  if (!stderrMayBreak) process.stderr.on('error', () => {});
  stderrMayBreak = true;
  process.stderr.write(line);
}
