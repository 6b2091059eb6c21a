// evermount master: the names of a dataset, who its workers are, and load jobs, for as long as the process lives.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { parseDuration } from '../session-options.ts';
import { withClusterStatus } from '../cluster/exit.ts';
import { readMountsFile } from '../cluster/mounts-file.ts';
import { ensureNodeFlags } from '../cluster/node-flags.ts';
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
import { untilSignal } from '../cluster/until-signal.ts';
import { openWorkerActions } from '../cluster/worker-actions.ts';
import { parseRefresh } from '../dataset/dataset-options.ts';
import { openMaster } from '../../cache/master/index.ts';
import { openNamespace, type RefreshPolicy } from '../../cache/namespace/index.ts';
import { TokenFile } from '../../cache/rpc/index.ts';
import { openUfs } from '../../cache/ufs/index.ts';

const help = `Usage: evermount master --listen HOST:PORT --token-file FILE --meta-dir DIR --mounts FILE [options]

Keeps the names of a dataset: files, folders, their attributes, versions and inode numbers; knows
which workers are alive; tells clients of changes; runs load jobs. Data does not pass through it.
Stays in the foreground; SIGTERM and SIGINT end it. It may be killed at any moment: nothing that
was acknowledged is lost, and clients go on with what they know until it is back.

Options:
  --listen HOST:PORT        where workers and clients reach it; unix:PATH for a socket
  --meta-dir DIR            all it needs to remember; ours alone. May be copied or moved to another
                            host while no master uses it
  --mounts FILE             what the dataset mounts, JSON, the same for master, workers and clients:
                            [{"mountPoint": "s3://bucket/prefix", "path": "/",
                              "options": {"fs.s3.endpoint": "http://minio:9000"},
                              "secretFiles": {"credentials": "/etc/secret/credentials"}}]
                            Left out: those of the last start
${PART_HELP}
  --dataset NAME            what it is called; a meta-dir of another one is refused
                            (default "default")
  --refresh 5m|always|never how old names and attributes may be before the storage is asked again
                            when somebody asks for them
  --rescan 1h|never         how often the storage is listed as a whole, so that clients learn of
                            changes nobody asked for (default: as --refresh, but at least 1m)
  --lease 10s               how long a worker counts as alive after it was heard of

GET /healthz says ok while it serves; GET /metrics is for Prometheus.
Exit status: 0 ended by a signal, 2 wrong usage, 77 no permission, 1 anything else.
`;

export const command: Command = { help, run };

/** With the usual 16 MiB a scavenge leaves so much garbage that a million names would not fit the memory they may take. */
const YOUNG_SPACE = '--max-semi-space-size=4';
const RESCAN_MS_MIN = 60_000;

async function run(args: string[]): Promise<number> {
  ensureNodeFlags(YOUNG_SPACE);
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...PART_OPTIONS,
      'meta-dir': { type: 'string' },
      mounts: { type: 'string' },
      dataset: { type: 'string' },
      refresh: { type: 'string' },
      rescan: { type: 'string' },
      lease: { type: 'string' },
    },
  });
  if (positionals.length > 0) throw new UsageError(`master takes no "${String(positionals[0])}"`);
  const metaDir = resolve(required('master', values, 'meta-dir'));
  const listen = parseListen('--listen', required('master', values, 'listen'));
  const refresh = parseRefresh(values.refresh);
  const log = partLog('master', values);
  const claims = claimsOf(values);
  const token = tokenFileOf(values);
  const rescanMs = parseRescan(values.rescan, refresh);
  const config = {
    metaDir,
    listen,
    ...token,
    metricsOpen: metricsOpenOf(values),
    ...(values.mounts === undefined ? {} : { mounts: readMountsFile('--mounts', values.mounts) }),
    ...(rescanMs === undefined ? {} : { rescanMs }),
    ...(values.lease === undefined ? {} : { leaseMs: parseDuration('--lease', values.lease, 1000) }),
  };
  return withClusterStatus(async () => {
    const tokens = token.tokenFile === undefined ? undefined : new TokenFile(token.tokenFile, { log });
    const workers = openWorkerActions({ log, token: tokens });
    const ended = untilSignal();
    const master = await openMaster(config, {
      log,
      openUfs: (mounts) => openUfs(mounts, { logger: log, claims }),
      openNamespace: async (ufs) => {
        const identity = `dataset:${values.dataset ?? 'default'}`; // its mounts may change
        const names = await openNamespace(
          { folder: metaDir, refresh, identity, numbersFrom: numbersFrom(Date.now()) },
          { ufs, logger: log },
        );
        names.begin();
        return names;
      },
      workers,
    });
    const signal = await ended;
    log.info('master ends', { signal });
    await master.close();
    workers.close();
    return EXIT.OK;
  });
}

const NUMBERS_SINCE_MS = Date.UTC(2026, 0, 1);
const NUMBERS_PER_MS = 64;

/**
 * Grows faster than names are found. A master that was restored from an older copy numbers names that the copy does not
 * know of: never with a number that clients have seen on another name since.
 */
function numbersFrom(nowMs: number): number {
  return Math.max(0, Math.floor(nowMs - NUMBERS_SINCE_MS)) * NUMBERS_PER_MS;
}

function parseRescan(text: string | undefined, refresh: RefreshPolicy): number | undefined {
  if (text === 'never') return undefined;
  if (text !== undefined) return parseDuration('--rescan', text, 1000);
  return refresh.policy === 'ttl' ? Math.max(RESCAN_MS_MIN, refresh.ttlMs) : undefined;
}
