// What a refusing answer means. The one place where statuses and error codes of S3 become faults.
import type { AnswerHeaders } from '../../wire/index.ts';
import { UfsError, type UfsFault } from '../errors.ts';

/** What a request is for, as errors tell it. */
export interface Purpose {
  readonly verb: 'read' | 'look up' | 'list';
  readonly path: Buffer;
  /** Of a read: an absent object has changed then. */
  readonly version?: string;
}

/** An answer that is not the one asked for, its text included where it had one. */
export interface Refusal {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: string;
}

const TOKEN_CODES = new Set(['ExpiredToken', 'InvalidToken', 'TokenRefreshRequired', 'InvalidAccessKeyId']);
const BUSY_CODES = new Set(['SlowDown', 'SlowDownRead', 'RequestTimeout', 'ServiceUnavailable', 'InternalError']);

export function refusalError(refusal: Refusal, purpose: Purpose, nowMs: number): UfsError {
  return ufsError(purpose, faultOf(refusal, purpose, nowMs));
}

export function unavailable(purpose: Purpose, why: string, cause?: unknown): UfsError {
  return ufsError(purpose, { code: 'unavailable', path: purpose.path.toString(), why }, cause);
}

/** A connection that broke before an answer; a certificate that is not trusted will not be a moment later. */
export function noConnection(purpose: Purpose, why: string, err: unknown): UfsError {
  if (!/CERT|SELF_SIGNED|^ERR_TLS_/.test(why)) return unavailable(purpose, `no connection: ${why}`, err);
  return ufsError(purpose, { code: 'bad-config', what: `the certificate of the endpoint is not trusted: ${why}` }, err);
}

export function badAnswer(purpose: Purpose, why: string): UfsError {
  return ufsError(purpose, { code: 'bad-answer', path: purpose.path.toString(), why });
}

export function notFound(purpose: Purpose): UfsError {
  return ufsError(purpose, { code: 'not-found', path: purpose.path.toString() });
}

export function changed(purpose: Purpose): UfsError {
  return ufsError(purpose, { code: 'changed', path: purpose.path.toString(), version: purpose.version ?? '' });
}

/** True where other credentials may be answered otherwise. The answer to a HEAD has no code. */
export function isDenied({ status, body }: Refusal): boolean {
  return status === 401 || status === 403 || TOKEN_CODES.has(codeOf(body)) || (status === 400 && body === '');
}

/** The region that the bucket is really in, where the answer says so. */
export function regionHint({ status, headers, body }: Refusal): string | undefined {
  if (status !== 301 && status !== 307 && status !== 400 && status !== 403) return undefined;
  const header = headers['x-amz-bucket-region'];
  const region = typeof header === 'string' ? header : textOf(body, 'Region');
  return region !== undefined && /^[a-z0-9-]{1,64}$/.test(region) ? region : undefined;
}

function faultOf(refusal: Refusal, purpose: Purpose, nowMs: number): UfsFault {
  const { status, headers, body } = refusal;
  const path = purpose.path.toString();
  const code = codeOf(body);
  const why = describe(refusal);
  const retryAfterMs = retryAfter(headers['retry-after'], nowMs);
  if (code === 'RequestTimeTooSkewed') return { code: 'denied', path, why: describeSkew(headers, nowMs) };
  if (status === 429 || status >= 500 || status === 408 || status === 307 || BUSY_CODES.has(code)) {
    return { code: 'unavailable', path, why, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  if (isDenied(refusal)) return { code: 'denied', path, why };
  const isGone = status === 404 || status === 410;
  if (purpose.version !== undefined && code !== 'NoSuchBucket' && (isGone || status === 412)) {
    return { code: 'changed', path, version: purpose.version };
  }
  if (isGone) return { code: 'not-found', path };
  if (status === 301 || code === 'AuthorizationHeaderMalformed') {
    return { code: 'bad-config', what: `endpoint or region: ${why}` };
  }
  return { code: 'bad-answer', path, why };
}

function ufsError(purpose: Purpose, fault: UfsFault, cause?: unknown): UfsError {
  const name = purpose.path.length === 0 ? 'the root of the storage' : JSON.stringify(purpose.path.toString());
  return new UfsError(
    `Cannot ${purpose.verb} ${name}: ${describeFault(fault)}`,
    fault,
    cause === undefined ? undefined : { cause },
  );
}

function describeFault(fault: UfsFault): string {
  switch (fault.code) {
    case 'not-found':
      return 'there is no such file, folder or bucket';
    case 'changed':
      return `it is not version ${JSON.stringify(fault.version)} any more`;
    case 'bad-config':
      return fault.what;
    case 'denied':
    case 'unavailable':
    case 'bad-answer':
      return fault.why;
  }
}

/** "503 SlowDown: Please reduce your request rate." */
function describe({ status, body }: Refusal): string {
  const message = textOf(body, 'Message');
  return [`${status} ${codeOf(body)}`.trim(), ...(message === undefined ? [] : [message])].join(': ');
}

function describeSkew(headers: AnswerHeaders, nowMs: number): string {
  const theirsMs = Date.parse(headers.date ?? '');
  const apart = Number.isNaN(theirsMs) ? '' : ` by ${Math.round(Math.abs(nowMs - theirsMs) / 1000)} s`;
  return `RequestTimeTooSkewed: the clocks of this machine and of the storage differ${apart}, set the clock of this machine`;
}

function codeOf(body: string): string {
  return textOf(body, 'Code') ?? '';
}

function textOf(body: string, tag: string): string | undefined {
  return new RegExp(`<${tag}>([^<]{1,1000})</${tag}>`).exec(body)?.[1];
}

/** Seconds, or a date. */
function retryAfter(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
