// What workers and clients tell the master about themselves, as JSON, and what it answers.
import { isRecord } from './error-codec.ts';
import { badRequest } from './errors.ts';

/** Bytes moved since the process that counts them started. Only ever grow while `instance` stays the same. */
export interface TransferCounts {
  /** Served from a cache on the reader's own machine. */
  readonly localHitBytes: number;
  /** Served from a worker's cache. */
  readonly remoteHitBytes: number;
  /** Fetched from the under storage because no cache had them. */
  readonly missBytes: number;
}

/** Body of `POST /v1/workers`, every few seconds. */
export interface WorkerReport {
  /** Stays with the worker's cache folder. */
  readonly id: string;
  /** Another one for every process. */
  readonly instance: string;
  /** Where clients reach it, as parseAddress() takes it. */
  readonly address: string;
  readonly usedBytes: number;
  readonly quotaBytes: number;
  readonly counts: TransferCounts;
}

export type WorkerAnswer =
  | { readonly accepted: true; readonly leaseMs: number }
  /** Another live process has that id. */
  | { readonly accepted: false; readonly heldBy: string };

/** Body of `POST /v1/clients`, every few seconds. */
export interface ClientReport {
  readonly instance: string;
  readonly counts: TransferCounts;
}

/** A live worker, as the master tells clients. */
export interface WorkerInfo {
  readonly id: string;
  readonly address: string;
  readonly usedBytes: number;
  readonly quotaBytes: number;
}

/** Throws RpcError 'bad-request'. */
export function decodeWorkerReport(value: unknown): WorkerReport {
  const it = record(value, 'a worker report');
  return {
    id: text(it, 'id'),
    instance: text(it, 'instance'),
    address: text(it, 'address'),
    usedBytes: count(it, 'usedBytes'),
    quotaBytes: count(it, 'quotaBytes'),
    counts: decodeCounts(it['counts']),
  };
}

/** Throws RpcError 'bad-request'. */
export function decodeClientReport(value: unknown): ClientReport {
  const it = record(value, 'a client report');
  return { instance: text(it, 'instance'), counts: decodeCounts(it['counts']) };
}

/** Throws RpcError 'bad-request'. */
export function decodeWorkerAnswer(value: unknown): WorkerAnswer {
  const it = record(value, 'an answer to a worker report');
  if (it['accepted'] === true) return { accepted: true, leaseMs: count(it, 'leaseMs') };
  return { accepted: false, heldBy: text(it, 'heldBy') };
}

/** Throws RpcError 'bad-request'. */
export function decodeWorkers(value: unknown): WorkerInfo[] {
  if (!Array.isArray(value)) throw badRequest('a list of workers is expected');
  return value.map((item) => {
    const it = record(item, 'a worker');
    return {
      id: text(it, 'id'),
      address: text(it, 'address'),
      usedBytes: count(it, 'usedBytes'),
      quotaBytes: count(it, 'quotaBytes'),
    };
  });
}

function decodeCounts(value: unknown): TransferCounts {
  const it = record(value, 'transfer counts');
  return {
    localHitBytes: count(it, 'localHitBytes'),
    remoteHitBytes: count(it, 'remoteHitBytes'),
    missBytes: count(it, 'missBytes'),
  };
}

const TEXT_CHARS_MAX = 1024;

function record(value: unknown, what: string): Record<string, unknown> {
  if (!isRecord(value)) throw badRequest(`${what} is expected`);
  return value;
}

function text(from: Record<string, unknown>, name: string): string {
  const value = from[name];
  if (typeof value === 'string' && value !== '' && value.length <= TEXT_CHARS_MAX) return value;
  throw badRequest(`"${name}" must be a text of 1 to ${TEXT_CHARS_MAX} characters`);
}

function count(from: Record<string, unknown>, name: string): number {
  const value = from[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw badRequest(`"${name}" must be a whole number`);
}
