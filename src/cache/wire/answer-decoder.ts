// An HTTP/1.1 answer, from bytes as they come in pieces of any size: the head once, then the body's bytes as views of those
// pieces. Pure: no socket, no clock.
//
// Strict where two readings are possible (RFC 9112, section 6): lengths that differ, an unknown coding, a folded header, a
// head or a chunk line without end are faults, and the connection is of no more use.
import { Buffer } from 'node:buffer';
import { WireError } from './errors.ts';

export type AnswerHeaders = Readonly<Record<string, string>>;

/** Takes an answer. A chunk is the connection's own again when the call returns. What it throws ends the exchange. */
export interface AnswerTaker {
  /** Header names are in lower case, values of a repeated one joined by ", ". */
  head(status: number, headers: AnswerHeaders): void;
  chunk(chunk: Buffer): void;
}

const HEAD_BYTES_MAX = 64 * 1024;
const LINE_BYTES_MAX = 1024;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const NO_BYTES = Buffer.alloc(0);

type State = 'head' | 'length' | 'chunk-line' | 'chunk' | 'chunk-end' | 'trailer' | 'until-close' | 'done';

export class AnswerDecoder {
  readonly #taker: AnswerTaker;
  readonly #hasBody: boolean;
  #state: State = 'head';
  /** What came of a head or a line that is not whole yet. */
  #held: Buffer = NO_BYTES;
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0;
  #keepsAlive = false;
  #excess = false;
  #begun = false;

  constructor(method: 'GET' | 'HEAD', taker: AnswerTaker) {
    this.#taker = taker;
    this.#hasBody = method !== 'HEAD';
  }

  /** Something of the answer came. */
  get begun(): boolean {
    return this.#begun;
  }

  get hasHead(): boolean {
    return this.#state !== 'head';
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** After `done`: the connection may be used for another exchange. */
  get reusable(): boolean {
    return this.#keepsAlive && !this.#excess;
  }

  /** Throws WireError 'nonsense', or what the taker throws. */
  feed(bytes: Buffer): void {
    this.#begun = true;
    let from = 0;
    while (from < bytes.length && this.#state !== 'done') from = this.#step(bytes, from);
    if (from < bytes.length) this.#excess = true;
  }

  /** The connection is closed: true when that is how this answer ends. */
  close(): boolean {
    if (this.#state === 'until-close') this.#state = 'done';
    return this.#state === 'done';
  }

  #step(bytes: Buffer, from: number): number {
    switch (this.#state) {
      case 'head':
        return this.#takeHead(bytes, from);
      case 'length':
      case 'chunk':
        return this.#takeBody(bytes, from);
      case 'until-close':
        this.#taker.chunk(bytes.subarray(from));
        return bytes.length;
      case 'chunk-line':
      case 'chunk-end':
      case 'trailer':
        return this.#takeLine(bytes, from);
      case 'done':
        return from;
    }
  }

  #takeBody(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#left);
    this.#left -= to - from;
    if (this.#left === 0) this.#state = this.#state === 'length' ? 'done' : 'chunk-end';
    this.#taker.chunk(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
    return to;
  }

  #takeHead(bytes: Buffer, from: number): number {
    const before = this.#held.length;
    const all = before === 0 ? bytes.subarray(from) : Buffer.concat([this.#held, bytes.subarray(from)]);
    const end = all.indexOf(END_OF_HEAD, Math.max(0, before - END_OF_HEAD.length));
    if (end < 0) {
      if (all.length > HEAD_BYTES_MAX) throw nonsense('a head without end');
      this.#held = Buffer.from(all);
      return bytes.length;
    }
    this.#held = NO_BYTES;
    this.#begin(all.toString('latin1', 0, end).split('\r\n'));
    return from + end + END_OF_HEAD.length - before;
  }

  #begin([statusLine = '', ...lines]: readonly string[]): void {
    const found = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: |$)/.exec(statusLine);
    if (found === null) throw nonsense('no status line of HTTP/1');
    const status = Number(found[2]);
    const headers = headersOf(lines);
    if (status < 200) {
      if (status === 101) throw nonsense('a switch of protocols');
      return; // one more head follows
    }
    const connection = (headers['connection'] ?? '').toLowerCase();
    this.#keepsAlive = found[1] === '1' ? !connection.includes('close') : connection.includes('keep-alive');
    this.#state = this.#bodyOf(status, headers);
    this.#taker.head(status, headers);
  }

  #bodyOf(status: number, headers: AnswerHeaders): State {
    const coding = headers['transfer-encoding'];
    const length = headers['content-length'];
    if (!this.#hasBody || status === 204 || status === 304) return 'done';
    if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked') throw nonsense(`the transfer coding "${coding}"`);
      if (length !== undefined) this.#keepsAlive = false;
      return 'chunk-line';
    }
    if (length === undefined) {
      this.#keepsAlive = false;
      return 'until-close';
    }
    if (!/^\d{1,15}$/.test(length)) throw nonsense(`the length "${length}"`);
    this.#left = Number(length);
    return this.#left === 0 ? 'done' : 'length';
  }

  #takeLine(bytes: Buffer, from: number): number {
    const at = bytes.indexOf(0x0a, from);
    const to = at < 0 ? bytes.length : at + 1;
    const line = this.#held.toString('latin1') + bytes.toString('latin1', from, to);
    if (line.length > LINE_BYTES_MAX) throw nonsense('a line without end');
    if (at < 0) {
      this.#held = Buffer.from(line, 'latin1');
      return to;
    }
    this.#held = NO_BYTES;
    if (!line.endsWith('\r\n')) throw nonsense('a line that ends wrongly');
    this.#endLine(line.slice(0, -2));
    return to;
  }

  #endLine(line: string): void {
    if (this.#state === 'trailer') {
      if (line === '') this.#state = 'done';
      return;
    }
    if (this.#state === 'chunk-end') {
      if (line !== '') throw nonsense('a chunk longer than it says');
      this.#state = 'chunk-line';
      return;
    }
    const size = /^([0-9a-f]{1,12})(?:[ \t]*;.*)?$/i.exec(line)?.[1];
    if (size === undefined) throw nonsense('a chunk without a size');
    this.#left = parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailer' : 'chunk';
  }
}

function headersOf(lines: readonly string[]): AnswerHeaders {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (colon < 1 || !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) throw nonsense('a header that is none');
    const value = line.slice(colon + 1).trim();
    const before = headers[name];
    if (before !== undefined && name === 'content-length' && before !== value) throw nonsense('two lengths');
    headers[name] = before === undefined || name === 'content-length' ? value : `${before}, ${value}`;
  }
  return headers;
}

function nonsense(what: string): WireError {
  return new WireError(`Cannot read the answer: ${what}`, { code: 'nonsense', what });
}
