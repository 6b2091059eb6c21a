// evermount demo: kills the processes of a mount under readers, and counts what the readers notice.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { play } from '../demo/play.ts';
import { openProgress } from '../progress.ts';
import { finalReport, type Outcome } from '../demo/report.ts';
import { folderStage } from '../demo/folder-stage.ts';
import { s3Stage } from '../demo/s3-stage.ts';
import { findMinio } from '../demo/s3-server.ts';
import { SAMPLE, SAMPLE_S3, takeSample } from '../demo/sample.ts';
import type { Room, Stage } from '../demo/stage.ts';
import { parseSource } from '../sources.ts';
import { HostError } from '../../host/index.ts';

const help = `Usage: evermount demo [--kills N] [--json] [FOLDER]
       evermount demo --s3 [--minio PROGRAM] [--kills N] [--json] [FOLDER]

Shows what this program is for. Mounts FOLDER twice, read-only, below the temporary folder: once
by evermount, once as an ordinary FUSE mount (bindfs if it is installed, else our own daemon with
nobody beside it). Four readers on each mount, processes of their own, read files all the time:
two open every file anew, two keep the files they opened at the beginning. Each file is compared
by SHA-256 with what FOLDER held before.

Then processes of the evermount session are killed without warning (SIGKILL) at random moments:
its daemon 20 times, and between that its vault and its supervisor in turn. The daemon of the
ordinary mount is killed once. At the end stands what the readers of either mount noticed.

Files are opened with O_DIRECT, and passthrough is off: no page cache answers, every read is a
request to the daemon. FOLDER is the installed packages of this checkout, or /usr/share; nothing
is written to it. Root is not needed where fusermount3 is installed. Takes half a minute, and
removes everything it made, also when interrupted.

With --s3 the files are first put into a bucket of a real S3 server: MinIO, on loopback, with keys
made up for it. The bucket is mounted by evermount with a cache that begins empty and holds a
quarter of the files, so that daemons are killed while they fetch, and as the ordinary mount by
s3fs if it is installed, else by our own daemon with nobody beside it.

Options:
  --s3             over an S3 server
  --minio PROGRAM  the MinIO to start (default: minio in PATH; in a checkout, npm run demo -- --s3
                   builds one)
  --kills N        daemons to kill, 1 to 30 (default 20)
  --json           print the outcome as JSON

Exit status: 0 no error and no wrong byte, 1 otherwise, 69 FUSE cannot be used here, 130
interrupted.
`;

export const command: Command = { help, run };

const KILLS = 20;
const KILLS_MAX = 30;
const INTERRUPTED = 130;
const ALTERNATIVE = '/usr/share';

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      kills: { type: 'string' },
      json: { type: 'boolean' },
      s3: { type: 'boolean' },
      minio: { type: 'string' },
      'as-reader': { type: 'string' },
    },
  });
  if (values['as-reader'] !== undefined) {
    const { runReader } = await import('../demo/reader.ts');
    await runReader(JSON.parse(values['as-reader']) as Parameters<typeof runReader>[0]);
    return EXIT.OK;
  }
  if (positionals.length > 1) throw new UsageError('demo takes one FOLDER at most; see evermount demo --help');
  const daemonKills = parseKills(values.kills);
  const minio = values.s3 === true ? findMinio(values.minio, process.env['PATH']) : undefined;
  if (values.minio !== undefined && minio === undefined) throw new UsageError('--minio is for --s3');
  const source = sourceFolder(positionals[0]);
  const json = values.json === true;
  if (!json) process.stdout.write(`Reading ${source} to know what it holds …\n`);
  const sample = takeSample(source, minio === undefined ? SAMPLE : SAMPLE_S3);
  if (sample.length === 0) throw new UsageError(`Cannot use "${source}" for the demo: it has no file that can be read`);
  const upload = minio === undefined ? '' : ' Putting them into a bucket,';
  if (!json)
    process.stdout.write(
      `${sample.length} files.${upload} ${minio === undefined ? 'Mounting' : 'mounting'} it twice, starting readers, killing daemons …\n`,
    );
  const outcome = await untilInterrupted((signal) => {
    const progress = openProgress(json ? process.stderr : process.stdout);
    const stage = (room: Room): Promise<Stage> | Stage =>
      minio === undefined ? folderStage(source, sample, room) : s3Stage(minio, source, sample, room);
    return play({ source, stage, daemonKills, progress, signal }).finally(() => progress.end());
  });
  if (typeof outcome === 'number') return outcome;
  process.stdout.write(json ? `${JSON.stringify(outcome)}\n` : finalReport(outcome));
  return outcome.ok ? EXIT.OK : EXIT.FAILED;
}

/** Plays to the end, or until a signal asks to stop: then everything is put away first. */
async function untilInterrupted(work: (signal: AbortSignal) => Promise<Outcome>): Promise<Outcome | number> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  try {
    return await work(stop.signal);
  } catch (err) {
    if (stop.signal.aborted) {
      process.stderr.write('evermount: interrupted; everything is put away\n');
      return INTERRUPTED;
    }
    if (err instanceof HostError && (err.code === 'no-fuse' || err.code === 'mount-failed')) {
      process.stderr.write(
        `evermount: Cannot show the demo without FUSE. ${err.message}\n"evermount doctor" tells what is missing.\n`,
      );
      return EXIT.NO_FUSE;
    }
    throw err;
  }
}

function sourceFolder(given: string | undefined): string {
  const source = parseSource(`local:${given ?? installedPackages() ?? ALTERNATIVE}`);
  if (source.kind !== 'local') throw new UsageError(`Cannot use "${String(given)}" for the demo: it is no folder`);
  return source.path;
}

/** The packages of the checkout this program is in. This file lies somewhere below it, bundled or not. */
function installedPackages(): string | undefined {
  for (let folder = import.meta.dirname; folder !== '/'; folder = dirname(folder)) {
    if (!existsSync(join(folder, 'package.json'))) continue;
    const packages = join(folder, 'node_modules');
    return existsSync(packages) ? packages : undefined;
  }
  return undefined;
}

function parseKills(text: string | undefined): number {
  const kills = text === undefined ? KILLS : Number(text);
  if (!Number.isInteger(kills) || kills < 1 || kills > KILLS_MAX) {
    throw new UsageError(`Cannot use --kills "${String(text)}": it takes a number from 1 to ${KILLS_MAX}`);
  }
  return kills;
}
