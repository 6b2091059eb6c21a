// evermount fuse: a dataset of a master and its workers at a folder, for as long as the process lives: the main process of a
// container. The mount itself is a session as any other: its daemon may die at any moment.
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Command } from '../command.ts';
import { EXIT, UsageError } from '../exit.ts';
import { parseBytes } from '../bytes.ts';
import { killAt } from '../kill-at.ts';
import { launch } from '../launch.ts';
import { CHANGEABLE_HELP, defaultOptions, parseDuration, SESSION_OPTIONS, withValues } from '../session-options.ts';
import { untilEnded } from '../until-ended.ts';
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
} from '../cluster/part-options.ts';
import { encodeDatasetConfig, type ClientConfig } from '../dataset/dataset-config.ts';
import { defaultCacheDir, parseLook, parseRefresh } from '../dataset/dataset-options.ts';
import { withKernelCache } from '../dataset/prepare.ts';
import type { Logger } from '../../base/index.ts';
import { MasterLink } from '../../cache/client/master/index.ts';
import { openRpcClient } from '../../cache/rpc/index.ts';
import { createSession, stateFolder, type SessionOptions } from '../../recovery/index.ts';

const help = `Usage: evermount fuse --master HOST:PORT --token-file FILE [options] DIR

Mounts the dataset of a master at the folder DIR, read-only. Names come from the master, data from
its workers. Whichever process dies, here or there, costs time: applications get no error for what
is known of names and is held by any worker or the storage. Stays in the foreground; SIGTERM and
SIGINT unmount.

Options:
  --master HOST:PORT        unix:PATH for a socket
  --mounts FILE             what the master mounts, with credentials: where no worker can help, data
                            is then read from the storage itself; see evermount master --help
  --cache-dir DIR           where names are kept (default /var/cache/evermount for root,
                            ~/.cache/evermount for users); survives unmounting
  --memory 128MiB           the most that is held of data read ahead
  --patience 60s            how long applications wait for a master that is away when they ask for
                            names that are not known
  --refresh changes|5m|always
                            when names and attributes are asked for again: when the master tells
                            that they changed (default), after a time, or always
  --listen HOST:PORT        where /healthz and /metrics are answered; unix:PATH for a socket
${PART_HELP}
  --uid N --gid N           owner of files that have none of their own (default: who mounts)
  --fmode 775 --dmode 775   permissions of such files and folders, octal
  --background              return once it can be read; the mount lives on its own
${CHANGEABLE_HELP}
  --allow-other             others than the mounting user may look inside (always so for root)

Exit status: 0 unmounted, 2 wrong usage, 4 something is mounted there already, 5 given up, 69 no FUSE
here, 77 no permission or the wrong token, 1 anything else.
`;

export const command: Command = { help, run };

const MEMORY_BYTES = { default: 128 * 2 ** 20, min: 16 * 2 ** 20 };
const PATIENCE_MS = 60_000;
const ASK_PATIENCE_MS = 30_000;

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...SESSION_OPTIONS,
      ...PART_OPTIONS,
      master: { type: 'string' },
      mounts: { type: 'string' },
      'cache-dir': { type: 'string' },
      memory: { type: 'string' },
      patience: { type: 'string' },
      refresh: { type: 'string' },
      uid: { type: 'string' },
      gid: { type: 'string' },
      fmode: { type: 'string' },
      dmode: { type: 'string' },
      background: { type: 'boolean' },
    },
  });
  const [target, ...rest] = positionals;
  if (target === undefined || rest.length > 0) throw new UsageError('fuse takes one DIR; see evermount fuse --help');
  const who = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, env: process.env };
  const master = parseListen('--master', required('fuse', values, 'master'));
  const cacheDir = resolve(values['cache-dir'] ?? defaultCacheDir(who));
  const config: ClientConfig = {
    kind: 'client',
    master,
    tokenFile: resolve(required('fuse', values, 'token-file')),
    mounts: values.mounts === undefined ? [] : readMountsFile('--mounts', values.mounts),
    claims: claimsOf(values),
    cacheFolder: join(cacheDir, nameOf(master, target)),
    refresh:
      values.refresh === undefined || values.refresh === 'changes' ? { policy: 'never' } : parseRefresh(values.refresh),
    patienceMs: values.patience === undefined ? PATIENCE_MS : parseDuration('--patience', values.patience, 1000),
    memoryBytes: parseBytes('--memory', values.memory, MEMORY_BYTES.min) ?? MEMORY_BYTES.default,
    listen: values.listen === undefined ? undefined : parseListen('--listen', values.listen),
    metricsOpen: metricsOpenOf(values),
    look: parseLook(values, who),
  };
  const options = withValues(withKernelCache(config.refresh, defaultOptions(who.uid === 0)), values);
  const log = partLog('fuse', values);
  return withClusterStatus(async () => {
    await askMaster(config, log);
    return mount(target, config, options, who.uid, values.background === true, log);
  });
}

async function mount(
  target: string,
  config: ClientConfig,
  options: SessionOptions,
  uid: number,
  inBackground: boolean,
  log: Logger,
): Promise<number> {
  const source = `evermount://${config.master}`;
  const { folder, status } = await createSession(
    {
      stateFolder: stateFolder(process.env, uid),
      target,
      source,
      sourceConfig: encodeDatasetConfig(config),
      sourceName: source,
      sourceFd: undefined,
      uid,
      options,
    },
    {
      log,
      startVault: (into, descriptors) => {
        launch('vault', { folder: into, descriptors, privilege: 'all', args: ['--inherit'] }).unref();
      },
      step: (step) => killAt(`mount:${step}`),
    },
  );
  log.info('mounted', { target: status.target, master: config.master });
  return inBackground ? EXIT.OK : untilEnded(folder, status, uid);
}

/** Whoever mounts wants to know at once that the address or the token is wrong; a master that is about to start is waited for. */
async function askMaster({ master, tokenFile }: ClientConfig, log: Logger): Promise<void> {
  const link = new MasterLink(
    { patienceMs: ASK_PATIENCE_MS },
    { rpc: openRpcClient({ address: master, tokenFile }, { log }), log },
  );
  try {
    await link.json({ path: '/v1/summary' }, { path: Buffer.alloc(0), canDoWithout: false });
  } finally {
    link.close();
  }
}

function nameOf(master: string, target: string): string {
  return createHash('sha256')
    .update(`${master}\0${resolve(target)}`)
    .digest('hex')
    .slice(0, 16);
}
