// GET /v1/data: a range of an object, through the cache. Two frames of memory per request: one is read while the other is
// sent, so a reader that is slow makes its own request slow and nothing else.
import {
  decodeDataQuery,
  FRAME_BYTES,
  FRAME_HEAD_BYTES,
  framedBytes,
  sealFrame,
  type ByteWriter,
  type DataRange,
  type RpcAnswer,
  type RpcHandler,
} from '../rpc/index.ts';
import type { BlockFile } from '../fill/index.ts';
import { UfsError } from '../ufs/index.ts';
import { Frames } from './frames.ts';
import type { OpenFiles } from './open-files.ts';

export interface DataRouteDeps {
  readonly files: OpenFiles;
  readonly frames: Frames;
  readonly served: (sizeBytes: number) => void;
}

export function dataRoute(deps: DataRouteDeps): RpcHandler {
  return ({ query, signal }): RpcAnswer => {
    const range = decodeDataQuery(query);
    return {
      kind: 'bytes',
      lengthBytes: framedBytes(range.length),
      write: (out) => send(range, out, signal, deps),
    };
  };
}

async function send(range: DataRange, out: ByteWriter, signal: AbortSignal, deps: DataRouteDeps): Promise<void> {
  const { object, offset, length } = range;
  const file = deps.files.take(object);
  let sending: { frame: Buffer; done: Promise<void> } | undefined;
  let frame: Buffer | undefined;
  try {
    if (length > FRAME_BYTES) file.prefetch(offset, length);
    for (let at = 0; at < length; at += FRAME_BYTES) {
      signal.throwIfAborted();
      const bytes = Math.min(FRAME_BYTES, length - at);
      frame = deps.frames.take(FRAME_HEAD_BYTES + bytes);
      await fill(file, offset + at, frame.subarray(FRAME_HEAD_BYTES));
      sealFrame(frame, object.id, offset + at);
      const before = sending;
      sending = { frame, done: out.write(frame) };
      sending.done.catch(() => {}); // Awaited below, one turn later.
      frame = undefined;
      await before?.done;
      if (before !== undefined) deps.frames.give(before.frame);
      deps.served(bytes);
    }
    await sending?.done;
    if (sending !== undefined) deps.frames.give(sending.frame);
  } finally {
    // A frame whose sending failed may still be read by the connection: it is dropped, not given back.
    if (frame !== undefined) deps.frames.give(frame);
    deps.files.give(object);
  }
}

async function fill(file: BlockFile, offset: number, into: Buffer): Promise<void> {
  const got = file.read(offset, into);
  const bytes = typeof got === 'number' ? got : await got;
  if (bytes === into.length) return;
  const path = file.object.path.toString();
  const why = `${bytes} bytes instead of ${into.length}`;
  throw new UfsError(`Cannot read "${path}": got ${why}`, { code: 'bad-answer', path, why });
}
