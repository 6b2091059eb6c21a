// The object store of a bench: MinIO on loopback, its data in one folder, one bucket that anybody may read and write, so that
// raw requests cost no signature. Clients use its keys, as they would anywhere.
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { sleep } from '../../src/base/index.ts';
import { ensureTool } from '../../scripts/tools.ts';
import { onStop } from '../cleanup.ts';

export const BUCKET = 'bench';
export const ACCESS_KEY = 'bench-access';
export const SECRET_KEY = 'bench-secret-key';

const START_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 300_000;
const PUTS_AT_ONCE = 32;

/** What one object is made of; asked for once, just before it is sent. */
export interface Upload {
  key: string;
  sizeBytes: number;
  /** Called in order until the size is reached. */
  chunk: () => Buffer;
}

export class Store {
  readonly port: number;
  readonly process: ChildProcess;
  readonly #folder: string;
  readonly #forget: () => void;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: PUTS_AT_ONCE });

  private constructor(port: number, process: ChildProcess, folder: string) {
    this.port = port;
    this.process = process;
    this.#folder = folder;
    this.#forget = onStop(() => process.kill());
  }

  /** Starts MinIO over the folder, with the bucket in it. */
  static async start(folder: string): Promise<Store> {
    mkdirSync(folder, { recursive: true });
    const port = await freePort();
    const child = spawn(await ensureTool('minio'), ['server', folder, '--address', `127.0.0.1:${port}`, '--quiet'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, MINIO_ROOT_USER: ACCESS_KEY, MINIO_ROOT_PASSWORD: SECRET_KEY },
    });
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => (said = `${said}${bytes.toString()}`.slice(-2000)));
    const store = new Store(port, child, folder);
    const until = performance.now() + START_TIMEOUT_MS;
    while (!(await store.#isUp())) {
      if (child.exitCode !== null || performance.now() > until)
        throw new Error(`Cannot start MinIO: it does not answer. ${said}`);
      await sleep(50);
    }
    await store.#makeBucket(BUCKET);
    return store;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Where its data lies, to bring it into memory. */
  get folder(): string {
    return this.#folder;
  }

  async has(key: string): Promise<boolean> {
    return (await fetch(`${this.endpoint}/${BUCKET}/${key}`, { method: 'HEAD' })).ok;
  }

  /** Stores them all, many at once. */
  async upload(uploads: Iterable<Upload>): Promise<void> {
    const queue = uploads[Symbol.iterator]();
    const work = async (): Promise<void> => {
      for (let next = queue.next(); next.done !== true; next = queue.next()) await this.#put(next.value);
    };
    await Promise.all(Array.from({ length: PUTS_AT_ONCE }, work));
  }

  async stop(): Promise<void> {
    this.#forget();
    this.#agent.destroy();
    const { process } = this;
    if (process.exitCode !== null || process.signalCode !== null) return;
    const ended = new Promise((resolve) => process.on('exit', resolve));
    process.kill();
    await ended;
  }

  #put({ key, sizeBytes, chunk }: Upload): Promise<void> {
    return new Promise((resolve, reject) => {
      const outgoing = request({
        host: '127.0.0.1',
        port: this.port,
        agent: this.#agent,
        method: 'PUT',
        path: `/${BUCKET}/${key}`,
        headers: { 'Content-Length': sizeBytes },
        timeout: REQUEST_TIMEOUT_MS,
      });
      outgoing.on('response', (response) => {
        response.resume();
        response.on('end', () => {
          if (response.statusCode === 200) resolve();
          else reject(new Error(`Cannot store ${key}: MinIO answered ${response.statusCode ?? 0}`));
        });
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
      outgoing.on('error', (err) => reject(new Error(`Cannot store ${key}: ${err.message}`)));
      let left = sizeBytes;
      const more = (): void => {
        while (left > 0) {
          const bytes = chunk().subarray(0, left);
          left -= bytes.length;
          if (!outgoing.write(bytes) && left > 0) {
            outgoing.once('drain', more);
            return;
          }
        }
        outgoing.end();
      };
      more();
    });
  }

  async #isUp(): Promise<boolean> {
    try {
      return (await fetch(`${this.endpoint}/minio/health/live`)).ok;
    } catch {
      return false;
    }
  }

  async #makeBucket(Bucket: string): Promise<void> {
    const client = new S3Client({
      endpoint: this.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY },
    });
    try {
      await client.send(new CreateBucketCommand({ Bucket })).catch((err: unknown) => {
        if ((err as Error).name !== 'BucketAlreadyOwnedByYou') throw err;
      });
      const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`];
      const Statement = [{ Effect: 'Allow', Principal: { AWS: ['*'] }, Action: ['s3:*'], Resource }];
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
      await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    } finally {
      client.destroy();
    }
  }
}

/** A port of loopback that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
