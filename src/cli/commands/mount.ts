// evermount mount: a source at a folder, served by processes that go on after this command.
import { parseArgs } from 'node:util';
import { closeSync } from 'node:fs';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { killAt } from '../kill-at.ts';
import { launch } from '../launch.ts';
import { CHANGEABLE_HELP, defaultOptions, FIXED_HELP, SESSION_OPTIONS, withValues } from '../session-options.ts';
import { DATASET_HELP, DATASET_OPTIONS } from '../dataset/dataset-options.ts';
import { defaultsFor, prepareSource } from '../dataset/prepare.ts';
import { openSource, parseSource, SOURCES_HELP } from '../sources.ts';
import { systemdUnit } from '../systemd.ts';
import { untilEnded } from '../until-ended.ts';
import { createSession, stateFolder } from '../../recovery/index.ts';
import { createLogger } from '../../base/index.ts';

const help = `Usage: evermount mount [options] SOURCE DIR

Mounts SOURCE at the folder DIR, read-only, and returns once it can be read. The mount then
lives on its own: whichever of its processes dies is replaced, and applications only wait.

Sources:
${SOURCES_HELP}

Options:
${CHANGEABLE_HELP}
${FIXED_HELP}

Options for object storage:
${DATASET_HELP}

Other options:
  --foreground              stay until the mount ends; SIGINT and SIGTERM unmount
  --json                    print the session as JSON
  --print-systemd           print a systemd unit for this mount, and do nothing else

Durations: 250ms, 5s, 1m, 2h. Exit status: 0 mounted, 2 wrong usage, 4 something is mounted there
already, 69 no FUSE here, 77 no permission, 1 anything else.
`;

export const command: Command = { help, run };

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...SESSION_OPTIONS,
      ...DATASET_OPTIONS,
      foreground: { type: 'boolean' },
      json: { type: 'boolean' },
      'print-systemd': { type: 'boolean' },
    },
  });
  const [given, target, ...rest] = positionals;
  if (given === undefined || target === undefined || rest.length > 0)
    throw new UsageError('mount takes a SOURCE and a DIR; see evermount mount --help');
  if (values['print-systemd'] === true) {
    process.stdout.write(systemdUnit(given, target, args));
    return EXIT.OK;
  }
  const uid = process.getuid?.() ?? 0;
  const source = parseSource(given);
  const who = { uid, gid: process.getgid?.() ?? 0, env: process.env };
  const sourceConfig = await prepareSource(source, target, values, who);
  const options = withValues(defaultsFor(sourceConfig, defaultOptions(uid === 0)), values);
  const sourceFd = openSource(source);
  try {
    const { folder, status } = await createSession(
      {
        stateFolder: stateFolder(process.env, uid),
        target,
        source: source.spec,
        sourceConfig,
        sourceName: source.name,
        sourceFd,
        uid,
        options,
      },
      {
        log: createLogger(),
        startVault: (into, descriptors) => {
          launch('vault', { folder: into, descriptors, privilege: 'all', args: ['--inherit'] }).unref();
        },
        step: (step) => killAt(`mount:${step}`),
      },
    );
    if (values.json === true) process.stdout.write(`${JSON.stringify(status)}\n`);
    else if (process.stdout.isTTY) process.stdout.write(`Mounted ${source.spec} at ${status.target}\n`);
    if (values.foreground === true) return await untilEnded(folder, status, uid);
    return EXIT.OK;
  } finally {
    if (sourceFd !== undefined) closeSync(sourceFd);
  }
}
