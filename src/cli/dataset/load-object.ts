// One object into the cache of this machine, all of it. What is there already is not fetched again.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Fault, sleep } from '../../base/index.ts';
import { BLOCK_BYTES, type BlockStore } from '../../cache/blocks/index.ts';
import type { BlockSource } from '../../cache/fill/index.ts';
import type { ObjectRef } from '../../cache/ufs/index.ts';

export type LoadObjectFault = { code: 'not-kept'; path: string };
export class LoadObjectError extends Fault<LoadObjectFault> {}

/** Wanted ahead of the block that is waited for. */
const AHEAD_BYTES = 16 * BLOCK_BYTES;
/** How long a block that has arrived may take to be on disk. */
const STORE_MS = 10_000;
const POLL_MS_MAX = 20;

/** Throws UfsError, the signal's reason, or LoadObjectError when the cache cannot take all of it. */
export async function loadObject(
  object: ObjectRef,
  { blocks, store }: { readonly blocks: BlockSource; readonly store: BlockStore },
  signal: AbortSignal,
): Promise<void> {
  const file = blocks.open(object);
  try {
    const scratch = Buffer.allocUnsafe(1); // of each block one byte: that it is there is what matters
    for (let at = 0; at < object.sizeBytes; at += BLOCK_BYTES) {
      signal.throwIfAborted();
      if (at % AHEAD_BYTES === 0) file.prefetch(at, 2 * AHEAD_BYTES);
      await orAborted(file.read(at, scratch), signal);
    }
    await untilStored(object, store, signal);
  } finally {
    file.close();
  }
}

/** Blocks are served before they are on disk. */
async function untilStored(object: ObjectRef, store: BlockStore, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + STORE_MS;
  for (let tries = 0; store.cachedBytes(object.id) < object.sizeBytes; tries++) {
    if (performance.now() > endMs) {
      const path = object.path.toString();
      const message = `Cannot keep "${path}" in the cache: there is no room for all of it, or its disk fails`;
      throw new LoadObjectError(message, { code: 'not-kept', path });
    }
    if (tries < 10) await nextTurn();
    else await sleep(Math.min(tries - 9, POLL_MS_MAX), signal);
  }
}

/** The read goes on alone; it writes into its scratch byte, and nobody minds. */
async function orAborted(reading: number | Promise<number>, signal: AbortSignal): Promise<void> {
  if (typeof reading === 'number') return;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([reading, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
