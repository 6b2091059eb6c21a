// One request and its answer. Whatever happens to the connection comes out as one RpcError, and every wait ends:
// connecting, the silence between two pieces of the answer, and the whole.
import { request, type Agent, type IncomingHttpHeaders, type IncomingMessage, type ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import type { Address } from './address.ts';
import { timedOut, unreachable } from './errors.ts';

export interface ExchangeOptions {
  readonly agent: Agent;
  readonly target: Address;
  /** For messages. */
  readonly address: string;
  readonly path: string;
  readonly body: Buffer | undefined;
  readonly token: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly connectMs: number;
  readonly deadlineMs: number;
  readonly silenceMs: number;
}

/**
 * Resolves when the headers of the answer are here. A kept connection that the other side closed as we used it is no
 * failure: nothing was answered, so the request (every one of ours can be repeated) goes out again on another one.
 */
export async function startExchange(options: ExchangeOptions): Promise<Exchange> {
  for (let repeats = 0; ; repeats++) {
    options.signal?.throwIfAborted();
    const exchange = new Exchange(options);
    try {
      await exchange.begun;
      return exchange;
    } catch (err) {
      exchange.finish();
      if (!exchange.wasStale || repeats >= REPEATS_MAX) throw err;
    }
  }
}

/** There may be several stale connections in a row after the other side was restarted. */
const REPEATS_MAX = 40;

export class Exchange {
  readonly begun: Promise<void>;
  /** True when it failed on a kept connection before any answer. */
  wasStale = false;
  readonly #options: ExchangeOptions;
  readonly #request: ClientRequest;
  readonly #silence: NodeJS.Timeout;
  #deadline: NodeJS.Timeout | undefined;
  #response: IncomingMessage | undefined;
  #failure: Error | undefined;
  #complete = false;
  #pieces = 0;
  #isReaderBusy = false;
  #fail: (err: Error) => void;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.begun = promise;
    this.#fail = reject;
    this.#request = request({
      agent: options.agent,
      ...('path' in options.target ? { socketPath: options.target.path } : options.target),
      method: options.body === undefined ? 'GET' : 'POST',
      path: options.path,
      headers: headersOf(options),
    });
    this.#silence = setTimeout(() => this.#whenSilent(), options.silenceMs);
    this.#deadline = setTimeout(() => this.#end(timedOut(options.address, options.deadlineMs)), options.deadlineMs);
    options.signal?.addEventListener('abort', this.#aborted);
    this.#request.on('socket', (socket) => this.#limitConnecting(socket));
    this.#request.on('response', (response) => {
      this.#response = response;
      this.#heard();
      response.on('error', (err) => this.#broken(err));
      resolve(undefined);
    });
    this.#request.on('error', (err) => this.#broken(err));
    this.#request.end(options.body);
  }

  get status(): number {
    return this.#response?.statusCode ?? 0;
  }

  get headers(): IncomingHttpHeaders {
    return this.#response?.headers ?? {};
  }

  /** From here on only silence ends it. */
  noDeadline(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  /** Gives every piece to `sink`; resolves when the answer is complete. */
  async drain(sink: (chunk: Buffer) => void): Promise<void> {
    const response = this.#answer();
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.#fail = reject;
    response.on('data', (chunk: Buffer) => {
      this.#heard();
      try {
        if (this.#failure === undefined) sink(chunk);
      } catch (err) {
        this.#end(err instanceof Error ? err : new Error(String(err)));
      }
    });
    response.on('end', () => {
      this.#complete = true;
      resolve(undefined);
    });
    response.on('close', () => this.#broken(undefined));
    await promise;
  }

  /** The pieces one by one; a reader that takes its time is not silence. */
  async *pieces(): AsyncIterable<Buffer> {
    const response = this.#answer();
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        this.#isReaderBusy = true;
        yield chunk;
        this.#isReaderBusy = false;
        this.#heard();
      }
    } catch (err) {
      throw this.#failure ?? this.#explain(err);
    }
    if (!response.complete) throw this.#failure ?? this.#explain(undefined);
    this.#complete = true;
  }

  /** Must be called in the end, whatever happened. An answer that is not complete takes its connection with it. */
  finish(): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#deadline);
    this.#options.signal?.removeEventListener('abort', this.#aborted);
    if (this.#complete) return;
    const length = this.headers['content-length'];
    if (this.#response !== undefined && this.#failure === undefined && length === '0') this.#response.resume();
    else this.#request.destroy();
  }

  readonly #aborted = (): void => {
    const reason: unknown = this.#options.signal?.reason;
    this.#end(reason instanceof Error ? reason : new Error('Cannot go on: the call was given up'));
  };

  #heard(): void {
    this.#pieces += 1;
    this.#silence.refresh();
  }

  /** If it was we who were busy, what has arrived meanwhile is looked at first. */
  #whenSilent(): void {
    const before = this.#pieces;
    const { address, silenceMs } = this.#options;
    setImmediate(() => {
      if (this.#isReaderBusy) this.#silence.refresh();
      else if (this.#pieces === before) this.#end(timedOut(address, silenceMs));
    });
  }

  #answer(): IncomingMessage {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#response === undefined) throw new Error('Cannot read an answer before it began');
    return this.#response;
  }

  #limitConnecting(socket: Socket): void {
    if (!socket.connecting) return;
    const { address, connectMs } = this.#options;
    const timer = setTimeout(() => this.#end(timedOut(address, connectMs)), connectMs);
    const stop = (): void => clearTimeout(timer);
    socket.once('connect', stop);
    socket.once('close', stop);
  }

  #broken(err: unknown): void {
    if (this.#complete || this.#failure !== undefined) return;
    this.wasStale = this.#response === undefined && this.#request.reusedSocket && isReset(err);
    this.#end(this.#explain(err));
  }

  #explain(err: unknown): Error {
    const why = err instanceof Error ? err.message : 'the answer was cut short';
    return unreachable(this.#options.address, why, err);
  }

  #end(err: Error): void {
    if (this.#complete || this.#failure !== undefined) return;
    this.#failure = err;
    this.#fail(err);
    this.#request.destroy();
  }
}

function headersOf({ token, body, target, address }: ExchangeOptions): Record<string, string | number> {
  const headers: Record<string, string | number> = { Host: 'path' in target ? 'localhost' : address };
  if (token !== undefined) headers['Authorization'] = `Bearer ${token}`;
  if (body !== undefined) {
    headers['Content-Type'] = 'application/json';
    headers['Content-Length'] = body.length;
  }
  return headers;
}

function isReset(err: unknown): boolean {
  return err instanceof Error && 'code' in err && (err.code === 'ECONNRESET' || err.code === 'EPIPE');
}
