// Answers on their way out. Whoever reads too slowly is cut off: a piece that is not taken in time ends the connection.
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { encodeError } from './error-codec.ts';
import type { ByteWriter, RpcAnswer } from './routes.ts';

/** Lines are put together up to this much before they are sent. */
const BATCH_CHARS = 64 * 1024;
/** An empty line goes out when there was nothing to say for so long, so that the reader knows we are alive. */
const ALIVE_MS = 5000;

export async function sendAnswer(response: ServerResponse, answer: RpcAnswer, stallMs: number): Promise<void> {
  switch (answer.kind) {
    case 'json':
      sendJson(response, 200, answer.value);
      return;
    case 'lines':
      await sendLines(response, answer.values, stallMs);
      return;
    case 'bytes':
      await sendBytes(response, answer.lengthBytes, answer.write, stallMs);
      return;
  }
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  sendText(response, status, 'application/json', JSON.stringify(value ?? null));
}

export function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  const bytes = Buffer.from(text);
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': bytes.length });
  response.end(bytes);
}

export function sendError(response: ServerResponse, err: unknown): void {
  const { status, body } = encodeError(err);
  sendJson(response, status, body);
}

/** 401 and nothing else: who has no token learns nothing, not even whether the path exists. */
export function sendUnauthorized(response: ServerResponse, andClose: boolean): void {
  const headers: OutgoingHttpHeaders = { 'Content-Length': 0 };
  if (andClose) headers['Connection'] = 'close';
  response.writeHead(401, headers);
  response.end();
}

async function sendLines(response: ServerResponse, values: AsyncIterable<unknown>, stallMs: number): Promise<void> {
  response.writeHead(200, { 'Content-Type': 'application/jsonl' });
  let batch = '';
  const alive = setInterval(() => response.write('\n'), ALIVE_MS);
  const flush = (): Promise<void> | undefined => {
    const text = batch;
    batch = '';
    return text === '' ? undefined : writeAll(response, Buffer.from(text), stallMs);
  };
  try {
    // Whatever is ready is put together; what is waited for does not hold back what came before it.
    let quiet: NodeJS.Immediate | undefined;
    let flushing: Promise<void> | undefined;
    for await (const value of values) {
      batch += `${JSON.stringify({ v: value })}\n`;
      clearImmediate(quiet);
      await flushing;
      if (batch.length >= BATCH_CHARS) await flush();
      else {
        quiet = setImmediate(() => {
          flushing = flush();
          flushing?.catch(() => {}); // Awaited above, or the connection is gone and the next write says so.
        });
      }
      alive.refresh();
    }
    clearImmediate(quiet);
    await flushing;
    batch += '{"end":true}\n';
  } catch (err) {
    batch += `${JSON.stringify({ error: encodeError(err).body })}\n`;
  } finally {
    clearInterval(alive);
  }
  await flush();
  response.end();
}

async function sendBytes(
  response: ServerResponse,
  lengthBytes: number | undefined,
  write: (out: ByteWriter) => Promise<void>,
  stallMs: number,
): Promise<void> {
  let sentBytes = 0;
  const begin = (): void => {
    if (response.headersSent) return;
    if (lengthBytes !== undefined) response.setHeader('Content-Length', lengthBytes);
    response.writeHead(200, { 'Content-Type': 'application/octet-stream' });
  };
  await write({
    write(chunk) {
      begin();
      sentBytes += chunk.length;
      return writeAll(response, chunk, stallMs);
    },
  });
  if (lengthBytes !== undefined && sentBytes !== lengthBytes) {
    throw new Error(`Cannot finish an answer of ${lengthBytes} bytes: ${sentBytes} were written`);
  }
  begin();
  response.end();
}

/** Resolves when the kernel has the bytes; ends the connection and rejects when that takes longer than `stallMs`. */
function writeAll(response: ServerResponse, chunk: Buffer, stallMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => {
    const err = new Error(`Cannot send an answer: the reader took nothing for ${stallMs} ms`);
    response.destroy(err);
    reject(err);
  }, stallMs);
  const left = (): void => done(new Error('Cannot send an answer: the reader left')); // Then the write is not called back.
  const done = (err: Error | null | undefined): void => {
    clearTimeout(timer);
    response.off('close', left);
    if (err) reject(err);
    else resolve(undefined);
  };
  response.once('close', left);
  response.write(chunk, done);
  return promise;
}
