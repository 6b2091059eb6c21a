// What the headers of an answer say of a file: its size, time and version.
import type { IncomingHttpHeaders } from 'node:http';

export interface FileFacts {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly version: string;
}

export interface ContentRange {
  readonly first: number;
  readonly last: number;
  readonly sizeBytes: number;
}

/**
 * Undefined where the server does not say enough to tell one version from the next: no length, or neither ETag nor
 * Last-Modified. The version is the ETag, else the time of modification, and the size. A weak ETag counts like a strong one:
 * Apache calls one weak as long as the file is younger than a second, and the file does not change when that is over.
 */
export function fileFacts(headers: IncomingHttpHeaders): FileFacts | undefined {
  const sizeBytes = contentRange(headers)?.sizeBytes ?? wholeNumber(headers['content-length']);
  if (sizeBytes === undefined) return undefined;
  const mtimeMs = Date.parse(headers['last-modified'] ?? '');
  const etag = headers.etag?.replace(/^W\//, '');
  if (etag === undefined && Number.isNaN(mtimeMs)) return undefined;
  const version = `${etag ?? mtimeMs.toString(36)}-${sizeBytes.toString(36)}`;
  return { sizeBytes, mtimeMs: Number.isNaN(mtimeMs) ? 0 : mtimeMs, version };
}

export function contentRange(headers: IncomingHttpHeaders): ContentRange | undefined {
  const found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '');
  if (found === null) return undefined;
  return { first: Number(found[1]), last: Number(found[2]), sizeBytes: Number(found[3]) };
}

/** Retry-After: seconds, or a date. */
export function retryAfterMs(headers: IncomingHttpHeaders, nowMs: number): number | undefined {
  const text = headers['retry-after'];
  if (text === undefined) return undefined;
  const seconds = wholeNumber(text);
  if (seconds !== undefined) return seconds * 1000;
  const untilMs = Date.parse(text);
  return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs - nowMs);
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
