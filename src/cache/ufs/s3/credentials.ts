// Credentials as files have them right now. Who rotates them writes the files, and nothing has to be restarted.
//
// Looked at once in a while by stat, and at once when the storage said no. A file that cannot be read for the moment does not
// take away what was read before.
import { readFileSync, statSync } from 'node:fs';
import { UfsError } from '../errors.ts';
import type { SecretFiles } from './options.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly token: string | undefined;
}

export class CredentialFiles {
  readonly #files: SecretFiles;
  readonly #checkMs: number;
  readonly #nowMs: () => number;
  #current: Credentials | undefined;
  #stamp = '';
  #checkAtMs = -Infinity;

  constructor(files: SecretFiles, checkMs: number, nowMs: () => number) {
    this.#files = files;
    this.#checkMs = checkMs;
    this.#nowMs = nowMs;
  }

  /** Undefined: requests are anonymous. Throws 'denied' when there are none to be had yet. */
  current(): Credentials | undefined {
    if (this.#files.kind === 'anonymous') return undefined;
    const nowMs = this.#nowMs();
    if (nowMs >= this.#checkAtMs) {
      this.#checkAtMs = nowMs + this.#checkMs;
      if (this.#current === undefined || this.#stampNow() !== this.#stamp) this.#load();
    }
    return this.#current ?? this.#load();
  }

  /** Reads the files again, whatever their times. True when there is something else than `used` now. */
  renewed(used: Credentials | undefined): boolean {
    if (this.#files.kind === 'anonymous') return false;
    const now = this.#load();
    return (
      now.accessKeyId !== used?.accessKeyId || now.accessKeySecret !== used.accessKeySecret || now.token !== used.token
    );
  }

  #load(): Credentials {
    try {
      // Stamped before it is read: what changes meanwhile is read again next time.
      const stamp = this.#stampNow();
      const next = readCredentials(this.#files);
      this.#stamp = stamp;
      if (this.#current === undefined || !isSame(this.#current, next)) this.#current = next;
    } catch (err) {
      if (this.#current === undefined) {
        const why = `no credentials: ${(err as Error).message}`;
        throw new UfsError(`Cannot sign a request: ${why}`, { code: 'denied', path: '', why }, { cause: err });
      }
    }
    return this.#current;
  }

  #stampNow(): string {
    return pathsOf(this.#files)
      .map((path) => {
        const stat = statSync(path, { throwIfNoEntry: false, bigint: true });
        return stat === undefined ? 'none' : `${stat.dev}:${stat.ino}:${stat.mtimeNs}:${stat.size}`;
      })
      .join(' ');
  }
}

function isSame(one: Credentials, other: Credentials): boolean {
  return (
    one.accessKeyId === other.accessKeyId && one.accessKeySecret === other.accessKeySecret && one.token === other.token
  );
}

function pathsOf(files: SecretFiles): string[] {
  switch (files.kind) {
    case 'anonymous':
      return [];
    case 'aws-file':
      return [files.path];
    case 'values':
      return [files.accessKeyId, files.accessKeySecret, ...(files.token === undefined ? [] : [files.token])];
  }
}

function readCredentials(files: SecretFiles): Credentials {
  if (files.kind === 'values') {
    return {
      accessKeyId: readValue(files.accessKeyId),
      accessKeySecret: readValue(files.accessKeySecret),
      token: files.token === undefined ? undefined : readValue(files.token),
    };
  }
  if (files.kind === 'aws-file') return parseAwsFile(readFileSync(files.path, 'utf8'), files.path, files.profile);
  throw new Error('there are no files');
}

function readValue(path: string): string {
  const value = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  if (value === '') throw new Error(`"${path}" is empty`);
  if (/[^\x21-\x7e]/.test(value)) throw new Error(`"${path}" holds something else than one value`);
  return value;
}

/** The shared credentials file of AWS: sections of "name = value". */
function parseAwsFile(text: string, path: string, profile: string): Credentials {
  const values = new Map<string, string>();
  let section = '';
  for (const line of text.split('\n').map((each) => each.trim())) {
    const heading = /^\[\s*(?:profile\s+)?(.*?)\s*\]/.exec(line);
    if (heading !== null) section = heading[1] ?? '';
    const pair = /^([a-z_]+)\s*=\s*(\S+)$/.exec(line);
    if (heading === null && section === profile && pair !== null) values.set(pair[1] ?? '', pair[2] ?? '');
  }
  const accessKeyId = values.get('aws_access_key_id');
  const accessKeySecret = values.get('aws_secret_access_key');
  if (accessKeyId === undefined || accessKeySecret === undefined) {
    throw new Error(`"${path}" has no access key in profile "${profile}"`);
  }
  return { accessKeyId, accessKeySecret, token: values.get('aws_session_token') };
}
