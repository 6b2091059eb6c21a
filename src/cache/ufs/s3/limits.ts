// Every deadline and bound of this storage, in one place.

export interface S3Limits {
  /** No byte for so long, connecting included: unavailable. */
  readonly stallTimeoutMs: number;
  /** A whole answer may take this long, … */
  readonly answerTimeoutMs: number;
  /** … and longer by what its bytes take at this rate: whoever sends slower is as good as not there. */
  readonly slowestBytesPerSecond: number;
  /** Connections of one storage; further requests wait for one of them. */
  readonly socketsMax: number;
  /** Of the text of an error, which nobody needs whole. */
  readonly errorBytesMax: number;
  /** Of one page of a listing: 1000 keys of 1024 bytes, every byte escaped, have room. */
  readonly listBytesMax: number;
  /** Files with credentials are looked at no more often. */
  readonly credentialsCheckMs: number;
}

export const S3_LIMITS: S3Limits = {
  stallTimeoutMs: 10_000,
  answerTimeoutMs: 30_000,
  slowestBytesPerSecond: 64 * 1024,
  socketsMax: 64,
  errorBytesMax: 64 * 1024,
  listBytesMax: 16 * 1024 * 1024,
  credentialsCheckMs: 1_000,
};
