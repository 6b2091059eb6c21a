// A set of inode numbers as bits: numbers of one folder mostly follow each other, so a million of them take about 130 KB.

const CHUNK_SHIFT = 10;
const CHUNK_INOS = 1 << CHUNK_SHIFT;

export class InoSet {
  readonly #chunks = new Map<number, Uint8Array>();
  #lastNumber = -1;
  #last: Uint8Array | undefined;

  add(ino: number): void {
    const number = Math.floor(ino / CHUNK_INOS);
    let chunk = number === this.#lastNumber ? this.#last : this.#chunks.get(number);
    if (chunk === undefined) this.#chunks.set(number, (chunk = new Uint8Array(CHUNK_INOS / 8)));
    this.#lastNumber = number;
    this.#last = chunk;
    const bit = ino % CHUNK_INOS;
    chunk[bit >> 3] = (chunk[bit >> 3] as number) | (1 << (bit & 7));
  }

  has(ino: number): boolean {
    const chunk = this.#chunks.get(Math.floor(ino / CHUNK_INOS));
    const bit = ino % CHUNK_INOS;
    return chunk !== undefined && ((chunk[bit >> 3] as number) & (1 << (bit & 7))) !== 0;
  }
}
