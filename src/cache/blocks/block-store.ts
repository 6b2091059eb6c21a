// The block store: bytes of objects on local tiers, checked whenever they are read from disk.
//
// An object is kept in segments of `SegmentInfo.segmentBytes`; a segment is one sparse data file in which blocks of
// BLOCK_BYTES are either there and checksummed, or absent. A block is served whole and right, or not at all.

/** What is fetched, filled and noted as present together. */
export const BLOCK_BYTES = 1024 * 1024;

export interface SegmentId {
  /** ObjectRef.id. */
  readonly object: string;
  /** From 0. */
  readonly index: number;
}

/** What a segment is part of: written beside its data, compared when it is opened again. */
export interface SegmentInfo extends SegmentId {
  readonly path: Buffer;
  readonly version: string;
  readonly objectBytes: number;
  /**
   * How long every segment of this object is but the last: a multiple of BLOCK_BYTES; at least `objectBytes` where the object
   * is kept in one. The reader decides it from the object's size. What was kept by another length is dropped by `open`.
   */
  readonly segmentBytes: number;
}

/** An open segment. Not evicted while it is open. */
export interface Segment {
  readonly info: SegmentInfo;
  /** Of this segment: the last one of an object may be short. */
  readonly sizeBytes: number;
  has(block: number): boolean;
  isWhole(): boolean;
  /**
   * Fills `into` from `offset` (within the segment): bytes read, or -1 when a block of it is absent — or was found damaged,
   * which drops and counts it. At once where the page cache has it, else by a promise. Never throws: a failing disk is -1.
   */
  read(offset: number, into: Buffer): number | Promise<number>;
  /**
   * Stores a whole block (the last one may be short). False when it could not be kept (no space, failing disk, another
   * writer): the caller serves its bytes from memory and that is all. `bytes` may be used again once the promise resolves.
   * `sums`: of these very bytes (GrainSums), if they were made while the bytes arrived.
   */
  write(block: number, bytes: Buffer, sums?: Uint32Array): Promise<boolean>;
  /** A descriptor of the data file if it is whole and nobody changed it since it was checked; a duplicate, the caller's own. */
  openWhole(): Promise<number | undefined>;
  close(): void;
}

export interface BlockStore {
  /**
   * From now on this process is the one that writes, counts and evicts here; a standby does not call it. Waits shortly for
   * the process before to be gone, then throws BlocksError 'in-use'. Reading and filling work before it, evicting begins it.
   */
  begin(): Promise<void>;
  /** Resolves once everything on disk is counted, in the background; until then usage and cachedBytes tell what is known. */
  counted(): Promise<void>;
  /** The segment, made if need be. Undefined when no tier can keep it. */
  open(info: SegmentInfo): Segment | undefined;
  /** The segment only if something of it is there, known by its id alone. */
  find(id: SegmentId): Segment | undefined;
  /** Forgets what is cached of these objects (all, without argument), except what is open. Returns bytes freed. */
  evict(objects?: readonly string[]): Promise<number>;
  /** Blocks present of an object, as bytes. */
  cachedBytes(object: string): number;
  usage(): StoreUsage;
  close(): Promise<void>;
}

export interface TierUsage {
  readonly medium: 'MEM' | 'SSD' | 'HDD';
  readonly path: string;
  readonly quotaBytes: number;
  readonly usedBytes: number;
  /** Why nothing more is written there, if so. */
  readonly failed: string | undefined;
}

export interface StoreUsage {
  readonly tiers: readonly TierUsage[];
  readonly segments: number;
  readonly evictedBytes: number;
  readonly damagedBlocks: number;
}
