// Decides what of an open file to fetch before it is asked for. One per open file, told of each read; does nothing itself.
//
// - A file of up to `wholeBytesMax` is fetched whole at its first read.
// - Whoever reads on where the last read ended is a stream (one that begins at the start of the file is believed at once):
//   what is ahead of it is fetched, 1 MiB at first and twice as much each time, up to `windowBytesMax`. Several streams in one
//   file are told apart by where they are. Once it runs, reads may overtake each other a little, as the kernel's do.
// - Any other read begins anew and has nothing fetched ahead: jumping around in a file costs no more than what is read.
//
// Never asks for anything beyond the end of the file or further ahead of a stream than its window, and of no stream for
// the same bytes twice.

export interface ReadAheadConfig {
  /** Default 32 MiB. */
  readonly windowBytesMax?: number;
  /** Default 4 MiB. */
  readonly wholeBytesMax?: number;
}

export interface Range {
  readonly offset: number;
  readonly length: number;
}

const MIB = 1024 * 1024;
const WINDOW_BYTES_MIN = MIB;
const STREAMS_MAX = 4;
/** How far reads of a running stream may be out of order. */
const DISORDER_BYTES_MAX = 512 * 1024;

type Stream = {
  /** Where the furthest read ended. */
  nextOffset: number;
  /** Up to where things were asked for. */
  aheadOffset: number;
  /** 0 while it is one read and no stream yet. */
  windowBytes: number;
};

export class ReadAhead {
  readonly #sizeBytes: number;
  readonly #windowBytesMax: number;
  readonly #isSmall: boolean;
  /** Most recently used first. */
  readonly #streams: Stream[] = [];
  #isWholeAsked = false;

  constructor(sizeBytes: number, { windowBytesMax = 32 * MIB, wholeBytesMax = 4 * MIB }: ReadAheadConfig = {}) {
    this.#sizeBytes = sizeBytes;
    this.#windowBytesMax = windowBytesMax;
    this.#isSmall = sizeBytes <= wholeBytesMax;
  }

  /** A read of `length` bytes from `offset`: what to fetch now, or undefined. */
  onRead(offset: number, length: number): Range | undefined {
    if (length <= 0 || offset >= this.#sizeBytes) return undefined;
    const end = Math.min(offset + length, this.#sizeBytes);
    if (this.#isSmall) return this.#whole(offset, end);
    const stream = this.#streamAt(offset);
    if (stream === undefined) {
      const begun = this.#begin(end);
      return offset === 0 ? this.#advance(begun) : undefined;
    }
    stream.nextOffset = Math.max(stream.nextOffset, end);
    return this.#advance(stream);
  }

  #whole(offset: number, end: number): Range | undefined {
    if (this.#isWholeAsked) return undefined;
    this.#isWholeAsked = true;
    return offset === 0 && end === this.#sizeBytes ? undefined : { offset: 0, length: this.#sizeBytes };
  }

  /** The stream that this read goes on with, moved to the front. */
  #streamAt(offset: number): Stream | undefined {
    const streams = this.#streams;
    for (let i = 0; i < streams.length; i++) {
      const stream = streams[i];
      if (stream === undefined || !goesOn(stream, offset)) continue;
      if (i > 0) {
        streams.splice(i, 1);
        streams.unshift(stream);
      }
      return stream;
    }
    return undefined;
  }

  /** What may become a stream, in the place of the one longest unused. */
  #begin(end: number): Stream {
    if (this.#streams.length === STREAMS_MAX) this.#streams.pop();
    const stream: Stream = { nextOffset: end, aheadOffset: end, windowBytes: 0 };
    this.#streams.unshift(stream);
    return stream;
  }

  /** Asks in large pieces: when a quarter of the window or more is not asked for yet. */
  #advance(stream: Stream): Range | undefined {
    const aheadBytes = stream.aheadOffset - stream.nextOffset;
    if (stream.windowBytes > 0 && aheadBytes > (stream.windowBytes * 3) / 4) return undefined;
    const wanted = stream.windowBytes === 0 ? WINDOW_BYTES_MIN : 2 * stream.windowBytes;
    stream.windowBytes = Math.min(wanted, this.#windowBytesMax);
    const offset = Math.max(stream.aheadOffset, stream.nextOffset);
    const length = Math.min(stream.nextOffset + stream.windowBytes, this.#sizeBytes) - offset;
    if (length <= 0) return undefined;
    stream.aheadOffset = offset + length;
    return { offset, length };
  }
}

function goesOn({ nextOffset, windowBytes }: Stream, offset: number): boolean {
  return windowBytes === 0 ? offset === nextOffset : Math.abs(offset - nextOffset) <= DISORDER_BYTES_MAX;
}
