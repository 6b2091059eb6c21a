// The body of a request: JSON, bounded. How long it may take is the server's requestTimeout.
import type { IncomingMessage } from 'node:http';
import { badRequest } from './errors.ts';

/** What it says; undefined when it is empty. Throws RpcError 'bad-request'. */
export async function readJson(request: IncomingMessage, bytesMax: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  try {
    const pieces: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false }); // The answer still goes out.
    for await (const chunk of pieces) {
      sizeBytes += chunk.length;
      if (sizeBytes > bytesMax) break;
      chunks.push(chunk);
    }
  } catch {
    throw badRequest('the body was cut short');
  }
  if (sizeBytes > bytesMax) throw badRequest(`the body is longer than ${bytesMax} bytes`);
  if (sizeBytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw badRequest('the body is not JSON');
  }
}
