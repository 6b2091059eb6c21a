// Sources a person can name, and the file system that serves each.
import { constants, openSync, realpathSync, statSync } from 'node:fs';
import { UsageError } from './exit.ts';

export type Source =
  { kind: 'local'; spec: string; name: string; path: string } | { kind: 'dummy'; spec: string; name: string };

export const SOURCES_HELP = `  PATH or local:PATH   a folder of this machine, read-only
  dummy:               a tiny file system with one file, for trying things out`;

/** Reads what was given: "dummy:", "local:PATH", or a plain path. Throws UsageError when it names no source. */
export function parseSource(given: string): Source {
  if (given === 'dummy:' || given === 'dummy') return { kind: 'dummy', spec: 'dummy:', name: 'dummy-fuse' };
  const scheme = /^([a-z][a-z0-9+.-]*):(.*)$/s.exec(given);
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

/** The source's root as a descriptor, opened before the mount: so it may be mounted over, even by this very mount. */
export function openSource(source: Source): number | undefined {
  return source.kind === 'local' ? openSync(source.path, constants.O_RDONLY | constants.O_DIRECTORY) : undefined;
}

/** The folder behind a written-down source. */
export function localPathOf(spec: string): string {
  return spec.slice('local:'.length);
}
