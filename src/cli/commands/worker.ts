// evermount worker: the cache of one machine, for the clients of a runtime, for as long as the process lives.
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { withClusterStatus } from '../cluster/exit.ts';
import { readMountsFile } from '../cluster/mounts-file.ts';
import {
  claimsOf,
  metricsOpenOf,
  parseListen,
  PART_HELP,
  PART_OPTIONS,
  partLog,
  required,
  tokenFileOf,
} from '../cluster/part-options.ts';
import { parseTier } from '../cluster/tiers.ts';
import { untilSignal } from '../cluster/until-signal.ts';
import type { Logger } from '../../base/index.ts';
import { openBlockStore, type TierConfig } from '../../cache/blocks/index.ts';
import { openFill } from '../../cache/fill/index.ts';
import { openUfs, type MountSpec } from '../../cache/ufs/index.ts';
import { openWorker, type WorkerConfig } from '../../cache/worker/index.ts';

const help = `Usage: evermount worker --listen HOST:PORT --master HOST:PORT --token-file FILE --mounts FILE
                        --tier TIER [options]

Keeps data of a dataset on this machine and gives it to clients. What is not there is read from the
storage, once, however many ask. Every block has a checksum: one that does not match is dropped,
counted (evermount_worker_damaged_blocks_total) and read anew, never given out. A tier that is full
or fails is left alone, the others go on. Stays in the foreground; SIGTERM and SIGINT end it. It may
be killed at any moment: what is on disk is used again by the next start.

Options:
  --listen HOST:PORT        where clients reach it
  --advertise HOST:PORT     the same as others see it, if that differs
  --master HOST:PORT        whom to tell of it; waited for if it is away
  --mounts FILE             what the dataset mounts: see evermount master --help
  --tier MEDIUM:PATHS:QUOTAS[:HIGH:LOW]
                            where data is kept, the best first; repeatable. MEDIUM is MEM, SSD or
                            HDD; several PATHS by comma, with one quota for each of them or a list
                            of as many; above the share HIGH of its quota (0.95) a path is emptied
                            to LOW (0.7), least recently used first.
                            MEM:/dev/shm/x:2GiB   SSD:/ssd1,/ssd2:100GiB,200GiB:0.9:0.6
${PART_HELP}

The first path of the first tier holds the id of the worker: by it clients find again what they put
there. Two live processes with one id are refused: the younger one ends with status 4.
GET /healthz says ok while it serves; GET /metrics is for Prometheus.
Exit status: 0 ended by a signal, 2 wrong usage, 4 another process has its id or its folder,
77 no permission, 1 anything else.
`;

export const command: Command = { help, run };

const FINISH_MS = 2000;
const MIB = 2 ** 20;
/** What goes at once when room is made: as a share of the largest path, within these bounds. */
const SEGMENT_SHARE = 1 / 32;
const SEGMENT_BYTES = { min: MIB, max: 64 * MIB };

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...PART_OPTIONS,
      advertise: { type: 'string' },
      master: { type: 'string' },
      mounts: { type: 'string' },
      tier: { type: 'string', multiple: true },
    },
  });
  if (positionals.length > 0) throw new UsageError(`worker takes no "${String(positionals[0])}"`);
  const tiers = (values.tier ?? []).map(parseTier);
  const folder = tiers[0]?.paths[0]?.path;
  if (folder === undefined) throw new UsageError('worker needs --tier; see evermount worker --help');
  const log = partLog('worker', values);
  const config = {
    listen: parseListen('--listen', required('worker', values, 'listen')),
    tokenFile: tokenFileOf({ 'token-file': required('worker', values, 'token-file') }).tokenFile ?? '',
    folder,
    master: parseListen('--master', required('worker', values, 'master')),
    ...(values.advertise === undefined ? {} : { advertise: parseListen('--advertise', values.advertise) }),
    metricsOpen: metricsOpenOf(values),
  };
  const mounts = readMountsFile('--mounts', required('worker', values, 'mounts'));
  return withClusterStatus(() => serve(config, { tiers, mounts, claims: claimsOf(values) }, log));
}

interface Data {
  readonly tiers: readonly TierConfig[];
  readonly mounts: readonly MountSpec[];
  readonly claims: Readonly<Record<string, string>>;
}

async function serve(config: WorkerConfig, { tiers, mounts, claims }: Data, log: Logger): Promise<number> {
  const ended = untilSignal();
  // Memory file systems come up empty; a folder on a disk that is missing is a disk that is missing.
  for (const { medium, paths } of tiers) {
    for (const { path } of medium === 'MEM' ? paths : []) mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  const ufs = await openUfs(mounts, { logger: log, claims });
  const store = openBlockStore({ tiers }, { log });
  await store.begin();
  const largestBytes = Math.max(...tiers.flatMap(({ paths }) => paths.map(({ quotaBytes }) => quotaBytes)));
  const segmentBytes = segmentBytesFor(largestBytes);
  const source = openFill({ wholeBytesMax: segmentBytes, segmentBytes }, { ufs, store, log });
  const close = async (): Promise<void> => {
    await source.close();
    await store.close();
    await ufs.close();
  };
  try {
    const worker = await openWorker(config, { source, store, log, fetchedBytes: () => source.stats().fetchedBytes });
    try {
      const signal = await Promise.race([ended, worker.done]);
      log.info('worker ends', { signal });
    } finally {
      await worker.close(FINISH_MS);
    }
  } finally {
    await close();
  }
  return EXIT.OK;
}

function segmentBytesFor(quotaBytes: number): number {
  const share = Math.floor((quotaBytes * SEGMENT_SHARE) / MIB) * MIB;
  return Math.max(SEGMENT_BYTES.min, Math.min(SEGMENT_BYTES.max, share));
}
