// Load jobs on the wire and on disk, as JSON: what is to be warmed, and how far it is.
import { decodeBytes, encodeBytes } from '../bytes.ts';
import { isRecord } from '../error-codec.ts';
import { badRequest } from '../errors.ts';

export interface LoadSpec {
  /** Files and folders of the dataset; the empty path is all of it. */
  readonly paths: readonly Buffer[];
  /** Ask the storage for names anew first. */
  readonly refresh: boolean;
  /** Names and attributes only, no data. Default false. */
  readonly metadataOnly?: boolean;
  /** How many workers shall have each piece. */
  readonly replicas: number;
}

export const LOAD_STATES = ['waiting', 'running', 'done', 'failed', 'cancelled'] as const;
export type LoadState = (typeof LOAD_STATES)[number];

export interface LoadFailure {
  readonly path: Buffer;
  readonly why: string;
}

export interface LoadProgress {
  readonly state: LoadState;
  /** 'failed' as a whole: why. */
  readonly why: string | undefined;
  /** Found by now; all there are once `walked`. */
  readonly foundFiles: number;
  readonly foundBytes: number;
  readonly walked: boolean;
  /** Cached by now, those that were before included. */
  readonly loadedFiles: number;
  readonly loadedBytes: number;
  /** Of `loadedBytes`: were cached before. */
  readonly hadBytes: number;
  readonly failedFiles: number;
  /** The first few. */
  readonly failures: readonly LoadFailure[];
  /** Running time up to now or to the end. */
  readonly elapsedMs: number;
}

export interface LoadStatus {
  readonly id: string;
  readonly spec: LoadSpec;
  readonly progress: LoadProgress;
}

export const NO_PROGRESS: LoadProgress = {
  state: 'waiting',
  why: undefined,
  foundFiles: 0,
  foundBytes: 0,
  walked: false,
  loadedFiles: 0,
  loadedBytes: 0,
  hadBytes: 0,
  failedFiles: 0,
  failures: [],
  elapsedMs: 0,
};

const PATHS_MAX = 10_000;
const REPLICAS_MAX = 64;

export function encodeLoadSpec(spec: LoadSpec): unknown {
  return { ...spec, paths: spec.paths.map(encodeBytes) };
}

/** Throws RpcError 'bad-request'. */
export function decodeLoadSpec(value: unknown): LoadSpec {
  if (!isRecord(value)) throw badRequest('a load job is expected');
  const { paths, refresh = false, metadataOnly = false, replicas = 1 } = value;
  if (!Array.isArray(paths) || paths.length === 0 || paths.length > PATHS_MAX) {
    throw badRequest(`a load job has 1 to ${PATHS_MAX} paths`);
  }
  if (typeof refresh !== 'boolean') throw badRequest('"refresh" must be true or false');
  if (typeof metadataOnly !== 'boolean') throw badRequest('"metadataOnly" must be true or false');
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 1 || replicas > REPLICAS_MAX) {
    throw badRequest(`"replicas" must be 1 to ${REPLICAS_MAX}`);
  }
  return { paths: paths.map(decodeBytes), refresh, metadataOnly, replicas };
}

export function encodeLoadStatus(status: LoadStatus): unknown {
  const { id, spec, progress } = status;
  const failures = progress.failures.map(({ path, why }) => ({ path: encodeBytes(path), why }));
  return { id, spec: encodeLoadSpec(spec), progress: { ...progress, failures } };
}

/** Throws RpcError 'bad-request'. */
export function decodeLoadStatus(value: unknown): LoadStatus {
  if (!isRecord(value) || typeof value['id'] !== 'string') throw badRequest('the status of a load job is expected');
  return { id: value['id'], spec: decodeLoadSpec(value['spec']), progress: decodeProgress(value['progress']) };
}

function decodeProgress(value: unknown): LoadProgress {
  if (!isRecord(value)) throw badRequest('the progress of a load job is expected');
  const state = LOAD_STATES.find((it) => it === value['state']);
  if (state === undefined) throw badRequest('a load job in an unknown state');
  const { why, walked, failures } = value;
  return {
    state,
    why: typeof why === 'string' ? why : undefined,
    foundFiles: count(value, 'foundFiles'),
    foundBytes: count(value, 'foundBytes'),
    walked: walked === true,
    loadedFiles: count(value, 'loadedFiles'),
    loadedBytes: count(value, 'loadedBytes'),
    hadBytes: count(value, 'hadBytes'),
    failedFiles: count(value, 'failedFiles'),
    failures: Array.isArray(failures) ? failures.map(decodeFailure) : [],
    elapsedMs: count(value, 'elapsedMs'),
  };
}

function decodeFailure(value: unknown): LoadFailure {
  if (!isRecord(value) || typeof value['why'] !== 'string') throw badRequest('a failure without a reason');
  return { path: decodeBytes(value['path']), why: value['why'] };
}

function count(from: Record<string, unknown>, name: string): number {
  const value = from[name];
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw badRequest(`"${name}" must be a number`);
}
