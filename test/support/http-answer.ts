// An HTTP answer as bytes, for servers that must write it in their own way.
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface Answer {
  status: number;
  reason: string;
  /** Names and values in turn, as they came. */
  rawHeaders: readonly string[];
  body: Buffer;
}

/** Passes an answer on as it comes. */
export function respond(upstream: IncomingMessage, response: ServerResponse): void {
  response.sendDate = false;
  response.writeHead(upstream.statusCode ?? 502, upstream.statusMessage, upstream.rawHeaders);
  upstream.on('error', () => response.destroy());
  response.on('close', () => upstream.destroy());
  upstream.pipe(response);
}

/** Reads an answer to its end; whatever its framing was, it then has a Content-Length. */
export async function readWhole(upstream: IncomingMessage, isHead: boolean): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of upstream) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const { statusCode: status = 502, statusMessage: reason = '', rawHeaders } = upstream;
  const answer: Answer = { status, reason, rawHeaders, body };
  if (isHead || upstream.headers['transfer-encoding'] === undefined) return answer;
  return withHeader(withHeader(answer, 'Transfer-Encoding', undefined), 'Content-Length', String(body.length));
}

/** The answer with that header set, or without it. */
export function withHeader(answer: Answer, name: string, value: string | undefined): Answer {
  const rawHeaders: string[] = [];
  for (let at = 0; at + 1 < answer.rawHeaders.length; at += 2) {
    const [has = '', is = ''] = answer.rawHeaders.slice(at, at + 2);
    if (has.toLowerCase() !== name.toLowerCase()) rawHeaders.push(has, is);
  }
  if (value !== undefined) rawHeaders.push(name, value);
  return { ...answer, rawHeaders };
}

/** Status line and headers, up to and including the empty line. */
export function headBytes({ status, reason, rawHeaders }: Answer): Buffer {
  let head = `HTTP/1.1 ${status} ${reason}\r\n`;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) head += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`;
  return Buffer.from(`${head}\r\n`, 'latin1');
}
