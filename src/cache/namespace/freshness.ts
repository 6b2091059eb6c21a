// How long what is known counts as right without asking the storage again.

export type RefreshPolicy =
  { readonly policy: 'always' } | { readonly policy: 'ttl'; readonly ttlMs: number } | { readonly policy: 'never' };

/** Whether something the storage said at `atMs` may be told at `nowMs`. A clock that was set back makes nothing fresh. */
export function isFresh(refresh: RefreshPolicy, atMs: number, nowMs: number): boolean {
  switch (refresh.policy) {
    case 'always':
      return false;
    case 'never':
      return true;
    case 'ttl':
      return atMs <= nowMs && nowMs - atMs < refresh.ttlMs;
  }
}

const HOUR_MS = 3_600_000;

/** How old the totals may get. */
export function recountMs(refresh: RefreshPolicy): number | undefined {
  switch (refresh.policy) {
    case 'always':
      return HOUR_MS;
    case 'never':
      return undefined;
    case 'ttl':
      return Math.max(HOUR_MS, refresh.ttlMs);
  }
}
