// forget: what the kernel tells without waiting: lookups given back (FORGET, BATCH_FORGET) and callers gone (INTERRUPT).
import type { Buffer } from 'node:buffer';
import type { NodeId, Unique } from './ids.ts';
import { needBytes, needExactly, readU64 } from './words.ts';

const FORGET_ONE_BYTES = 16;

export interface ForgetIn {
  readonly nlookup: number;
}

export interface ForgetOne {
  readonly nodeid: NodeId;
  readonly nlookup: number;
}

export interface BatchForgetIn {
  readonly forgets: readonly ForgetOne[];
}

export interface InterruptIn {
  /** Of the request whose caller no longer waits; it may be answered already, or not yet read. */
  readonly unique: Unique;
}

export function decodeForgetIn(args: Buffer): ForgetIn {
  needBytes(args, 8, 'fuse_forget_in');
  return { nlookup: readU64(args, 0, 'fuse_forget_in.nlookup') };
}

export function decodeBatchForgetIn(args: Buffer): BatchForgetIn {
  needBytes(args, 8, 'fuse_batch_forget_in');
  const count = args.readUInt32LE(0);
  needExactly(args, 8 + count * FORGET_ONE_BYTES, 'fuse_batch_forget_in and its items');
  const forgets: ForgetOne[] = [];
  for (let at = 8; at < args.length; at += FORGET_ONE_BYTES) {
    forgets.push({
      nodeid: args.readBigUInt64LE(at) as NodeId,
      nlookup: readU64(args, at + 8, 'fuse_forget_one.nlookup'),
    });
  }
  return { forgets };
}

export function decodeInterruptIn(args: Buffer): InterruptIn {
  needBytes(args, 8, 'fuse_interrupt_in');
  return { unique: args.readBigUInt64LE(0) as Unique };
}
