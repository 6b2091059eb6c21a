// Sources a person can name, and the file system that serves each.
import { constants, openSync, realpathSync, statSync } from 'node:fs';
import { UsageError } from './exit.ts';

export type Source =
  | { kind: 'local'; spec: string; name: string; path: string }
  | { kind: 'dummy'; spec: string; name: string }
  | { kind: 'dataset'; spec: string; name: string };

export const SOURCES_HELP = `  PATH or local:PATH   a folder of this machine, read-only
  s3://BUCKET/PREFIX   objects of a bucket, cached on this machine, read-only; oss:// the same
                       for Aliyun OSS
  https://HOST/DIR/    a folder that a web server lists (nginx, Apache), or one file; http:// too
  dummy:               a tiny file system with one file, for trying things out`;

/** Schemes of sources that go through the cache engine. */
const DATASET_SCHEMES = ['s3', 'oss', 'http', 'https'];

/** Reads what was given: "dummy:", "local:PATH", or a plain path. Throws UsageError when it names no source. */
export function parseSource(given: string): Source {
  if (given === 'dummy:' || given === 'dummy') return { kind: 'dummy', spec: 'dummy:', name: 'dummy-fuse' };
  const scheme = /^([a-z][a-z0-9+.-]*):(.*)$/s.exec(given);
  if (scheme !== null && DATASET_SCHEMES.includes(String(scheme[1]))) {
    const problem = mountPointProblem(given);
    if (problem !== undefined) throw new UsageError(`Cannot mount "${given}": ${problem}`);
    return { kind: 'dataset', spec: given, name: given };
  }
  if (scheme !== null && scheme[1] !== 'local') {
    throw new UsageError(
      `Cannot mount "${given}": "${String(scheme[1])}:" is no kind of source here. Sources:\n${SOURCES_HELP}`,
    );
  }
  const path = scheme === null ? given : String(scheme[2]);
  let real: string;
  try {
    real = realpathSync(path);
    if (!statSync(real).isDirectory()) throw new UsageError(`Cannot mount "${path}": it is no folder`);
  } catch (err) {
    if (err instanceof UsageError) throw err;
    throw new UsageError(
      `Cannot mount "${path}": ${(err as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such folder' : (err as Error).message}`,
    );
  }
  return { kind: 'local', spec: `local:${real}`, name: real, path: real };
}

/** What is wrong with the address of an under storage, if anything. */
function mountPointProblem(text: string): string | undefined {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return 'it is no address; write s3://bucket/prefix or https://host/folder/';
  }
  if (url.username !== '' || url.password !== '')
    return 'secrets do not belong into an address; see --credentials and --secret-file';
  if (url.host === '') return 'it names no bucket or host';
  return undefined;
}

/** The source's root as a descriptor, opened before the mount: so it may be mounted over, even by this very mount. */
export function openSource(source: Source): number | undefined {
  return source.kind === 'local' ? openSync(source.path, constants.O_RDONLY | constants.O_DIRECTORY) : undefined;
}

/** The folder behind a written-down source. */
export function localPathOf(spec: string): string {
  return spec.slice('local:'.length);
}
