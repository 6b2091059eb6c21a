// What a daemon tells the vault at every first open and after last closes: fixed bytes, since it is on the way of an open.
//
// keep: 1, 7 zero bytes, nodeid (u64), with one descriptor. drop: 2, 7 zero bytes, nodeids (u64 each), without.
import type { NodeId } from '../fuse/protocol/index.ts';

const KEEP = 1;
const DROP = 2;
const HEAD_BYTES = 8;

export type KeepMessage = { kind: 'keep'; node: bigint } | { kind: 'drop'; nodes: bigint[] };

export function encodeKeep(node: NodeId): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + 8);
  bytes[0] = KEEP;
  bytes.writeBigUInt64LE(node, HEAD_BYTES);
  return bytes;
}

export function encodeDrops(nodes: readonly NodeId[]): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + 8 * nodes.length);
  bytes[0] = DROP;
  for (const [i, node] of nodes.entries()) bytes.writeBigUInt64LE(node, HEAD_BYTES + 8 * i);
  return bytes;
}

/** Undefined for what is neither. */
export function decodeKeepMessage(bytes: Buffer): KeepMessage | undefined {
  if (bytes.length < HEAD_BYTES || bytes.length % 8 !== 0) return undefined;
  const nodes = Array.from({ length: bytes.length / 8 - 1 }, (_, i) => bytes.readBigUInt64LE(HEAD_BYTES + 8 * i));
  const [node] = nodes;
  if (bytes[0] === KEEP && node !== undefined && nodes.length === 1) return { kind: 'keep', node };
  return bytes[0] === DROP ? { kind: 'drop', nodes } : undefined;
}
