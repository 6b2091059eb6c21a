// HTTP requests with an end: keep-alive connections, redirects within the host, deadlines for silence and for the whole.
//
// What the network does wrong is UfsError 'unavailable'; what an answer's status means is for the caller to say.
import * as http from 'node:http';
import * as https from 'node:https';
import { UfsError } from '../errors.ts';
import type { Authorization } from './credentials.ts';
import { decodeName } from './percent.ts';

const SILENCE_MAX_MS = 10_000;
const REDIRECTS_MAX = 5;
/** A connection that was kept may have been closed by the server meanwhile; the next one too. */
const STALE_MAX = 3;
const SOCKETS_MAX = 64;
/** What is read to the end only to use the connection again. */
const LEFT_OVER_BYTES_MAX = 64 * 1024;

export interface Ask {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  readonly range?: string;
  /** For messages. */
  readonly path: string;
  /** For the whole exchange, body included. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The server sent us on to the same place with a slash behind it: a folder. Then there is no body. */
  readonly isFolder: boolean;
  /** Gives the body to `take` in order; what `take` throws ends it. */
  body(take: (chunk: Buffer) => void): Promise<void>;
}

export class HttpClient {
  readonly #authorization: Authorization;
  readonly #silenceMaxMs: number;
  readonly #plain = new http.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
  readonly #secure = new https.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });

  constructor(config: { authorization: Authorization; silenceMaxMs?: number }) {
    this.#authorization = config.authorization;
    this.#silenceMaxMs = config.silenceMaxMs ?? SILENCE_MAX_MS;
  }

  /** Sends, follows redirects, and resolves with what `use` makes of the answer; the connection is free again then. */
  async exchange<T>(ask: Ask, use: (answer: Answer) => Promise<T> | T): Promise<T> {
    ask.signal?.throwIfAborted();
    const call = new Call(ask);
    try {
      let url = ask.url;
      for (let hops = 0; ; hops += 1) {
        const message = await this.#send(call, url);
        const to = redirectTarget(message, url);
        if (to === undefined) return await use(answerOf(message, false, ask));
        leave(message, ask.method);
        checkRedirect(url, to, hops, ask.path);
        if (isSameWithSlash(url, to)) return await use(answerOf(message, true, ask));
        url = to;
      }
    } catch (err) {
      throw call.translate(err);
    } finally {
      call.end();
    }
  }

  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }

  async #send(call: Call, url: URL): Promise<http.IncomingMessage> {
    for (let stale = 0; ; stale += 1) {
      const authorization = this.#authorization();
      const headers = {
        'accept-encoding': 'identity',
        'user-agent': 'evermount',
        ...(authorization === undefined ? {} : { authorization }),
        ...(call.ask.range === undefined ? {} : { range: call.ask.range }),
      };
      const isSecure = url.protocol === 'https:';
      const agent = isSecure ? this.#secure : this.#plain;
      const options = { method: call.ask.method, headers, agent, timeout: this.#silenceMaxMs };
      const request = isSecure ? https.request(url, options) : http.request(url, options);
      try {
        return await call.send(request, this.#silenceMaxMs);
      } catch (err) {
        if (call.isStopped || !request.reusedSocket || stale >= STALE_MAX) throw err;
      }
    }
  }
}

class NetworkTrouble extends Error {}

/** One exchange: its deadline, its signal, and what is on the wire for it. */
class Call {
  readonly ask: Ask;
  readonly #timer: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#stop(this.ask.signal?.reason);
  #request: http.ClientRequest | undefined;
  #message: http.IncomingMessage | undefined;
  #stopped: { readonly reason: unknown } | undefined;

  constructor(ask: Ask) {
    this.ask = ask;
    this.#timer = setTimeout(() => this.#stop(unavailable(ask, `no end after ${ask.deadlineMs} ms`)), ask.deadlineMs);
    ask.signal?.addEventListener('abort', this.#onAbort);
  }

  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  send(request: http.ClientRequest, silenceMaxMs: number): Promise<http.IncomingMessage> {
    this.#request = request;
    this.#message = undefined;
    return new Promise((resolve, reject) => {
      request.on('timeout', () => this.#stop(unavailable(this.ask, `no byte for ${silenceMaxMs} ms`)));
      request.on('error', (err) => reject(new NetworkTrouble(err.message, { cause: err })));
      request.on('response', (message) => {
        this.#message = message;
        message.on('error', () => {}); // whoever reads the body is told
        resolve(message);
      });
      request.end();
    });
  }

  /** The reason it was stopped for, else the error as one of the storage. */
  translate(err: unknown): unknown {
    if (this.#stopped !== undefined) return this.#stopped.reason;
    if (!(err instanceof NetworkTrouble)) return err;
    const code = (err.cause as NodeJS.ErrnoException | undefined)?.code;
    return unavailable(this.ask, code ?? err.message, err);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.ask.signal?.removeEventListener('abort', this.#onAbort);
    if (this.#message !== undefined) leave(this.#message, this.ask.method);
  }

  #stop(reason: unknown): void {
    this.#stopped ??= { reason };
    if (this.#message !== undefined) this.#message.destroy(new Error('stopped'));
    else this.#request?.destroy(new Error('stopped'));
  }
}

function answerOf(message: http.IncomingMessage, isFolder: boolean, ask: Ask): Answer {
  return {
    status: message.statusCode ?? 0,
    headers: message.headers,
    isFolder,
    body: (take) =>
      new Promise((resolve, reject) => {
        message.on('error', (err) => reject(new NetworkTrouble(err.message, { cause: err })));
        message.on('close', () => reject(unavailable(ask, 'the answer was cut short')));
        message.on('end', resolve);
        message.on('data', (chunk: Buffer) => {
          try {
            take(chunk);
          } catch (err) {
            reject(err instanceof Error ? err : new Error(String(err)));
            message.destroy();
          }
        });
      }),
  };
}

/** What is left of an answer is read if that is little, so that the connection can be used again. */
function leave(message: http.IncomingMessage, method: string): void {
  if (message.readableEnded || message.destroyed) return;
  const leftBytes = Number(message.headers['content-length'] ?? Infinity);
  if (method === 'HEAD' || leftBytes <= LEFT_OVER_BYTES_MAX) message.resume();
  else message.destroy();
}

function redirectTarget(message: http.IncomingMessage, from: URL): URL | undefined {
  const { location } = message.headers;
  if (![301, 302, 303, 307, 308].includes(message.statusCode ?? 0) || location === undefined) return undefined;
  return URL.canParse(location, from.href) ? new URL(location, from) : undefined;
}

/** Credentials and trust were given for one host: nobody is followed elsewhere, nor from https to http. */
function checkRedirect(from: URL, to: URL, hops: number, path: string): void {
  const isDowngrade = from.protocol === 'https:' && to.protocol !== 'https:';
  const isHttp = to.protocol === 'http:' || to.protocol === 'https:';
  if (isHttp && to.hostname === from.hostname && !isDowngrade && hops < REDIRECTS_MAX) return;
  const where = `${to.protocol}//${to.host}`;
  const why = hops >= REDIRECTS_MAX ? `more than ${REDIRECTS_MAX} redirects` : `it redirects to ${where}`;
  throw new UfsError(`Cannot follow "${path}": ${why}`, { code: 'denied', path, why });
}

function isSameWithSlash(from: URL, to: URL): boolean {
  return decodeName(to.pathname).equals(decodeName(`${from.pathname}/`));
}

function unavailable(ask: Ask, why: string, cause?: Error): UfsError {
  const { path } = ask;
  const options = cause === undefined ? {} : { cause };
  return new UfsError(`Cannot get "${path}": ${why}`, { code: 'unavailable', path, why }, options);
}
