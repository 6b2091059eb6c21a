// evermount umount: the end of a mount.
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { findSession } from '../find-session.ts';
import { killAt } from '../kill-at.ts';
import { mountAt, probePath, unmount } from '../../host/index.ts';
import { stateFolder } from '../../recovery/index.ts';

const help = `Usage: evermount umount [--lazy] DIR

Ends the mount at DIR and every process of it. Never waits for a daemon.

Options:
  --lazy   detach it now although files are open; it ends when the last one is closed

Exit status: 0 unmounted, 3 nothing of ours is mounted there, 4 in use.
`;

export const command: Command = { help, run };

const END_TIMEOUT_MS = 5_000;

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { lazy: { type: 'boolean' } } });
  const [given, ...rest] = positionals;
  if (given === undefined || rest.length > 0) throw new UsageError('umount takes a DIR; see evermount umount --help');
  const session = findSession(stateFolder(process.env, process.getuid?.() ?? 0), given);
  const { target } = session;
  const mounted = mountAt(target);
  if (mounted?.type !== 'fuse.evermount') {
    if (session.folder !== undefined) {
      rmSync(session.folder.path, { recursive: true, force: true }); // left over from a session that is over
      return EXIT.OK;
    }
    process.stderr.write(`evermount: Cannot unmount "${target}": nothing of ours is mounted there\n`);
    return EXIT.NOT_MOUNTED;
  }
  killAt('umount:found');
  // A mount whose connection is over can only be detached, and nobody can be using it for anything.
  const dead = (await probePath(target)).kind === 'dead';
  const outcome = await unmount(target, values.lazy === true || dead);
  killAt('umount:unmounted');
  if (outcome === 'busy') {
    process.stderr.write(
      `evermount: Cannot unmount "${target}": files in it are open. "fuser -vm ${target}" shows by whom; --lazy detaches it all the same\n`,
    );
    return EXIT.BUSY;
  }
  if (typeof outcome === 'object') {
    process.stderr.write(`evermount: Cannot unmount "${target}": ${outcome.failed}\n`);
    return EXIT.FAILED;
  }
  if (session.folder === undefined) return EXIT.OK;
  // With the connection over, nobody may be left to remove the folder.
  if (dead) rmSync(session.folder.path, { recursive: true, force: true });
  else if (values.lazy !== true) await untilRemoved(session.folder.path);
  return EXIT.OK;
}

/** The session's processes end by themselves and remove its folder; if none is left to do it, this does. */
async function untilRemoved(path: string): Promise<void> {
  const { existsSync } = await import('node:fs');
  const endMs = performance.now() + END_TIMEOUT_MS;
  while (existsSync(path)) {
    if (performance.now() > endMs) {
      rmSync(path, { recursive: true, force: true });
      return;
    }
    await sleep(10);
  }
}
