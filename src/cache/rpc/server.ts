// The server of every part: HTTP over TCP or a unix socket, a table of routes, and one rule before all of them:
// no token, no byte. Only /healthz is open (and /metrics where the configuration says so). Without a token it does not
// start, except on a unix socket in a folder that is its owner's alone.
//
// Bounded: connections, requests at once, headers, bodies, and the time that either side may take for any of it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { withDeadline, type Logger } from '../../base/index.ts';
import { formatAddress, parseAddress } from './address.ts';
import { sendAnswer, sendError, sendText, sendUnauthorized } from './answer.ts';
import { UfsError } from '../ufs/index.ts';
import { badConfig, badRequest, busy, RpcError } from './errors.ts';
import { closeListening, listenOn } from './listen.ts';
import { readJson } from './request-body.ts';
import type { RpcAnswer, RpcHandler, RpcRequest, RpcRoutes } from './routes.ts';
import { TokenFile } from './token.ts';

export interface RpcServerConfig {
  /** "host:port" (port 0: any) or the absolute path of a unix socket, which may be there from a process that is gone. */
  readonly listen: string;
  /** May only be left out for a unix socket in a folder of mode 0700 that is ours. */
  readonly tokenFile?: string;
  /** /metrics without a token. Default false. */
  readonly metricsOpen?: boolean;
  /** Default 1024. */
  readonly connectionsMax?: number;
  /** Requests at once; more are answered with 'busy'. Default 1024. */
  readonly inFlightMax?: number;
  /** Of a request's JSON. Default 1 MiB. */
  readonly bodyBytesMax?: number;
  /** How long a route may take until its answer begins. Default 120 s. */
  readonly answerMs?: number;
  /** How long a caller may take to accept a piece of the answer. Default 30 s. */
  readonly stallMs?: number;
}

export interface RpcServerDeps {
  readonly routes: RpcRoutes;
  readonly log: Logger;
  /** Why this part cannot do its work now; undefined while it can. Default: it always can. */
  readonly health?: () => string | undefined;
  /** The text of /metrics. Default: there is none. */
  readonly metrics?: () => string;
}

export interface RpcServer {
  /** As another part would write it: "127.0.0.1:40123", "/run/x/socket". */
  readonly address: string;
  /** Stops listening, gives requests in flight `graceMs` (default 0), then cuts what is left. */
  close(graceMs?: number): Promise<void>;
}

const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
const IDLE_MS = 75_000;
const REFUSALS_MAX = 3;

/** Resolves when it listens. Throws RpcError 'bad-config'. */
export async function createRpcServer(config: RpcServerConfig, deps: RpcServerDeps): Promise<RpcServer> {
  const address = parseAddress(config.listen);
  const token = config.tokenFile === undefined ? undefined : new TokenFile(config.tokenFile, { log: deps.log });
  if (token === undefined && !('path' in address)) {
    throw badConfig(`no token file is given, and without a token nothing is served on ${config.listen}`);
  }
  const front = new Front(config, deps, token);
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: 5000,
    },
    (request, response) => void front.serve(request, response),
  );
  server.maxConnections = config.connectionsMax ?? 1024;
  server.on('clientError', (_err, socket) => socket.destroy());
  const bound = await listenOn(server, address, token === undefined);
  return {
    address: formatAddress(bound),
    close: (graceMs = 0) => close(server, front, graceMs),
  };
}

async function close(server: Server, front: Front, graceMs: number): Promise<void> {
  const closed = closeListening(server);
  const cut = setTimeout(() => {
    front.abortAll();
    server.closeAllConnections();
  }, graceMs);
  // Connections that become idle meanwhile are no reason to wait.
  const tidy = setInterval(() => server.closeIdleConnections(), 20);
  await closed;
  clearInterval(tidy);
  clearTimeout(cut);
}

/** What every request passes before a route sees it. */
class Front {
  readonly #config: RpcServerConfig;
  readonly #deps: RpcServerDeps;
  readonly #token: TokenFile | undefined;
  readonly #refusals = new WeakMap<Socket, number>();
  readonly #inFlight = new Set<AbortController>();

  constructor(config: RpcServerConfig, deps: RpcServerDeps, token: TokenFile | undefined) {
    this.#config = config;
    this.#deps = deps;
    this.#token = token;
  }

  abortAll(): void {
    for (const stop of this.#inFlight) stop.abort();
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {}); // The caller left; whoever writes is told by its write.
    response.sendDate = false;
    try {
      const url = request.url ?? '';
      if (url === '/healthz') this.#health(response);
      else if (url === '/metrics' && this.#config.metricsOpen === true) this.#metrics(response);
      else if (this.#token !== undefined && !this.#token.accepts(request.headers.authorization)) {
        this.#refuse(request, response);
      } else if (url === '/metrics') this.#metrics(response);
      else await this.#route(request, response, url);
    } catch (err) {
      this.#failed(request, response, err);
    }
  }

  #health(response: ServerResponse): void {
    const why = this.#deps.health?.();
    sendText(response, why === undefined ? 200 : 503, 'text/plain; charset=utf-8', `${why ?? 'ok'}\n`);
  }

  #metrics(response: ServerResponse): void {
    sendText(response, 200, 'text/plain; version=0.0.4; charset=utf-8', this.#deps.metrics?.() ?? '');
  }

  #refuse(request: IncomingMessage, response: ServerResponse): void {
    const refusals = (this.#refusals.get(request.socket) ?? 0) + 1;
    this.#refusals.set(request.socket, refusals);
    const hasBody =
      request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
    if (refusals === 1) this.#deps.log.debug('refused a request without the right token');
    sendUnauthorized(response, hasBody || refusals >= REFUSALS_MAX);
  }

  async #route(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
    const at = url.indexOf('?');
    const path = at < 0 ? url : url.slice(0, at);
    const handler = this.#find(`${request.method ?? ''} ${path}`);
    if (this.#inFlight.size >= (this.#config.inFlightMax ?? 1024)) throw busy(`${this.#inFlight.size} are in flight`);
    const stop = new AbortController();
    this.#inFlight.add(stop);
    const left = (): void => stop.abort();
    response.on('close', left);
    try {
      const body =
        request.method === 'POST' ? await readJson(request, this.#config.bodyBytesMax ?? 1024 * 1024) : undefined;
      const query = new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
      const answer = await this.#answer(handler, { query, body, signal: stop.signal });
      await sendAnswer(response, answer, this.#config.stallMs ?? 30_000);
    } finally {
      response.off('close', left);
      this.#inFlight.delete(stop);
    }
  }

  async #answer(handler: RpcHandler, request: RpcRequest): Promise<RpcAnswer> {
    const answer = handler(request);
    if (!(answer instanceof Promise)) return answer;
    return withDeadline(answer, this.#config.answerMs ?? 120_000, 'an answer');
  }

  #find(key: string): RpcHandler {
    const routes: Readonly<Record<string, RpcHandler>> = this.#deps.routes;
    const handler = Object.hasOwn(routes, key) ? routes[key] : undefined;
    if (handler === undefined) throw badRequest(`there is no "${key}"`);
    return handler;
  }

  #failed(request: IncomingMessage, response: ServerResponse, err: unknown): void {
    if (response.headersSent) {
      response.destroy(); // Part of the answer is out; the caller sees that the rest is missing.
      return;
    }
    if (err instanceof RpcError && err.code === 'bad-request') response.setHeader('Connection', 'close');
    if (!(err instanceof RpcError || err instanceof UfsError || response.destroyed)) {
      this.#deps.log.error('request failed', { route: request.url?.split('?', 1)[0], error: err });
    }
    sendError(response, err);
  }
}
