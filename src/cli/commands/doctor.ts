// evermount doctor: examines this machine, or a mount that is sick.
import { parseArgs } from 'node:util';
import type { Command } from '../command.ts';
import { judgeMachine } from '../doctor/machine.plan.ts';
import { observeMachine } from '../doctor/machine.ts';
import { isOurs, judgeMount } from '../doctor/mount.plan.ts';
import { observeMount } from '../doctor/mount.ts';
import { formatFindings } from '../doctor/print.ts';
import { EXIT, UsageError } from '../exit.ts';
import { defaultOptions } from '../session-options.ts';
import { STANDBY_MIN_BYTES } from '../standby.ts';

const help = `Usage: evermount doctor [--json] [DIR]

Examines what mounts depend on: the kernel, FUSE, privilege, limits, memory, the state folder. Each
line says how it is, what that means, and what to do if something is to be done.

With DIR it also examines the mount there: whether it is in the mount table, what is written down of
it, which of its processes live and which are stopped, whether requests wait, and whether it answers.
A mount that hangs cannot hang the doctor: it is only asked by programs with a deadline.

Options:
  --json   one JSON object: { healthy, machine: […], mount: […] }

Exit status: 0 nothing is bad, 3 nothing of ours is mounted at DIR, 5 something is bad.
`;

export const command: Command = { help, run };

const NODE_MAJOR_MIN = 24;

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { json: { type: 'boolean' } } });
  const [given, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError('doctor takes one DIR at most; see evermount doctor --help');
  const uid = process.getuid?.() ?? 0;
  const needs = {
    nodeMajorMin: NODE_MAJOR_MIN,
    standbyMinBytes: STANDBY_MIN_BYTES,
    recoverDeadlineMs: defaultOptions(uid === 0).recoverDeadlineMs,
  };
  const examined = given === undefined ? undefined : await observeMount(given, uid);
  const machine = judgeMachine(observeMachine(uid), needs);
  const mount = examined === undefined ? undefined : judgeMount(examined);
  const healthy = [...machine, ...(mount ?? [])].every(({ level }) => level !== 'bad');
  if (values.json === true) process.stdout.write(`${JSON.stringify({ healthy, machine, mount })}\n`);
  else {
    const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
    process.stdout.write(formatFindings('This machine', machine, colour));
    if (mount !== undefined)
      process.stdout.write(`\n${formatFindings(`The mount at ${String(given)}`, mount, colour)}`);
  }
  if (examined !== undefined && !isOurs(examined)) return EXIT.NOT_MOUNTED;
  return healthy ? EXIT.OK : EXIT.SICK;
}
