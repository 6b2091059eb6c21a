// A storage that misbehaves on command: an HTTP proxy on loopback before a real server. Rules say which request meets which
// fault; everything else passes as it is, byte for byte in its head too, so that signed requests stay valid.
import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { headBytes, readWhole, respond, withHeader, type Answer } from './http-answer.ts';

export type ProxyFault =
  /** A TCP reset after that many bytes of the answer, its head included. Exact for answers of a few KiB. */
  | { do: 'reset'; afterBytes: number }
  /** The connection is closed in order after that many bytes of the answer, its head included. 0: no answer at all. */
  | { do: 'close'; afterBytes: number }
  /** The body ends early, though Content-Length says more, and the connection is closed in order. */
  | { do: 'truncate'; bodyBytes: number }
  /** So many bytes of the answer, then nothing for ever. */
  | { do: 'stall'; afterBytes: number }
  /** One byte after another. */
  | { do: 'trickle'; everyMs: number }
  | { do: 'delay'; ms: number }
  /** Called before the request is passed on, and waited for. */
  | { do: 'hold'; until: () => Promise<void> }
  /** One byte of the body is another. */
  | { do: 'flip'; at: number }
  /** The body is longer or shorter by so many bytes, and Content-Length agrees with it. */
  | { do: 'resize'; byBytes: number }
  | { do: 'header'; name: string; value: string }
  /** Never passed on. The body is an S3 error of that code. */
  | { do: 'refuse'; status: number; code: string; headers?: Readonly<Record<string, string>> };

export interface Rule {
  method?: string;
  /** Tested against path and query as the client sent them. */
  url?: RegExp;
  /** The first of the matching requests that meets the fault, from 1. */
  from?: number;
  /** How many meet it; all, if not given. */
  times?: number;
  fault: ProxyFault;
}

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<NodeJS.Dict<string | string[]>>;
  /** performance.now() of its arrival. */
  readonly atMs: number;
  /** What it met. */
  readonly fault: ProxyFault['do'] | undefined;
}

export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  /** Every request since the last clear(), in order of arrival. */
  readonly seen: SeenRequest[] = [];
  readonly #server: Server;
  readonly #upstreamPort: number;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #sockets = new Set<Socket>();
  readonly #stop = new AbortController();
  #rules: { rule: Rule; matched: number }[] = [];

  private constructor(server: Server, upstreamPort: number) {
    this.#server = server;
    this.#upstreamPort = upstreamPort;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}); // resets are what it is for
      socket.on('close', () => this.#sockets.delete(socket));
    });
    server.on('request', (incoming, response) => {
      // Whatever goes wrong between here and the server looks to the client like a connection that broke.
      this.#serve(incoming, response).catch(() => response.destroy());
    });
  }

  /** Listens on a free port of loopback, before the server on that other port. */
  static async start(upstreamPort: number): Promise<FaultProxy> {
    const server = createServer({ requestTimeout: 0, keepAliveTimeout: 60_000 });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FaultProxy(server, upstreamPort);
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** From now on these rules and no others: of those that match a request, the first that is due decides. Counting starts anew. */
  use(...rules: readonly Rule[]): void {
    this.#rules = rules.map((rule) => ({ rule, matched: 0 }));
  }

  /** No faults any more, nothing seen yet; what is held or stalled stays so. */
  clear(): void {
    this.use();
    this.seen.length = 0;
  }

  /** Breaks every connection there is. */
  breakConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.breakConnections();
    this.#agent.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = incoming;
    const fault = this.#faultOf(method, url);
    this.seen.push({ method, url, headers, atMs: performance.now(), fault: fault?.do });
    if (fault === undefined) return this.#pass(incoming, response);
    switch (fault.do) {
      case 'delay':
        await sleep(fault.ms, undefined, { signal: this.#stop.signal });
        return this.#pass(incoming, response);
      case 'hold':
        await fault.until();
        return this.#pass(incoming, response);
      case 'refuse':
        refuse(incoming, response, fault);
        return;
      default:
        return this.#harm(incoming, response, fault);
    }
  }

  #faultOf(method: string, url: string): ProxyFault | undefined {
    let found: ProxyFault | undefined;
    for (const each of this.#rules) {
      const { rule } = each;
      if (rule.method !== undefined && rule.method !== method) continue;
      if (rule.url !== undefined && !rule.url.test(url)) continue;
      const nth = ++each.matched;
      const first = rule.from ?? 1;
      if (nth >= first && nth < first + (rule.times ?? Infinity)) found ??= rule.fault;
    }
    return found;
  }

  async #pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const upstream = await this.#forward(incoming);
    respond(upstream, response);
  }

  /** The whole answer is taken from the server, changed, and written to the connection as bytes; that connection then ends. */
  async #harm(
    incoming: IncomingMessage,
    response: ServerResponse,
    fault: Exclude<ProxyFault, { do: 'delay' | 'hold' | 'refuse' }>,
  ): Promise<void> {
    const answer = await readWhole(await this.#forward(incoming), incoming.method === 'HEAD');
    const socket = response.socket;
    if (socket === null) return;
    const whole = (): Buffer => Buffer.concat([headBytes(answer), answer.body]);
    switch (fault.do) {
      case 'reset':
        cut(socket, whole().subarray(0, fault.afterBytes), 'reset');
        break;
      case 'close':
        cut(socket, whole().subarray(0, fault.afterBytes), 'end');
        break;
      case 'truncate':
        cut(socket, whole().subarray(0, headBytes(answer).length + fault.bodyBytes), 'end');
        break;
      case 'stall':
        cut(socket, whole().subarray(0, fault.afterBytes), 'nothing');
        break;
      case 'trickle':
        await this.#trickle(socket, whole(), fault.everyMs);
        break;
      case 'flip':
        answer.body[fault.at] = (answer.body[fault.at] ?? 0) ^ 0x40;
        cut(socket, whole(), 'end');
        break;
      case 'resize':
        cut(socket, bytesOf(resized(answer, fault.byBytes)), 'end');
        break;
      case 'header':
        cut(socket, bytesOf(withHeader(answer, fault.name, fault.value)), 'end');
        break;
    }
  }

  async #trickle(socket: Socket, bytes: Buffer, everyMs: number): Promise<void> {
    for (let at = 0; at < bytes.length && !socket.destroyed; at++) {
      socket.write(bytes.subarray(at, at + 1));
      await sleep(everyMs, undefined, { signal: this.#stop.signal });
    }
    socket.end();
  }

  /** The head goes as it came: the signature covers Host and others by their very spelling. */
  #forward(incoming: IncomingMessage): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const outgoing = request({
        host: '127.0.0.1',
        port: this.#upstreamPort,
        agent: this.#agent,
        method: incoming.method,
        path: incoming.url,
        headers: incoming.rawHeaders,
      });
      outgoing.on('response', resolve).on('error', reject);
      incoming.on('error', reject).pipe(outgoing);
    });
  }
}

function cut(socket: Socket, bytes: Buffer, then: 'reset' | 'end' | 'nothing'): void {
  const finish = (): void => {
    if (then === 'reset') socket.resetAndDestroy();
    else if (then === 'end') socket.end();
  };
  if (bytes.length === 0) finish();
  else socket.write(bytes, finish);
}

function refuse(
  incoming: IncomingMessage,
  response: ServerResponse,
  { status, code, headers = {} }: Extract<ProxyFault, { do: 'refuse' }>,
): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>Said by the fault proxy</Message></Error>`;
  incoming.resume();
  response.writeHead(status, { 'Content-Type': 'application/xml', 'Content-Length': body.length, ...headers });
  response.end(incoming.method === 'HEAD' ? undefined : body);
}

function resized(answer: Answer, byBytes: number): Answer {
  const length = Math.max(0, answer.body.length + byBytes);
  const body = Buffer.alloc(length, 'x');
  answer.body.copy(body);
  return withHeader({ ...answer, body }, 'Content-Length', String(length));
}

function bytesOf(answer: Answer): Buffer {
  return Buffer.concat([headBytes(answer), answer.body]);
}
