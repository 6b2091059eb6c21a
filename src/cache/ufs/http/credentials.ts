// The Authorization header, from files that are read again whenever they change.
import { readFileSync, statSync } from 'node:fs';
import { UfsError } from '../errors.ts';
import type { MountSpec } from '../mount-spec.ts';

export const SECRETS = ['http.user', 'http.password', 'http.token'] as const;

/** Called for every request; undefined where the mount has no credentials. Throws UfsError 'denied' for a file that is gone. */
export type Authorization = () => string | undefined;

/** `http.token` (bearer), or `http.user`, which may be an option too, and `http.password` (basic). */
export function authorization(spec: MountSpec): Authorization {
  const { options, secretFiles } = spec;
  const token = secretFiles['http.token'];
  if (token !== undefined) {
    const read = secretFile(token);
    return () => `Bearer ${read()}`;
  }
  const password = secretFiles['http.password'];
  if (password === undefined) return () => undefined;
  const userFile = secretFiles['http.user'];
  const readUser = userFile === undefined ? () => options['http.user'] ?? '' : secretFile(userFile);
  const readPassword = secretFile(password);
  return () => `Basic ${Buffer.from(`${readUser()}:${readPassword()}`).toString('base64')}`;
}

/** The file's text without the newline at its end. */
function secretFile(path: string): () => string {
  let version = '';
  let text = '';
  return () => {
    try {
      const { mtimeNs, ctimeNs, size, ino } = statSync(path, { bigint: true });
      const now = `${mtimeNs}-${ctimeNs}-${size}-${ino}`;
      if (now === version) return text;
      text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
      version = now;
      return text;
    } catch (err) {
      const why = `the credentials file cannot be read (${String((err as NodeJS.ErrnoException).code)})`;
      throw new UfsError(`Cannot sign in: ${why}`, { code: 'denied', path: '/', why }, { cause: err });
    }
  };
}
