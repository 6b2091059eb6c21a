// One signed request and its answer, over connections that are kept. Gives chunks of the socket on without copying.
//
// Every request ends: by its answer, by an error, by the signal, or by a deadline (limits.ts). Here is also what is done again
// at once because it cannot mean anything else: a kept connection that the storage had closed, credentials that were
// replaced meanwhile, a bucket in another region.
import assert from 'node:assert/strict';
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Logger } from '../../../base/index.ts';
import { Pool, WireError, type AnswerHeaders, type Exchange } from '../../wire/index.ts';
import type { UfsError } from '../errors.ts';
import {
  badAnswer,
  isDenied,
  noConnection,
  refusalError,
  regionHint,
  unavailable,
  type Purpose,
  type Refusal,
} from './answers.ts';
import type { CredentialFiles, Credentials } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import type { S3Limits } from './limits.ts';
import { Signer } from './sign.ts';

export interface Call {
  readonly method: 'GET' | 'HEAD';
  /** Escaped, from the bucket on. */
  readonly path: string;
  /** Escaped and sorted by name. */
  readonly query: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly purpose: Purpose;
  /** Of the answer's body at most, for the deadline. */
  readonly bodyBytes: number;
}

/** Takes the answer asked for. What it throws ends the request. */
export interface Taker {
  begin(status: number, headers: AnswerHeaders): void;
  chunk(chunk: Buffer): void;
}

export interface TransportDeps {
  readonly limits: S3Limits;
  readonly credentials: CredentialFiles;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

export class Transport {
  readonly #endpoint: Endpoint;
  readonly #deps: TransportDeps;
  readonly #signer = new Signer();
  readonly #pool: Pool;
  #region: string;

  constructor(endpoint: Endpoint, deps: TransportDeps) {
    this.#endpoint = endpoint;
    this.#deps = deps;
    this.#region = endpoint.region;
    const { secure, hostname, port } = endpoint;
    const lookup = hostname.endsWith('.localhost') ? { lookup: lookupLocalhost } : undefined;
    this.#pool = new Pool({ secure, hostname, port, ...lookup }, deps.limits.socketsMax);
  }

  /** Resolves when the taker has the whole answer; throws UfsError, what the taker threw, or the signal's reason. */
  async send(call: Call, taker: Taker, signal?: AbortSignal): Promise<void> {
    let mayBeStale = true;
    let mayRenew = true;
    let mayMove = true;
    for (;;) {
      const credentials = this.#deps.credentials.current();
      const refusal = await this.#exchange(call, credentials, taker, mayBeStale, signal);
      if (refusal === undefined) return;
      if (refusal === 'stale') {
        mayBeStale = false; // the others may be as stale: by a connection of its own
      } else if (mayMove && this.#move(refusal)) {
        mayMove = false;
      } else if (mayRenew && isDenied(refusal) && this.#deps.credentials.renewed(credentials)) {
        mayRenew = false;
        this.#deps.logger.info('credentials read again', { endpoint: this.#endpoint.name });
      } else {
        throw refusalError(refusal, call.purpose, this.#deps.nowMs());
      }
    }
  }

  close(): void {
    this.#pool.close();
  }

  /** The storage names another region than the one that was signed for. */
  #move(refusal: Refusal): boolean {
    const region = regionHint(refusal);
    if (region === undefined || region === this.#region) return false;
    this.#deps.logger.info('region learned', { endpoint: this.#endpoint.name, region });
    this.#region = region;
    return true;
  }

  async #exchange(
    call: Call,
    credentials: Credentials | undefined,
    taker: Taker,
    mayBeStale: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Refusal | 'stale' | undefined> {
    const { limits } = this.#deps;
    const { stallTimeoutMs, answerTimeoutMs, slowestBytesPerSecond } = limits;
    const refusal = { status: 0, headers: {}, body: '' };
    const answer = { isWanted: false };
    const endAtMs = performance.now() + answerTimeoutMs + (call.bodyBytes / slowestBytesPerSecond) * 1000;
    const exchange: Exchange = {
      method: call.method,
      request: this.#requestOf(call, credentials),
      taker: {
        head: (status, headers) => {
          answer.isWanted = status === 200 || status === 206;
          if (answer.isWanted) taker.begin(status, headers);
          else Object.assign(refusal, { status, headers });
        },
        chunk: (chunk) => {
          if (answer.isWanted) taker.chunk(chunk);
          else if (refusal.body.length < limits.errorBytesMax) refusal.body += chunk.toString();
        },
      },
      stallTimeoutMs,
      endAtMs,
      signal,
    };
    try {
      await this.#pool.run(exchange, !mayBeStale);
    } catch (err) {
      if (!(err instanceof WireError)) throw err;
      if (err.code === 'stale' && mayBeStale) return 'stale';
      throw errorOf(err, call.purpose);
    }
    return answer.isWanted ? undefined : refusal;
  }

  #requestOf(call: Call, credentials: Credentials | undefined): string {
    const { host } = this.#endpoint;
    const { method, path, query } = call;
    const signed =
      credentials === undefined
        ? { host }
        : this.#signer.sign({ method, host, path, query }, this.#region, credentials, this.#deps.nowMs());
    let request = `${method} ${query === '' ? path : `${path}?${query}`} HTTP/1.1\r\n`;
    for (const [name, value] of Object.entries({ ...signed, ...call.headers })) request += `${name}: ${value}\r\n`;
    assert(!/[\r\n]{3}|\r(?!\n)|[^\r]\n/.test(request), 'a line of the request has a line break');
    return `${request}\r\n`;
  }
}

function errorOf(err: WireError, purpose: Purpose): UfsError {
  const { fault } = err;
  switch (fault.code) {
    case 'not-connected':
      return noConnection(purpose, fault.why, err);
    case 'stale':
      return unavailable(purpose, 'no connection stays open', err);
    case 'broken':
      return fault.begun
        ? unavailable(purpose, `the answer broke off: ${fault.why}`, err)
        : unavailable(purpose, `no connection: ${fault.why}`, err);
    case 'stalled':
      return unavailable(purpose, `not a byte came for ${fault.afterMs / 1000} s`, err);
    case 'too-slow':
      return unavailable(purpose, 'the answer comes too slowly', err);
    case 'nonsense':
      return badAnswer(purpose, fault.what);
  }
}

/** Names under ".localhost" are this machine (RFC 6761, section 6.3), which not every resolver knows. */
const lookupLocalhost: LookupFunction = (_hostname, options, done) => {
  systemLookup('127.0.0.1', options, done);
};
