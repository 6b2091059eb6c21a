// How this program starts itself again as another part of a session, and what each part may do.
import { writeSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger, type Logger } from '../base/index.ts';
import { start, type Child, type Privilege } from '../host/index.ts';
import { descriptorList, sessionFolder, type Descriptors, type SessionFolder } from '../recovery/index.ts';

/** Each part is a program of its own, loading no more than it needs: how fast it starts is how long applications wait. */
const EXTENSION = import.meta.url.endsWith('.ts') ? 'ts' : 'js';

/** Small heaps and few threads: most of a session's processes only wait. */
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=2', '--v8-pool-size=1'];

export type Part = 'vault' | 'supervisor' | 'daemon';

export interface LaunchOptions {
  folder: SessionFolder;
  descriptors: Descriptors | undefined;
  privilege: Privilege;
  args?: readonly string[];
  /** The program, if it is not named like the part. */
  program?: string;
}

/** Starts a part of the session; it inherits the descriptors that are given. */
export function launch(
  part: Part,
  { folder, descriptors, privilege, args = [], program = part }: LaunchOptions,
): Child {
  const source = descriptors?.source === undefined ? [] : ['--with-source'];
  return start({
    program: process.execPath,
    args: [...NODE_FLAGS, programOf(program), folder.path, ...source, ...args],
    fds: descriptors === undefined ? [] : descriptorList(descriptors),
    log: folder.log,
    privilege,
  });
}

function programOf(program: string): string {
  return fileURLToPath(new URL(`./${program}.${EXTENSION}`, import.meta.url));
}

/** What launch told a part by its arguments. */
export function partArguments(): { folder: SessionFolder; hasSource: boolean; inherits: boolean } {
  const [path = '', ...flags] = process.argv.slice(2);
  return {
    folder: sessionFolder(path),
    hasSource: flags.includes('--with-source'),
    inherits: flags.includes('--inherit'),
  };
}

/** A log line is one write to standard error, made at once: the next instruction may be the last. */
export function partLogger(part: Part, { path }: SessionFolder): Logger {
  const write = (line: string): void => {
    try {
      writeSync(2, line);
    } catch {
      // a full disk, a closed pipe: serving matters more than its log
    }
  };
  return createLogger({ write, fields: { part, session: basename(path), pid: process.pid } });
}
