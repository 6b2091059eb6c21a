// A file of the source, open in this daemon.
import { read as readAsync } from 'node:fs';
import { addressOf, E, errno, file } from '../../libc/index.ts';
import type { OpenFile, Stat } from '../../fuse/session/index.ts';
import { statOf } from './stat.ts';

export class LocalOpenFile implements OpenFile {
  readonly fd: number;
  readonly #rootDevice: number;

  constructor(fd: number, rootDevice: number) {
    this.fd = fd;
    this.#rootDevice = rootDevice;
  }

  /** From the page cache at once; what the disk must be asked for, by a thread of its own. */
  read(offset: number, into: Buffer): number | Promise<number> {
    const count = file.preadCached(this.fd, addressOf(into), into.length, offset);
    if (count === into.length || count === 0) return count;
    if (count < 0 && errno() === E.EISDIR) return -E.EISDIR;
    return this.#readAll(offset, into);
  }

  stat(stat: Stat): number {
    return statOf(this.fd, stat, this.#rootDevice);
  }

  seek(offset: number, whence: number): number {
    const at = file.lseek(this.fd, offset, whence);
    return Number(at) < 0 ? -errno() : Number(at);
  }

  close(): void {
    file.close(this.fd);
  }

  async #readAll(offset: number, into: Buffer): Promise<number> {
    let done = 0;
    while (done < into.length) {
      const count = await readOnce(this.fd, into, done, offset + done);
      if (count < 0) return done > 0 ? done : count;
      if (count === 0) break;
      done += count;
    }
    return done;
  }
}

function readOnce(fd: number, into: Buffer, at: number, offset: number): Promise<number> {
  return new Promise((resolve) => {
    readAsync(fd, into, at, into.length - at, offset, (err, count) =>
      resolve(err === null ? count : (err.errno ?? -E.EIO)),
    );
  });
}
