// One read that could not be answered at once: pieces of it arrive from several blocks and from disk, in any order.
//
// `into` belongs to the reader again as soon as the promise is settled: nothing is copied into it afterwards, and it is not
// settled while a disk may still write into it.

export class PendingRead {
  readonly promise: Promise<number>;
  readonly #into: Buffer;
  readonly #resolve: (bytes: number) => void;
  readonly #reject: (err: unknown) => void;
  #pieces = 0;
  #diskPieces = 0;
  #failed = false;
  #why: unknown;

  constructor(into: Buffer) {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.promise = promise;
    this.#into = into;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** One more piece to wait for. All are announced before the first arrives. */
  expect(): void {
    this.#pieces++;
  }

  /** Bytes `from` to `to` of the source are what belongs at `at`. */
  deliver(source: Buffer, from: number, to: number, at: number): void {
    if (this.#failed) return;
    source.copy(this.#into, at, from, to);
    this.arrived();
  }

  /** A piece is in its place. */
  arrived(): void {
    if (--this.#pieces === 0 && !this.#failed) this.#resolve(this.#into.length);
  }

  /** The disk begins to write into a piece that is expected. */
  diskBegins(): void {
    this.#diskPieces++;
  }

  diskEnds(): void {
    this.#diskPieces--;
    if (this.#failed && this.#diskPieces === 0) this.#reject(this.#why);
  }

  /** The first failure of a piece is the failure of the whole. */
  fail(err: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#why = err;
    if (this.#diskPieces === 0) this.#reject(err);
  }
}
