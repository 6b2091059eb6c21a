// A file of a dataset, open in this daemon: one version of it, read from wherever its bytes are.
import type { BlockFile, ReadAhead } from '../../cache/fill/index.ts';
import { ERRNO } from '../../fuse/protocol/index.ts';
import type { Errno, OpenFile, Stat } from '../../fuse/session/index.ts';

export interface CacheOpenFileDeps {
  blocks: BlockFile;
  readAhead: ReadAhead;
  /** A descriptor of a complete local copy, if the kernel may read that itself. */
  fd: number | undefined;
  /** The name stands for another version already. */
  isOutdated: boolean;
  stat: (stat: Stat) => void;
  /** Called when the storage turned out to have another version by now. Gives the errno. */
  failed: (err: unknown) => Errno;
  close: (fd: number) => void;
}

export class CacheOpenFile implements OpenFile {
  readonly fd?: number;
  isOutdated: boolean;
  readonly #deps: CacheOpenFileDeps;

  constructor(deps: CacheOpenFileDeps) {
    this.#deps = deps;
    this.isOutdated = deps.isOutdated;
    if (deps.fd !== undefined) this.fd = deps.fd;
  }

  read(offset: number, into: Buffer): number | Promise<number> {
    const { blocks, readAhead } = this.#deps;
    try {
      const count = blocks.read(offset, into);
      const ahead = readAhead.onRead(offset, into.length);
      if (ahead !== undefined) blocks.prefetch(ahead.offset, ahead.length);
      return typeof count === 'number' ? count : count.catch((err: unknown) => -this.#failed(err));
    } catch (err) {
      return -this.#failed(err);
    }
  }

  stat(stat: Stat): Errno {
    this.#deps.stat(stat);
    return 0;
  }

  close(): void {
    const { blocks, fd, close } = this.#deps;
    blocks.close();
    if (fd !== undefined) close(fd);
  }

  #failed(err: unknown): Errno {
    const errno = this.#deps.failed(err);
    if (errno === ERRNO.ESTALE) this.isOutdated = true;
    return errno;
  }
}
