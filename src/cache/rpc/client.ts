// The client of every part: keep-alive connections to one address, bounded, and a deadline on everything.
import { Agent } from 'node:http';
import type { Logger } from '../../base/index.ts';
import { formatAddress, parseAddress, type Address } from './address.ts';
import { decodeError } from './error-codec.ts';
import { badAnswer, busy, RpcError } from './errors.ts';
import { startExchange, type Exchange } from './exchange.ts';
import { readLines } from './lines.ts';
import { TokenFile } from './token.ts';

export interface RpcClientConfig {
  /** "host:port", "http://host:port" or the absolute path of a unix socket. */
  readonly address: string;
  /** Default: none is shown, as on a unix socket in a private folder. */
  readonly tokenFile?: string;
  /** Connections at once; further requests wait for one. Default 32. */
  readonly socketsMax?: number;
  /** Requests at once, those that wait included; more are 'busy'. Default 1024. */
  readonly inFlightMax?: number;
  /** Default 2 s. */
  readonly connectMs?: number;
}

export interface RpcClientDeps {
  readonly log: Logger;
  /** A token that several clients share; made from `tokenFile` if it is left out. */
  readonly token?: TokenFile;
}

export interface RpcCall {
  readonly path: string;
  /** What is undefined is left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** Makes it a POST of this as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** For the whole call. Default 30 s; of lines(): until the first of them, default 30 s. */
  readonly deadlineMs?: number;
  /** Between two pieces of the answer. Default: `deadlineMs`. */
  readonly silenceMs?: number;
}

/** Every call throws RpcError, the UfsError that the other side told of, or the reason of the signal. */
export interface RpcClient {
  readonly address: string;
  /** Default bound of an answer: 16 MiB. */
  json(call: RpcCall, bytesMax?: number): Promise<unknown>;
  /** The values of a stream of lines. Left early, the connection is cut. A stream that is cut short throws. */
  lines(call: RpcCall): AsyncIterable<unknown>;
  /** Gives the pieces as they arrive, of exactly `lengthBytes` where that is given. What `sink` throws ends the call and is thrown. */
  bytes(call: RpcCall, lengthBytes: number | undefined, sink: (chunk: Buffer) => void): Promise<void>;
  /** Cuts what is in flight. */
  close(): void;
}

const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const DEADLINE_MS = 30_000;

/** Connects on the first call. Throws RpcError 'bad-config'. */
export function openRpcClient(config: RpcClientConfig, deps: RpcClientDeps): RpcClient {
  const own = config.tokenFile === undefined ? undefined : new TokenFile(config.tokenFile, { log: deps.log });
  return new HttpClient(config, parseAddress(config.address), deps.token ?? own);
}

class HttpClient implements RpcClient {
  readonly address: string;
  readonly #target: Address;
  readonly #token: TokenFile | undefined;
  readonly #connectMs: number;
  readonly #inFlightMax: number;
  readonly #agent: Agent;
  #inFlight = 0;

  constructor(config: RpcClientConfig, target: Address, token: TokenFile | undefined) {
    this.address = formatAddress(target);
    this.#target = target;
    this.#token = token;
    this.#connectMs = config.connectMs ?? 2000;
    this.#inFlightMax = config.inFlightMax ?? 1024;
    const sockets = config.socketsMax ?? 32;
    this.#agent = new Agent({ keepAlive: true, maxSockets: sockets, maxFreeSockets: sockets, scheduling: 'lifo' });
  }

  async json(call: RpcCall, bytesMax = ANSWER_BYTES_MAX): Promise<unknown> {
    const exchange = await this.#begin(call);
    try {
      return await this.#collectJson(exchange, bytesMax);
    } finally {
      this.#end(exchange);
    }
  }

  async *lines(call: RpcCall): AsyncIterable<unknown> {
    const exchange = await this.#begin(call);
    try {
      exchange.noDeadline();
      yield* readLines(exchange.pieces(), this.address);
    } finally {
      this.#end(exchange);
    }
  }

  async bytes(call: RpcCall, lengthBytes: number | undefined, sink: (chunk: Buffer) => void): Promise<void> {
    const exchange = await this.#begin(call);
    try {
      const told = exchange.headers['content-length'];
      if (lengthBytes !== undefined && told !== String(lengthBytes)) {
        throw badAnswer(this.address, `${told ?? 'an unknown number of'} bytes instead of ${lengthBytes}`);
      }
      await exchange.drain(sink);
    } finally {
      this.#end(exchange);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Resolves when the answer begins and is no error; shows every token we have before it gives up. */
  async #begin(call: RpcCall): Promise<Exchange> {
    if (this.#inFlight >= this.#inFlightMax) throw busy(`${this.#inFlight} are in flight to ${this.address}`);
    this.#inFlight += 1;
    try {
      let refused = await this.#ask(call, this.#token?.toShow()[0]);
      if (refused.status === 401 && this.#token !== undefined) refused = await this.#askAgain(call, refused);
      if (refused.status === 200) return refused;
      throw await this.#errorOf(refused);
    } catch (err) {
      this.#inFlight -= 1;
      throw err;
    }
  }

  /** The token may have changed on either side: what the file says now, then what it said before. */
  async #askAgain(call: RpcCall, refused: Exchange): Promise<Exchange> {
    let exchange = refused;
    this.#token?.refused();
    for (const token of this.#token?.toShow() ?? []) {
      if (exchange.status !== 401) return exchange;
      exchange.finish();
      exchange = await this.#ask(call, token);
    }
    return exchange;
  }

  #ask(call: RpcCall, token: string | undefined): Promise<Exchange> {
    return startExchange({
      agent: this.#agent,
      target: this.#target,
      address: this.address,
      path: pathOf(call),
      body: call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body)),
      token,
      signal: call.signal,
      connectMs: this.#connectMs,
      deadlineMs: call.deadlineMs ?? DEADLINE_MS,
      silenceMs: call.silenceMs ?? call.deadlineMs ?? DEADLINE_MS,
    });
  }

  async #errorOf(exchange: Exchange): Promise<Error> {
    try {
      if (exchange.status === 401) {
        const { address } = this;
        return new RpcError(`Cannot ask ${address}: it does not take our token`, { code: 'unauthorized', address });
      }
      return decodeError(this.address, await this.#collectJson(exchange, ANSWER_BYTES_MAX));
    } finally {
      exchange.finish();
    }
  }

  async #collectJson(exchange: Exchange, bytesMax: number): Promise<unknown> {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    await exchange.drain((chunk) => {
      sizeBytes += chunk.length;
      if (sizeBytes > bytesMax) throw badAnswer(this.address, `it is longer than ${bytesMax} bytes`);
      chunks.push(chunk);
    });
    try {
      return JSON.parse(Buffer.concat(chunks).toString('utf8'));
    } catch (err) {
      throw badAnswer(this.address, 'it is not JSON', err);
    }
  }

  #end(exchange: Exchange): void {
    this.#inFlight -= 1;
    exchange.finish();
  }
}

function pathOf(call: RpcCall): string {
  if (call.query === undefined) return call.path;
  let text = call.path;
  let sign = '?';
  for (const [name, value] of Object.entries(call.query)) {
    if (value === undefined) continue;
    text += `${sign}${name}=${typeof value === 'number' ? value : encodeURIComponent(value)}`;
    sign = '&';
  }
  return text;
}
