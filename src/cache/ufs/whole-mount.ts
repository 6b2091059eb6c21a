// One storage as all of a dataset: what most are, without the cost of a table.
import { changed, mountOf, ownVersion, shown, type Mount } from './mounted.ts';
import type { ByteSink, Ufs, UfsEntry, UfsPage, UfsWalkPage } from './ufs.ts';

/** One storage for all; its version begins with the same hash as in a table, so that mounting another one changes nothing. */
export class WholeMount implements Ufs {
  readonly identity: string;
  readonly walkIsOrdered: boolean;
  readonly #mount: Mount;

  constructor(ufs: Ufs) {
    this.#mount = mountOf({ path: '/', ufs });
    this.identity = ufs.identity;
    this.walkIsOrdered = ufs.walkIsOrdered;
  }

  async *list(folder: Buffer, signal?: AbortSignal): AsyncGenerator<UfsPage> {
    for await (const { entries, skipped } of this.#mount.ufs.list(folder, signal))
      yield { entries: entries.map((entry) => shown(entry, this.#mount)), skipped };
  }

  async stat(path: Buffer, signal?: AbortSignal): Promise<UfsEntry | undefined> {
    const entry = await this.#mount.ufs.stat(path, signal);
    return entry === undefined ? undefined : shown(entry, this.#mount);
  }

  async read(
    path: Buffer,
    version: string,
    offset: number,
    length: number,
    sink: ByteSink,
    signal?: AbortSignal,
  ): Promise<void> {
    const own = ownVersion(version, this.#mount);
    if (own === undefined) throw changed(path, version);
    await this.#mount.ufs.read(path, own, offset, length, sink, signal);
  }

  async *walk(folder: Buffer, signal?: AbortSignal, after?: Buffer): AsyncGenerator<UfsWalkPage> {
    for await (const { entries, skipped } of this.#mount.ufs.walk(folder, signal, after))
      yield { entries: entries.map(({ path, entry }) => ({ path, entry: shown(entry, this.#mount) })), skipped };
  }

  close(): Promise<void> {
    return this.#mount.ufs.close();
  }
}
