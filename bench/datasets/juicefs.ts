// JuiceFS on Redis. Its data lies in the same store in a form of its own, so it is written through JuiceFS first; cold means
// that its cache folder is empty. Redis keeps every name in memory throughout, as JuiceFS's users have it.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../../src/base/index.ts';
import { ensureTool } from '../../scripts/tools.ts';
import { onStop } from '../cleanup.ts';
import { run } from '../workspace.ts';
import { mountBy, type Client, type MountedClient, type Place } from './client.ts';
import { isInstalled } from './s3fs.ts';
import { ACCESS_KEY, freePort, SECRET_KEY } from './store.ts';

const FLAGS = [
  ...[
    '--no-usage-report',
    '--no-bgjob',
    '--cache-size',
    '20480',
    '--free-space-ratio',
    '0.05',
    '--buffer-size',
    '1024',
  ],
  ...['--attr-cache', '3600', '--entry-cache', '3600', '--dir-entry-cache', '3600', '--open-cache', '3600'],
];
const START_TIMEOUT_MS = 10_000;

/** `plain` has the same files as plain ones, in the folder of that prefix. */
export function juicefs({ store, folder }: Place, plain: string): Client {
  let program = '';
  let redis: ChildProcess | undefined;
  let meta = '';
  const mount = async (...flags: string[]): Promise<MountedClient> =>
    mountBy('juicefs', folder, {
      program,
      args: (target, cache) => ['mount', ...FLAGS, ...flags, '--cache-dir', cache, meta, target],
    });
  return {
    name: 'juicefs',
    prepare: async () => {
      if (!isInstalled('redis-server')) return 'redis-server is not installed';
      program = await ensureTool('juicefs');
      const port = await freePort();
      meta = `redis://127.0.0.1:${port}/1`;
      redis = await startRedis(port, folder);
      // A bucket that belongs to nobody else: what an earlier run left there has no names any more.
      const bucket = `${store.endpoint}/juicefs-${Date.now()}`;
      const keys = { ...process.env, ACCESS_KEY, SECRET_KEY };
      await run(program, ['format', '--storage', 'minio', '--bucket', bucket, meta, 'bench'], keys);
      return undefined;
    },
    ingest: async (prefix) => {
      const writer = await mount();
      try {
        await run('cp', ['--recursive', join(plain, prefix), writer.path]);
      } finally {
        await writer.close();
      }
    },
    mount: async (prefix) => {
      const mounted = await mount('--read-only');
      return { ...mounted, path: join(mounted.path, prefix) };
    },
    close: async () => {
      if (program !== '') {
        await run(program, ['destroy', '--force', meta, await uuidOf(program, meta)]).catch((err: unknown) => {
          process.stderr.write(`bench: left data of JuiceFS in the store: ${(err as Error).message}\n`);
        });
      }
      redis?.kill();
    },
  };
}

async function uuidOf(program: string, meta: string): Promise<string> {
  const status = JSON.parse(await run(program, ['status', meta])) as { Setting: { UUID: string } };
  return status.Setting.UUID;
}

/** Redis on loopback, nothing of it on disk. */
async function startRedis(port: number, folder: string): Promise<ChildProcess> {
  const own = join(folder, 'redis');
  mkdirSync(own);
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', own];
  const redis = spawn('redis-server', args, { stdio: 'ignore' });
  redis.on(
    'exit',
    onStop(() => redis.kill()),
  );
  const untilMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const answer = await run('redis-cli', ['-p', String(port), 'ping']).catch(() => '');
    if (answer.startsWith('PONG')) return redis;
    if (redis.exitCode !== null || performance.now() > untilMs)
      throw new Error('Cannot start Redis: it does not answer');
    await sleep(50);
  }
}
