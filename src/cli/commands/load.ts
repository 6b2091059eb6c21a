// evermount load: the data of a dataset into the cache, before anybody reads it.
import { parseArgs } from 'node:util';
import { LoadFollower } from '../cache/load-follower.ts';
import { loadJson, loadLine, loadSentences } from '../cache/load-report.ts';
import { openPlace, PLACE_HELP, PLACE_OPTIONS } from '../cache/place.ts';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { openProgress } from '../progress.ts';
import { formatBytes } from '../../base/index.ts';
import type { RpcClient } from '../../cache/rpc/index.ts';
import type { LoadSpec, LoadStatus } from '../../cache/rpc/master/index.ts';
import { decodeCacheSummary } from '../dataset/cache-summary.ts';

const help = `Usage: evermount load [options] DIR[/PATH]
       evermount load [options] --master HOST:PORT --token-file FILE [PATH]

Fetches what is at DIR/PATH, or all of the dataset mounted at DIR, into the cache, so that the
first reader need not wait for the storage. What is cached already is not fetched again: a load
that was interrupted is simply run again.

The daemon of the mount does the work; when it dies, its successor goes on. Readers come first.
A file that cannot be loaded is told at the end and does not keep the others from being loaded.

Options:
  --refresh           ask the storage first what is there now, whatever the mount's --refresh
  --metadata-only     names and attributes only, no data: find and ls are then answered at once
  --replicas N        with a master: how many workers shall have each piece (default 1)
  --background        return once the load is under way; evermount cache shows it
  --json              print the outcome as JSON
${PLACE_HELP}

Ctrl-C calls the load off; what was loaded stays. Exit status: 0 all is cached, 1 something could
not be loaded, 2 wrong usage, or a mount without a cache, 3 nothing of ours is mounted there, 130
interrupted.
`;

export const command: Command = { help, run };

const INTERRUPTED = 130;
const REPLICAS_MAX = 64;
/** What is over sooner needs no progress shown. */
const QUIET_MS = 500;

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...PLACE_OPTIONS,
      refresh: { type: 'boolean' },
      'metadata-only': { type: 'boolean' },
      replicas: { type: 'string' },
      background: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  const replicas = parseReplicas(values.replicas, values.master !== undefined);
  const place = openPlace('load', positionals, values);
  if (place === undefined) return EXIT.NOT_MOUNTED;
  const { client, path, name } = place;
  const json = values.json === true;
  const spec: LoadSpec = {
    paths: [path],
    refresh: values.refresh === true,
    metadataOnly: values['metadata-only'] === true,
    replicas,
  };
  try {
    const follower = new LoadFollower(client, spec);
    const ended = await untilInterrupted(follower, async (signal) => {
      const started = await follower.start(signal);
      if (values.background === true) return started;
      const progress = openProgress(process.stderr);
      const show = (now: LoadStatus['progress']): void => {
        if (now.state === 'waiting' || now.elapsedMs > QUIET_MS)
          progress.show(loadLine(now, spec.metadataOnly === true));
      };
      return follower.end(show, signal).finally(() => progress.end());
    });
    if (ended === undefined) return INTERRUPTED;
    if (json) process.stdout.write(`${JSON.stringify(loadJson(ended))}\n`);
    if (values.background === true) {
      if (!json) process.stdout.write(`Loading "${name}" in the background\n`);
      return EXIT.OK;
    }
    const isWhole = ended.progress.state === 'done' && ended.progress.failedFiles === 0;
    if (!json) (isWhole ? process.stdout : process.stderr).write(loadSentences(name, ended));
    if (isWhole) await warnOfEviction(client, ended);
    return isWhole ? EXIT.OK : EXIT.FAILED;
  } finally {
    client.close();
  }
}

/** Works until a signal asks to stop: the job is called off then, and undefined is what came of it. */
async function untilInterrupted(
  follower: LoadFollower,
  work: (signal: AbortSignal) => Promise<LoadStatus>,
): Promise<LoadStatus | undefined> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  try {
    return await work(stop.signal);
  } catch (err) {
    if (!stop.signal.aborted) throw err;
    await follower.cancel();
    process.stderr.write('evermount: the load was called off; what was loaded stays\n');
    return undefined;
  }
}

/** Whoever loads more than fits loses the beginning of it again. */
async function warnOfEviction(client: RpcClient, { progress, spec }: LoadStatus): Promise<void> {
  if (spec.metadataOnly === true) return;
  const { capacityBytes } = decodeCacheSummary(await client.json({ path: '/v1/summary' }));
  if (progress.foundBytes <= capacityBytes) return;
  process.stderr.write(
    `evermount: the cache holds ${formatBytes(capacityBytes)}, less than the ${formatBytes(progress.foundBytes)} that were loaded: what was loaded first is gone again. Mount with a larger --cache-size, or load less\n`,
  );
}

function parseReplicas(text: string | undefined, hasMaster: boolean): number {
  if (text !== undefined && !hasMaster) throw new UsageError('--replicas is for --master');
  const replicas = Number(text ?? 1);
  if (Number.isInteger(replicas) && replicas >= 1 && replicas <= REPLICAS_MAX) return replicas;
  throw new UsageError(`Cannot use --replicas "${String(text)}": it takes a number from 1 to ${REPLICAS_MAX}`);
}
