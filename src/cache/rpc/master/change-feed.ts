// The master's feed of changes on the wire: what `GET /v1/changes?epoch=…&since=…` answers, as JSON.
//
// Changes are numbered within one epoch, the life of one master process. Whoever asks with another epoch, or for numbers
// that the master no longer keeps, is told to resync: it may have missed anything.
import { decodeBytes, encodeBytes } from '../bytes.ts';
import { isRecord } from '../error-codec.ts';
import { badRequest } from '../errors.ts';
import { decodeWorkers, type WorkerInfo } from '../membership.ts';

export interface NameChange {
  readonly path: Buffer;
  readonly what: 'added' | 'removed' | 'changed';
}

/** A place in the feed: everything up to it is known. */
export interface FeedPlace {
  readonly epoch: string;
  readonly seq: number;
}

export interface FeedAnswer extends FeedPlace {
  /** Anything may have changed since the place that was asked for; `changes` is empty. */
  readonly resync: boolean;
  readonly changes: readonly NameChange[];
  /** All live workers, if that changed. */
  readonly workers: readonly WorkerInfo[] | undefined;
}

/** How long the master holds the question at most while there is nothing to tell. */
export const FEED_WAIT_MS_MAX = 30_000;

const WHAT = ['added', 'removed', 'changed'] as const;

export function encodeFeedAnswer(answer: FeedAnswer): unknown {
  const changes = answer.changes.map(({ path, what }) => [encodeBytes(path), what]);
  return { ...answer, changes };
}

/** Throws RpcError 'bad-request'. */
export function decodeFeedAnswer(value: unknown): FeedAnswer {
  if (!isRecord(value)) throw badRequest('an answer of the feed is expected');
  const { epoch, seq, resync, changes, workers } = value;
  if (typeof epoch !== 'string' || typeof seq !== 'number' || !Number.isSafeInteger(seq)) {
    throw badRequest('an answer of the feed has no place');
  }
  if (typeof resync !== 'boolean' || !Array.isArray(changes)) throw badRequest('an answer of the feed is incomplete');
  return {
    epoch,
    seq,
    resync,
    changes: changes.map(decodeChange),
    workers: workers === undefined ? undefined : decodeWorkers(workers),
  };
}

function decodeChange(value: unknown): NameChange {
  const [path, what] = Array.isArray(value) ? (value as unknown[]) : [];
  const known = WHAT.find((it) => it === what);
  if (known === undefined) throw badRequest('a change of an unknown kind');
  return { path: decodeBytes(path), what: known };
}
