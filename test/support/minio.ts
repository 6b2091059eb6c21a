// A MinIO server for tests: on loopback, in a folder of its own, gone when it is stopped.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureTool } from '../../scripts/tools.ts';
import { statusOf } from './processes.ts';
import { until, within } from './wait.ts';

export interface Minio {
  /** "http://127.0.0.1:PORT". */
  readonly endpoint: string;
  readonly port: number;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly pid: number;
  /** Where it keeps its data. */
  readonly folder: string;
  /** Ends it, removes its data. Can be repeated. */
  stop(): Promise<void>;
}

export interface MinioOptions {
  /** Where to keep data; default a folder that is made, and removed with the server. */
  readonly folder?: string;
  /** Default one that is free. */
  readonly port?: number;
}

/** Buckets are reached as path, and as "BUCKET.localhost" too. */
const DOMAIN = 'localhost';

export async function startMinio(options: MinioOptions = {}): Promise<Minio> {
  const program = process.env['EVERMOUNT_TEST_MINIO'] ?? (await ensureTool('minio'));
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'evermount-minio-'));
  const port = options.port ?? (await freePort());
  const keys = { accessKeyId: 'evermount-test', accessKeySecret: 'evermount-test-secret' };
  const endpoint = `http://127.0.0.1:${port}`;
  const { child, complaints } = startServer(program, folder, port, keys);
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    if (child.pid !== undefined) await within(10_000, 'the end of MinIO', statusOf(child));
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until('MinIO', () => isReady(endpoint, child, complaints), 60_000);
  } catch (err) {
    await stop();
    throw err;
  }
  return { endpoint, port, ...keys, pid: child.pid ?? -1, folder, stop };
}

type Keys = Pick<Minio, 'accessKeyId' | 'accessKeySecret'>;

function startServer(
  program: string,
  folder: string,
  port: number,
  { accessKeyId, accessKeySecret }: Keys,
): { child: ChildProcess; complaints: () => string } {
  const address = `127.0.0.1:${port}`;
  const child = spawn(
    program,
    ['server', folder, '--address', address, '--console-address', '127.0.0.1:0', '--quiet'],
    {
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        MINIO_ROOT_USER: accessKeyId,
        MINIO_ROOT_PASSWORD: accessKeySecret,
        MINIO_DOMAIN: DOMAIN,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let said = '';
  child.on('error', (err) => (said += err.message));
  child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-2000)));
  child.unref();
  return { child, complaints: () => said };
}

async function isReady(endpoint: string, child: ChildProcess, complaints: () => string): Promise<boolean> {
  if (child.pid === undefined || child.exitCode !== null) throw new Error(`Cannot start MinIO: ${complaints()}`);
  const answer = await fetch(`${endpoint}/minio/health/cluster`, { signal: AbortSignal.timeout(5_000) }).catch(
    () => undefined, // not listening yet
  );
  return answer?.ok === true;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
