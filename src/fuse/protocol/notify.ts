// notify: what the file system tells the kernel unasked. Each encoder writes one whole message from the start of `buf` and
// returns its length, which must be the length of the write. The kernel answers EINVAL before INIT and after an abort.
import type { Buffer } from 'node:buffer';
import type { NodeId } from './ids.ts';
import { encodeOutHeader, NOTIFY_UNIQUE, OUT_HEADER_BYTES } from './out-header.ts';
import { needBytes, needExactly, readU64, writeBytes, writeI64, writeU64 } from './words.ts';

export const NOTIFY = {
  POLL: 1,
  INVAL_INODE: 2,
  INVAL_ENTRY: 3,
  STORE: 4,
  RETRIEVE: 5,
  DELETE: 6,
  RESEND: 7,
  INC_EPOCH: 8,
  PRUNE: 9,
} as const;

const BODY = OUT_HEADER_BYTES;
const RETRIEVE_IN_BYTES = 40;

/** NOTIFY_REPLY: the answer to RETRIEVE; its header's `unique` is the notifyUnique of the question. */
export interface NotifyReplyIn {
  readonly offset: number;
  readonly size: number;
  /** Exactly `size` bytes, a view into the frame. */
  readonly data: Buffer;
}

/** Wakes who polls the handle `kh` came from. */
export function encodePollWakeup(buf: Buffer, poll: { kh: bigint }): number {
  buf.writeBigUInt64LE(poll.kh, BODY);
  return finish(buf, NOTIFY.POLL, 8);
}

/** Drops attributes and, for `off` >= 0, the cached pages from `off` on: `len` bytes, or all if `len` <= 0. */
export function encodeInvalInode(buf: Buffer, inval: { ino: NodeId; off: number; len: number }): number {
  buf.writeBigUInt64LE(inval.ino, BODY);
  writeI64(buf, inval.off, BODY + 8);
  writeI64(buf, inval.len, BODY + 16);
  return finish(buf, NOTIFY.INVAL_INODE, 24);
}

/** Drops a name below `parent`; `flags` may be EXPIRE_ONLY (7.38). */
export function encodeInvalEntry(buf: Buffer, inval: { parent: NodeId; name: Uint8Array; flags: number }): number {
  buf.writeBigUInt64LE(inval.parent, BODY);
  buf.writeUInt32LE(inval.name.length, BODY + 8);
  buf.writeUInt32LE(inval.flags, BODY + 12);
  return finish(buf, NOTIFY.INVAL_ENTRY, 16 + writeName(buf, inval.name, BODY + 16));
}

/** Like INVAL_ENTRY, and tells watchers that `child` was deleted. */
export function encodeDelete(buf: Buffer, gone: { parent: NodeId; child: NodeId; name: Uint8Array }): number {
  buf.writeBigUInt64LE(gone.parent, BODY);
  buf.writeBigUInt64LE(gone.child, BODY + 8);
  buf.writeUInt32LE(gone.name.length, BODY + 16);
  buf.writeUInt32LE(0, BODY + 20);
  return finish(buf, NOTIFY.DELETE, 24 + writeName(buf, gone.name, BODY + 24));
}

/** The head of STORE: returns the length without the `size` bytes of data that the caller must put behind it. */
export function encodeStoreHeader(buf: Buffer, store: { nodeid: NodeId; offset: number; size: number }): number {
  buf.writeBigUInt64LE(store.nodeid, BODY);
  writeU64(buf, store.offset, BODY + 8);
  buf.writeUInt32LE(store.size, BODY + 16);
  buf.writeUInt32LE(0, BODY + 20);
  return finish(buf, NOTIFY.STORE, 24 + store.size) - store.size;
}

/** Asks for cached pages; NOTIFY_REPLY answers. */
export function encodeRetrieve(
  buf: Buffer,
  ask: { notifyUnique: bigint; nodeid: NodeId; offset: number; size: number },
): number {
  buf.writeBigUInt64LE(ask.notifyUnique, BODY);
  buf.writeBigUInt64LE(ask.nodeid, BODY + 8);
  writeU64(buf, ask.offset, BODY + 16);
  buf.writeUInt32LE(ask.size, BODY + 24);
  buf.writeUInt32LE(0, BODY + 28);
  return finish(buf, NOTIFY.RETRIEVE, 32);
}

/** Asks for every request again that was read and not answered (Linux 6.9); they come with UNIQUE_RESEND set. */
export function encodeResend(buf: Buffer): number {
  return finish(buf, NOTIFY.RESEND, 0);
}

/** Ages all entries and directory caches of the connection at once (7.44). */
export function encodeIncEpoch(buf: Buffer): number {
  return finish(buf, NOTIFY.INC_EPOCH, 0);
}

/** Asks the kernel to give up unused inodes (7.45). */
export function encodePrune(buf: Buffer, nodeids: readonly NodeId[]): number {
  buf.writeUInt32LE(nodeids.length, BODY);
  buf.fill(0, BODY + 4, BODY + 16);
  let at = BODY + 16;
  for (const nodeid of nodeids) at = buf.writeBigUInt64LE(nodeid, at);
  return finish(buf, NOTIFY.PRUNE, at - BODY);
}

export function decodeNotifyReply(args: Buffer): NotifyReplyIn {
  needBytes(args, RETRIEVE_IN_BYTES, 'fuse_notify_retrieve_in');
  const size = args.readUInt32LE(16);
  needExactly(args, RETRIEVE_IN_BYTES + size, 'fuse_notify_retrieve_in and its data');
  return { offset: readU64(args, 8, 'fuse_notify_retrieve_in.offset'), size, data: args.subarray(RETRIEVE_IN_BYTES) };
}

function writeName(buf: Buffer, name: Uint8Array, at: number): number {
  writeBytes(buf, name, at);
  buf.writeUInt8(0, at + name.length);
  return name.length + 1;
}

function finish(buf: Buffer, code: number, bodyBytes: number): number {
  const len = OUT_HEADER_BYTES + bodyBytes;
  encodeOutHeader(buf, 0, { len, error: code, unique: NOTIFY_UNIQUE });
  return len;
}
