// What is written down of a session: everything its processes need to go on with it, and nothing secret.
import { readFileSync } from 'node:fs';
import { Fault, writeFileAtomic } from '../base/index.ts';
import { agreedFromJson, agreedToJson, type Agreed } from '../fuse/protocol/index.ts';

export const RECORD_VERSION = 1;

export interface SessionOptions {
  /** What readers are told of symbolic links: see localfs. */
  links: 'inside' | 'raw';
  entryTimeoutMs: number;
  attrTimeoutMs: number;
  negativeTimeoutMs: number;
  allowOther: boolean;
  /** Large files are read by the kernel straight from the source. */
  passthrough: boolean;
  takeover: 'auto' | 'resend' | 'journal';
  standby: 'auto' | 'on' | 'off';
  recoverDeadlineMs: number;
  hangTimeoutMs: number;
}

export interface SessionRecord {
  version: typeof RECORD_VERSION;
  id: string;
  target: string;
  /** As given: "local:/data", "dummy:", "s3://bucket/prefix". */
  source: string;
  /** What the source's file system needs besides, as it wrote it itself; nothing secret. Empty where it needs nothing. */
  sourceConfig: string;
  /** Of the user who mounted; whose processes may talk to the session's. */
  uid: number;
  /** The kernel's number of the connection. */
  connection: number;
  agreed: Agreed;
  options: SessionOptions;
  createdAt: string;
  /** Set when the session was given up. */
  aborted: string | undefined;
}

export type RecordFault =
  | { code: 'record-missing'; path: string }
  | { code: 'record-unreadable'; path: string; why: string }
  | { code: 'record-version'; path: string; version: unknown };

export class RecordError extends Fault<RecordFault> {}

export function writeRecord(path: string, record: SessionRecord): void {
  const plain = { ...record, agreed: agreedToJson(record.agreed) };
  writeFileAtomic(path, `${JSON.stringify(plain, undefined, 2)}\n`, 0o600);
}

/** Throws RecordError: missing, cut short or damaged, or written by a version we do not know. */
export function readRecord(path: string): SessionRecord {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'ENOENT') throw err;
    throw new RecordError(
      `Cannot read session record "${path}": there is none`,
      { code: 'record-missing', path },
      { cause: err },
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (err) {
    throw unreadable(path, 'it is not whole JSON', err);
  }
  if (typeof value !== 'object' || value === null) throw unreadable(path, 'it is no object');
  return decodeRecord(path, value as Record<string, unknown>);
}

function decodeRecord(path: string, value: Record<string, unknown>): SessionRecord {
  if (value['version'] !== RECORD_VERSION) {
    throw new RecordError(
      `Cannot read session record "${path}": it has version ${String(value['version'])}, this is version ${RECORD_VERSION}; unmount with the version that mounted`,
      { code: 'record-version', path, version: value['version'] },
    );
  }
  const text = (of: Record<string, unknown>, name: string): string => {
    const field = of[name];
    if (typeof field !== 'string') throw unreadable(path, `"${name}" is not a text`);
    return field;
  };
  const number = (of: Record<string, unknown>, name: string): number => {
    const field = of[name];
    if (typeof field !== 'number' || !Number.isSafeInteger(field) || field < 0)
      throw unreadable(path, `"${name}" is not a number`);
    return field;
  };
  const flag = (of: Record<string, unknown>, name: string): boolean => {
    const field = of[name];
    if (typeof field !== 'boolean') throw unreadable(path, `"${name}" is not true or false`);
    return field;
  };
  const oneOf = <T extends string>(of: Record<string, unknown>, name: string, values: readonly T[]): T => {
    const field = text(of, name);
    const found = values.find((each) => each === field);
    if (found === undefined) throw unreadable(path, `"${name}" is "${field}"`);
    return found;
  };
  const options = value['options'];
  if (typeof options !== 'object' || options === null) throw unreadable(path, '"options" is no object');
  const of = options as Record<string, unknown>;
  let agreed: Agreed;
  try {
    agreed = agreedFromJson(value['agreed']);
  } catch (err) {
    throw unreadable(path, '"agreed" is not what INIT agrees on', err);
  }
  return {
    version: RECORD_VERSION,
    id: text(value, 'id'),
    target: text(value, 'target'),
    source: text(value, 'source'),
    sourceConfig: text(value, 'sourceConfig'),
    uid: number(value, 'uid'),
    connection: number(value, 'connection'),
    agreed,
    options: {
      links: oneOf(of, 'links', ['inside', 'raw']),
      entryTimeoutMs: number(of, 'entryTimeoutMs'),
      attrTimeoutMs: number(of, 'attrTimeoutMs'),
      negativeTimeoutMs: number(of, 'negativeTimeoutMs'),
      allowOther: flag(of, 'allowOther'),
      passthrough: flag(of, 'passthrough'),
      takeover: oneOf(of, 'takeover', ['auto', 'resend', 'journal']),
      standby: oneOf(of, 'standby', ['auto', 'on', 'off']),
      recoverDeadlineMs: number(of, 'recoverDeadlineMs'),
      hangTimeoutMs: number(of, 'hangTimeoutMs'),
    },
    createdAt: text(value, 'createdAt'),
    aborted: value['aborted'] === undefined ? undefined : text(value, 'aborted'),
  };
}

function unreadable(path: string, why: string, cause?: unknown): RecordError {
  return new RecordError(
    `Cannot read session record "${path}": ${why}`,
    { code: 'record-unreadable', path, why },
    { cause },
  );
}
