// One connection to a server: one exchange after the other, never two at a time.
//
// Plain connections read into one buffer that all of them share: what is read is given on before the next read, so nothing
// is allocated per read, which is most of what receiving costs. (TLS has no such way; there each read brings its own.)
import { connect, type LookupFunction, type Socket } from 'node:net';
import { AnswerDecoder, type AnswerTaker } from './answer-decoder.ts';
import { WireError } from './errors.ts';

export interface Address {
  readonly secure: boolean;
  /** For an IPv6 address without brackets. */
  readonly hostname: string;
  readonly port: number;
  readonly lookup?: LookupFunction;
}

export interface Exchange {
  readonly method: 'GET' | 'HEAD';
  /** The request, its head with the empty line. */
  readonly request: string;
  readonly taker: AnswerTaker;
  /** No head, connecting included, and then no byte for so long: 'stalled'. */
  readonly stallTimeoutMs: number;
  /** Of performance.now(): an answer that still comes in then is 'too-slow'. */
  readonly endAtMs: number;
  readonly signal?: AbortSignal | undefined;
}

const SHARED_BYTES = 256 * 1024;
let shared: Buffer | undefined;

interface Running {
  readonly exchange: Exchange;
  readonly decoder: AnswerDecoder;
  readonly timer: NodeJS.Timeout;
  readonly settle: (err?: unknown) => void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #onClosed: (connection: Connection) => void;
  #running: Running | undefined;
  #isConnected = false;
  /** Exchanges done before. */
  #served = 0;
  #isClosed = false;

  constructor(address: Address, onClosed: (connection: Connection) => void) {
    this.#onClosed = onClosed;
    this.#socket = address.secure ? this.#connectSecure(address) : this.#connectPlain(address);
    this.#socket.setNoDelay(true);
    this.#socket.on('error', (err: NodeJS.ErrnoException) => this.#ended(err));
    this.#socket.on('end', () => this.#ended(undefined));
    this.#socket.on('close', () => this.#ended(undefined));
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Resolves when the answer is whole. Throws WireError, what the taker threw, or the signal's reason. */
  run(exchange: Exchange): Promise<void> {
    const { signal, stallTimeoutMs } = exchange;
    return new Promise((resolve, reject) => {
      const abort = (): void => this.#fail(signal?.reason);
      const settle = (err?: unknown): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        this.#running = undefined;
        this.#socket.unref();
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a signal's reason is anything
        if (err !== undefined) reject(err);
        else resolve();
      };
      const timer = setTimeout(() => {
        const fault = { code: 'stalled', afterMs: stallTimeoutMs } as const;
        this.#fail(new WireError(`Cannot wait any longer: not a byte came for ${stallTimeoutMs / 1000} s`, fault));
      }, stallTimeoutMs);
      const decoder = new AnswerDecoder(exchange.method, exchange.taker);
      this.#running = { exchange, decoder, timer, settle };
      this.#socket.ref();
      signal?.addEventListener('abort', abort, { once: true });
      this.#socket.write(exchange.request, 'latin1');
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    this.#onClosed(this);
  }

  #connectPlain({ hostname, port, lookup }: Address): Socket {
    shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES);
    const socket = connect({
      host: hostname,
      port,
      ...(lookup === undefined ? undefined : { lookup }),
      onread: {
        buffer: shared,
        callback: (bytes, buffer) => {
          this.#received(Buffer.from(buffer.buffer, buffer.byteOffset, bytes));
          return true;
        },
      },
    });
    socket.on('connect', () => (this.#isConnected = true));
    return socket;
  }

  #connectSecure({ hostname, port, lookup }: Address): Socket {
    // Loaded by need: it costs milliseconds, and most caches stand beside their storage.
    const tls = process.getBuiltinModule('node:tls');
    const servername = /^[\d.]+$|:/.test(hostname) ? '' : hostname;
    const socket = tls.connect({
      host: hostname,
      port,
      servername,
      ALPNProtocols: ['http/1.1'],
      ...(lookup === undefined ? undefined : { lookup }),
    });
    socket.on('secureConnect', () => (this.#isConnected = true));
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    return socket;
  }

  #received(bytes: Buffer): void {
    const running = this.#running;
    if (running === undefined) {
      this.close(); // nobody asked
      return;
    }
    // The head must come within one such time as a whole.
    if (running.decoder.hasHead) running.timer.refresh();
    if (performance.now() > running.exchange.endAtMs) {
      this.#fail(new WireError('Cannot wait any longer: the answer comes too slowly', { code: 'too-slow' }));
      return;
    }
    const { decoder } = running;
    try {
      decoder.feed(bytes);
    } catch (err) {
      this.#fail(err);
      return;
    }
    if (!decoder.done) return;
    this.#served++;
    if (!decoder.reusable) this.close();
    running.settle();
  }

  #ended(err: NodeJS.ErrnoException | undefined): void {
    this.close();
    const running = this.#running;
    if (running?.decoder.close() === true && err === undefined) running.settle();
    else running?.settle(this.#faultOf(running, err));
  }

  #faultOf({ decoder }: Running, err: NodeJS.ErrnoException | undefined): WireError {
    const why = err?.code ?? err?.message ?? 'closed';
    const { begun } = decoder;
    const cause = { cause: err };
    if (!this.#isConnected) {
      return new WireError(`Cannot connect: ${why}`, { code: 'not-connected', why }, cause);
    }
    if (!begun && this.#served > 0) {
      return new WireError('Cannot use the connection: it was closed meanwhile', { code: 'stale' }, cause);
    }
    return new WireError(`Cannot read the answer: it broke off: ${why}`, { code: 'broken', why, begun }, cause);
  }

  #fail(err: unknown): void {
    this.close();
    this.#running?.settle(err ?? new Error('aborted'));
  }
}
