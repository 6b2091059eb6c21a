// evermount status: every mount of this user, or one.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { findSession } from '../find-session.ts';
import { formatDuration, formatTable } from '../../base/index.ts';
import {
  askSession,
  isMounted,
  listSessions,
  readRecord,
  stateFolder,
  type SessionFolder,
  type SessionStatus,
} from '../../recovery/index.ts';

const help = `Usage: evermount status [--watch] [--json] [DIR]

Shows each mount of yours: target, source, state, the kernel's connection number, how often
another daemon took over, and the processes. Asks the processes, never the mount.

States: serving; recovering (no daemon just now, applications wait); handing-over (a planned
change of daemon); aborted (given up, applications get errors); lost (no process is left).

Options:
  --watch   again every second, until interrupted
  --json    one JSON array

Exit status: 0 all serve, 3 nothing of ours at DIR, 5 some do not serve.
`;

export const command: Command = { help, run };

const WATCH_MS = 1000;

type Row = Omit<Partial<SessionStatus>, 'state'> & { target: string; state: SessionStatus['state'] | 'lost' };

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { watch: { type: 'boolean' }, json: { type: 'boolean' } },
  });
  if (positionals.length > 1) throw new UsageError('status takes one DIR at most; see evermount status --help');
  const uid = process.getuid?.() ?? 0;
  const state = stateFolder(process.env, uid);
  for (;;) {
    const folders =
      positionals[0] === undefined
        ? listSessions(state)
        : [findSession(state, positionals[0]).folder].filter((each) => each !== undefined);
    const rows = (await Promise.all(folders.map((folder) => rowOf(folder, uid)))).filter((row) => row !== undefined);
    print(rows, values.json === true, values.watch === true);
    if (values.watch !== true) {
      if (positionals[0] !== undefined && rows.length === 0) {
        process.stderr.write(`evermount: nothing of ours is mounted at "${positionals[0]}"\n`);
        return EXIT.NOT_MOUNTED;
      }
      return rows.every((row) => row.state === 'serving' || row.state === 'handing-over') ? EXIT.OK : EXIT.SICK;
    }
    await sleep(WATCH_MS);
  }
}

async function rowOf(folder: SessionFolder, uid: number): Promise<Row | undefined> {
  const status = await askSession(folder, uid);
  if (status !== undefined) return status;
  try {
    const { target, source, connection, aborted, createdAt, options } = readRecord(folder.record);
    if (!isMounted(target, connection) && aborted === undefined) return undefined; // over, its folder about to go
    return {
      target,
      source,
      connection,
      createdAt,
      options,
      state: aborted === undefined ? 'lost' : 'aborted',
      pids: {},
    };
  } catch {
    return undefined; // being made or removed
  }
}

function print(rows: readonly Row[], json: boolean, watch: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(rows)}\n`);
    return;
  }
  if (watch && process.stdout.isTTY) process.stdout.write('\x1b[H\x1b[2J');
  if (rows.length === 0) {
    process.stdout.write('No mounts.\n');
    return;
  }
  process.stdout.write(
    `${formatTable(rows, [
      { title: 'TARGET', text: (row) => row.target },
      { title: 'SOURCE', text: (row) => row.source ?? '' },
      { title: 'STATE', text: (row) => row.state },
      { title: 'SINCE', text: (row) => (row.sinceMs === undefined ? '' : formatDuration(row.sinceMs)) },
      { title: 'CONNECTION', text: (row) => String(row.connection ?? '') },
      { title: 'TAKEOVERS', text: (row) => String(row.takeovers ?? '') },
      { title: 'WAITING', text: (row) => String(row.requestsWaiting ?? '') },
      { title: 'VAULT', text: (row) => String(row.pids?.vault ?? '-') },
      { title: 'SUPERVISOR', text: (row) => String(row.pids?.supervisor ?? '-') },
      { title: 'DAEMON', text: (row) => String(row.pids?.daemon ?? '-') },
      { title: 'STANDBY', text: (row) => String(row.pids?.standby ?? '-') },
    ])}\n`,
  );
}
