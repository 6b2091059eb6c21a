// Names that the storage said are not there, in folders whose listing is not complete. Bounded, and only in memory: losing
// it costs a question.

const ABSENT_MAX = 10_000;

export class AbsentNames {
  readonly #askedAtMs = new Map<string, number>();

  add(folder: number, name: Buffer, nowMs: number): void {
    const key = keyOf(folder, name);
    this.#askedAtMs.delete(key);
    this.#askedAtMs.set(key, nowMs);
    if (this.#askedAtMs.size <= ABSENT_MAX) return;
    for (const oldest of this.#askedAtMs.keys()) {
      this.#askedAtMs.delete(oldest);
      return;
    }
  }

  askedAtMs(folder: number, name: Buffer): number | undefined {
    return this.#askedAtMs.size === 0 ? undefined : this.#askedAtMs.get(keyOf(folder, name));
  }

  /** True when it was among them. */
  delete(folder: number, name: Buffer): boolean {
    return this.#askedAtMs.size > 0 && this.#askedAtMs.delete(keyOf(folder, name));
  }

  clear(): void {
    this.#askedAtMs.clear();
  }
}

function keyOf(folder: number, name: Buffer): string {
  return `${folder}/${name.toString('latin1')}`;
}
