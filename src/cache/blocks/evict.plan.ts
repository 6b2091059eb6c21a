// Which segments go when a path is too full. Pure: takes what is there, returns what should not be.

export interface Candidate {
  readonly usedBytes: number;
  readonly lastUsedMs: number;
}

export interface Fullness {
  readonly usedBytes: number;
  readonly quotaBytes: number;
  /** Fractions of the quota: above `high` segments go until `low` is reached. */
  readonly high: number;
  readonly low: number;
  /** The file system as a whole: what it holds, others' files included, and what it may hold. */
  readonly diskUsedBytes: number;
  readonly diskUsableBytes: number;
}

/** How much has to go. Where others leave us less than the quota, the watermarks are fractions of what they leave. */
export function planExcess(full: Fullness): number {
  const roomBytes = full.diskUsableBytes - full.diskUsedBytes;
  const shareBytes = Math.max(0, Math.min(full.quotaBytes, full.usedBytes + roomBytes));
  return full.usedBytes > shareBytes * full.high ? full.usedBytes - shareBytes * full.low : 0;
}

const BUCKETS = 1024;

/** The least recently used ones that together free at least `excessBytes`. Linear, as there may be a million of them. */
export function planEviction<C extends Candidate>(candidates: readonly C[], excessBytes: number): C[] {
  if (excessBytes <= 0 || candidates.length === 0) return [];
  let oldest = Infinity;
  let newest = -Infinity;
  for (const { lastUsedMs } of candidates) {
    if (lastUsedMs < oldest) oldest = lastUsedMs;
    if (lastUsedMs > newest) newest = lastUsedMs;
  }
  const bucketOf = ({ lastUsedMs }: C): number =>
    Math.min(BUCKETS - 1, Math.floor(((lastUsedMs - oldest) / (newest - oldest || 1)) * BUCKETS));
  const bytes = new Float64Array(BUCKETS);
  for (const it of candidates) bytes[bucketOf(it)] = (bytes[bucketOf(it)] ?? 0) + it.usedBytes;
  let edge = 0;
  let freed = 0;
  while (edge < BUCKETS && freed + (bytes[edge] ?? 0) < excessBytes) freed += bytes[edge++] ?? 0;

  const gone: C[] = [];
  const onEdge: C[] = [];
  for (const it of candidates) {
    const bucket = bucketOf(it);
    if (bucket < edge) gone.push(it);
    else if (bucket === edge) onEdge.push(it);
  }
  onEdge.sort((a, b) => a.lastUsedMs - b.lastUsedMs);
  for (const it of onEdge) {
    if (freed >= excessBytes) break;
    gone.push(it);
    freed += it.usedBytes;
  }
  return gone;
}
