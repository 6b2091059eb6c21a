// evermount restart: another daemon for a mount, without interrupting it.
import { parseArgs } from 'node:util';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { findSession } from '../find-session.ts';
import { killAt } from '../kill-at.ts';
import { CHANGEABLE_HELP, SESSION_OPTIONS, withValues } from '../session-options.ts';
import { formatDuration } from '../../base/index.ts';
import { restartSession, stateFolder, writeRecord } from '../../recovery/index.ts';

const help = `Usage: evermount restart [options] DIR

Replaces the daemon of the mount at DIR by a new process, running the program as it is installed
now. The old one finishes the requests it has, then the new one takes the next: no request is
run twice and no application sees anything but a short wait, which is printed.

Options (each changes the mount's setting):
${CHANGEABLE_HELP}
  --json                    print the outcome as JSON

Exit status: 0 replaced, 3 nothing of ours is mounted there, 5 the session is not healthy.
`;

export const command: Command = { help, run };

const FIXED = ['allow-other', 'passthrough'] as const;
const RESTART_TIMEOUT_MS = 60_000;

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...SESSION_OPTIONS, json: { type: 'boolean' } },
  });
  const [given, ...rest] = positionals;
  if (given === undefined || rest.length > 0) throw new UsageError('restart takes a DIR; see evermount restart --help');
  for (const name of FIXED) {
    if (values[name] !== undefined)
      throw new UsageError(
        `Cannot change --${name} of a mount: it was agreed with the kernel when it was mounted; unmount and mount again`,
      );
  }
  const uid = process.getuid?.() ?? 0;
  const { target, folder, record } = findSession(stateFolder(process.env, uid), given);
  if (folder === undefined || record === undefined) {
    process.stderr.write(`evermount: Cannot restart "${target}": nothing of ours is mounted there\n`);
    return EXIT.NOT_MOUNTED;
  }
  const options = withValues(record.options, values);
  if (JSON.stringify(options) !== JSON.stringify(record.options)) writeRecord(folder.record, { ...record, options });
  // Read again in any case: a restart before this one may have died between writing and asking.
  killAt('restart:record-written');
  const outcome = await restartSession(folder, uid, true, RESTART_TIMEOUT_MS);
  killAt('restart:asked');
  if (outcome?.done !== true) {
    process.stderr.write(
      `evermount: Cannot restart "${target}": the session did not get a new daemon; "evermount doctor ${target}" tells more\n`,
    );
    return EXIT.SICK;
  }
  const { stallMs, leftovers } = outcome;
  if (values.json === true)
    process.stdout.write(`${JSON.stringify({ target, stallMs, requestsRunTwice: leftovers })}\n`);
  else
    process.stdout.write(
      `Restarted ${target}: requests waited ${formatDuration(stallMs)}, ${leftovers} were run twice\n`,
    );
  return EXIT.OK;
}
