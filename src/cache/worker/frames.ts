// Memory of frames, used again and again: large ones from a short list of idle ones, small ones from the heap.
import { FRAME_BYTES, FRAME_HEAD_BYTES } from '../rpc/index.ts';

const WHOLE_BYTES = FRAME_BYTES + FRAME_HEAD_BYTES;
const POOLED_FROM_BYTES = 64 * 1024;

export class Frames {
  readonly #idle: ArrayBuffer[] = [];
  readonly #idleMax: number;

  constructor(idleMax: number) {
    this.#idleMax = idleMax;
  }

  take(sizeBytes: number): Buffer {
    if (sizeBytes < POOLED_FROM_BYTES) return Buffer.allocUnsafeSlow(sizeBytes);
    return Buffer.from(this.#idle.pop() ?? new ArrayBuffer(WHOLE_BYTES), 0, sizeBytes);
  }

  /** Nobody looks at it any more. */
  give(frame: Buffer): void {
    const memory = frame.buffer;
    if (!(memory instanceof ArrayBuffer) || memory.byteLength !== WHOLE_BYTES) return;
    if (this.#idle.length < this.#idleMax) this.#idle.push(memory);
  }
}
