// A range of one version of a file, from a server that knows ranges or one that sends the whole file whatever it is asked.
import type { ByteSink } from '../ufs.ts';
import type { Answer, HttpClient } from './client.ts';
import { badAnswer, changed, denied, isMissing, refused } from './errors.ts';
import { contentRange, fileFacts } from './facts.ts';

/** A server without ranges sends what stands before the offset too; more than this in vain is refused. */
const DISCARD_BYTES_MAX = 64 * 1024 * 1024;
const DEADLINE_MS = 30_000;
/** Slower than this is no use to a reader. */
const BYTES_PER_MS_MIN = 32;

export interface RangeAsk {
  readonly url: URL;
  /** For messages. */
  readonly path: string;
  readonly version: string;
  readonly offset: number;
  readonly length: number;
  readonly signal: AbortSignal | undefined;
}

/** Exactly these bytes of exactly this version, or an error. */
export async function readRange(client: HttpClient, ask: RangeAsk, sink: ByteSink): Promise<void> {
  const { url, path, offset, length, signal } = ask;
  const deadlineMs = DEADLINE_MS + Math.ceil(length / BYTES_PER_MS_MIN);
  const range = `bytes=${offset}-${offset + length - 1}`;
  await client.exchange({ method: 'GET', url, range, path, deadlineMs, signal }, (answer) => take(answer, ask, sink));
}

async function take(answer: Answer, ask: RangeAsk, sink: ByteSink): Promise<void> {
  const { path, version, offset, length } = ask;
  if (isMissing(answer.status) || answer.isFolder) throw changed(path, version);
  // 416: it is shorter than what is asked for, so it changed; or the caller asks beyond the end, which none does.
  if (answer.status === 416) throw beyondEnd(answer, ask);
  if (answer.status !== 200 && answer.status !== 206) throw refused('read', path, answer);
  const facts = fileFacts(answer.headers);
  if (facts?.version !== version) throw changed(path, version);
  if (offset + length > facts.sizeBytes) throw badAnswer('read', path, `it ends at ${facts.sizeBytes}`);
  if (answer.status === 200) return takeFrom(answer, ask, offset, sink);
  const range = contentRange(answer.headers);
  if (range?.first !== offset || range.last !== offset + length - 1)
    throw badAnswer('read', path, `another range was sent: ${answer.headers['content-range'] ?? 'none'}`);
  return takeFrom(answer, ask, 0, sink);
}

/** Leaves out what stands before, gives `length` bytes, and does not wait for the rest. */
async function takeFrom(answer: Answer, ask: RangeAsk, before: number, sink: ByteSink): Promise<void> {
  const { path, length } = ask;
  if (before > DISCARD_BYTES_MAX)
    throw denied('read', path, `the server sends no ranges, and ${before} bytes stand before this one`);
  let discard = before;
  let left = length;
  const enough = new Error('enough');
  try {
    await answer.body((chunk) => {
      const from = Math.min(discard, chunk.length);
      discard -= from;
      const part = chunk.subarray(from, from + left);
      left -= part.length;
      if (part.length > 0) sink(part);
      if (left === 0 && answer.status === 200) throw enough;
    });
  } catch (err) {
    if (err !== enough) throw err;
  }
  if (left > 0) throw badAnswer('read', path, `${left} of ${length} bytes are missing`);
}

function beyondEnd(answer: Answer, { path, version, offset }: RangeAsk): Error {
  const sizeBytes = /^bytes \*\/(\d+)$/.exec(answer.headers['content-range'] ?? '')?.[1];
  const sizeThen = version.slice(version.lastIndexOf('-') + 1);
  if (sizeBytes === undefined || Number(sizeBytes).toString(36) !== sizeThen) return changed(path, version);
  return badAnswer('read', path, `it ends before ${offset}`);
}
