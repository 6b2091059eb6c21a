// ids: the 64-bit names the kernel and the file system use for things. All are bigint, and none fits where another belongs.

/**
 * An inode as the kernel names it. Given out by entry replies; each one counts as a lookup, and the id must keep its
 * meaning until FORGET has taken back every lookup. It survives the daemon: a successor is asked about old ids.
 */
export type NodeId = bigint & { readonly brand: 'NodeId' };

/** An open file or directory, chosen freely by the answer to OPEN, OPENDIR, CREATE; valid until RELEASE. */
export type FileHandle = bigint & { readonly brand: 'FileHandle' };

/** One request. The reply must echo it bit for bit, UNIQUE_RESEND included. */
export type Unique = bigint & { readonly brand: 'Unique' };

export const ROOT_NODE = 1n as NodeId;

/** Set in `unique` of a request that was delivered before, to a daemon that died without answering. */
export const UNIQUE_RESEND = 1n << 63n;

export function isResent(unique: Unique): boolean {
  return (unique & UNIQUE_RESEND) !== 0n;
}
