// A stream of values as lines of JSON: {"v":…} each, then {"end":true}, or {"error":…} where it failed.
// Without its last line a stream was cut short. Empty lines only say that the other side is alive.
import { decodeError, isRecord } from './error-codec.ts';
import { badAnswer, unreachable } from './errors.ts';

const LINE_BYTES_MAX = 16 * 1024 * 1024;
const NEWLINE = 0x0a;

export async function* readLines(pieces: AsyncIterable<Buffer>, address: string): AsyncIterable<unknown> {
  let ended = false;
  for await (const line of splitLines(pieces, address)) {
    const value = parseLine(line, address);
    if (ended) throw badAnswer(address, 'something after its end');
    if ('v' in value) yield value['v'];
    else if ('error' in value) throw decodeError(address, value['error']);
    else if (value['end'] === true) ended = true;
    else throw badAnswer(address, 'a line of no known kind');
  }
  if (!ended) throw unreachable(address, 'the answer was cut short');
}

async function* splitLines(pieces: AsyncIterable<Buffer>, address: string): AsyncIterable<string> {
  let parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of pieces) {
    let from = 0;
    for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, from)) {
      parts.push(piece.subarray(from, at));
      const line = parts.length === 1 ? parts[0]?.toString('utf8') : Buffer.concat(parts).toString('utf8');
      parts = [];
      sizeBytes = 0;
      from = at + 1;
      if (line !== undefined && line !== '') yield line;
    }
    if (from === piece.length) continue;
    parts.push(piece.subarray(from));
    sizeBytes += piece.length - from;
    if (sizeBytes > LINE_BYTES_MAX) throw badAnswer(address, `a line is longer than ${LINE_BYTES_MAX} bytes`);
  }
}

function parseLine(line: string, address: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (err) {
    throw badAnswer(address, 'a line is not JSON', err);
  }
  if (!isRecord(value)) throw badAnswer(address, 'a line is no object');
  return value;
}
