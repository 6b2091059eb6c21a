// The S3 server of the demo: a MinIO on loopback, with keys that are made up for it, in a folder of its own.
import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { Fault, sleep } from '../../base/index.ts';
import { isAlive, kill, start, type Child } from '../../host/index.ts';

export interface S3Server {
  /** "127.0.0.1:PORT". */
  readonly host: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  /** Holds them in the format of ~/.aws/credentials. */
  readonly credentialsFile: string;
  end(): Promise<void>;
}

export type S3ServerFault = { code: 'no-minio' } | { code: 'minio-failed'; log: string };
export class S3ServerError extends Fault<S3ServerFault> {}

const READY_TIMEOUT_MS = 30_000;
const POLL_MS = 20;

/** The program that was given, or `minio` in PATH. Throws S3ServerError with advice. */
export function findMinio(given: string | undefined, path: string | undefined): string {
  const candidates =
    given === undefined ? (path ?? '').split(delimiter).map((folder) => join(folder, 'minio')) : [given];
  const found = candidates.find(isProgram);
  if (found !== undefined) return found;
  const what = given === undefined ? 'there is no program "minio" in PATH' : `"${given}" is no program`;
  throw new S3ServerError(
    `Cannot show the demo over S3: ${what}. Get one from https://min.io and name it by --minio PROGRAM; in a checkout with Go "npm run demo -- --s3" builds one`,
    { code: 'no-minio' },
  );
}

/** Resolves when it answers. */
export async function startS3Server(
  program: string,
  room: string,
  log: string,
  signal: AbortSignal,
): Promise<S3Server> {
  const data = join(room, 'minio');
  mkdirSync(data);
  const host = `127.0.0.1:${await freePort()}`;
  const accessKeyId = `demo${randomBytes(8).toString('hex')}`;
  const accessKeySecret = randomBytes(24).toString('hex');
  const credentialsFile = join(room, 'credentials');
  writeFileSync(
    credentialsFile,
    `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${accessKeySecret}\n`,
    { mode: 0o600 },
  );
  const child = start({
    program,
    args: ['server', data, '--address', host, '--console-address', '127.0.0.1:0', '--quiet'],
    fds: [],
    log,
    privilege: 'none',
    env: {
      PATH: process.env['PATH'],
      HOME: data,
      MINIO_ROOT_USER: accessKeyId,
      MINIO_ROOT_PASSWORD: accessKeySecret,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
    },
  });
  const server = { host, accessKeyId, accessKeySecret, credentialsFile, end: () => end(child) };
  try {
    await untilReady(host, child, log, signal);
  } catch (err) {
    await server.end();
    throw err;
  }
  return server;
}

async function untilReady(host: string, child: Child, log: string, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const answer = await fetch(`http://${host}/minio/health/cluster`, { signal: AbortSignal.timeout(2_000) }).catch(
      () => undefined, // not listening yet
    );
    if (answer?.ok === true) return;
    if (!isAlive(child.process) || performance.now() > endMs) {
      throw new S3ServerError('Cannot show the demo over S3: MinIO did not begin to answer', {
        code: 'minio-failed',
        log,
      });
    }
    await sleep(POLL_MS, signal);
  }
}

async function end({ process }: Child): Promise<void> {
  kill(process);
  while (isAlive(process)) await sleep(POLL_MS);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => resolve(undefined));
  await promise;
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
