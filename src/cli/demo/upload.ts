// Puts the sample into a bucket: signed PUTs, a few at a time. What the mounts then show is what was hashed before: the
// signature covers each file's SHA-256, so a file that changed meanwhile is refused by the server, and left out.
import { createReadStream } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { Signer } from '../../cache/ufs/s3/index.ts';
import type { S3Server } from './s3-server.ts';
import type { SampleFile } from './sample.ts';

const AT_ONCE = 8;
const REQUEST_TIMEOUT_MS = 30_000;
const REGION = 'us-east-1';

/** Makes the bucket and fills it. Returns the files that are in it. */
export async function uploadSample(
  server: S3Server,
  bucket: string,
  source: string,
  sample: readonly SampleFile[],
  signal: AbortSignal,
): Promise<SampleFile[]> {
  await using uploader = new Uploader(server);
  await uploader.put(`/${bucket}`, undefined, signal);
  const isThere = new Map<SampleFile, boolean>();
  const left = sample[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) {
      const { path, sizeBytes, sha256 } = next.value;
      const body = { path: join(source, path), sizeBytes, sha256 };
      isThere.set(next.value, await uploader.put(`/${bucket}/${escapeKey(path)}`, body, signal));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return sample.filter((file) => isThere.get(file) === true);
}

/** Names that are no keys of UTF-8 come out as others, or not at all; the demo's sample has none such. */
function escapeKey(path: string): string {
  return path.split('/').map(escapeName).join('/');
}

function escapeName(name: string): string {
  return encodeURIComponent(name).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

interface Body {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

class Uploader implements AsyncDisposable {
  readonly #server: S3Server;
  readonly #signer = new Signer();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  readonly #credentials;

  constructor(server: S3Server) {
    this.#server = server;
    this.#credentials = { ...server, token: undefined };
  }

  /** False when the server refuses a body as not what was signed, or the file is gone. */
  async put(path: string, body: Body | undefined, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    const { host } = this.#server;
    const bodySha256 = body === undefined ? {} : { bodySha256: body.sha256 };
    const unsigned = { method: 'PUT', host, path, query: '', ...bodySha256 };
    const headers = {
      ...this.#signer.sign(unsigned, REGION, this.#credentials, Date.now()),
      'content-length': body?.sizeBytes ?? 0,
    };
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const [hostname, port] = host.split(':');
    const sent = request(
      { agent: this.#agent, hostname, port, method: 'PUT', path, headers, signal, timeout: REQUEST_TIMEOUT_MS },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode ?? 0));
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`Cannot upload the sample: ${host} does not answer`)));
    sent.on('error', reject);
    if (body === undefined) sent.end();
    else pipeline(createReadStream(body.path, { start: 0, end: body.sizeBytes - 1 }), sent, () => {}); // told by 'error'
    const status = await promise;
    if (status === 200 || body !== undefined) return status === 200;
    throw new Error(`Cannot make a bucket for the demo: the server answered ${status}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    return Promise.resolve();
  }
}
