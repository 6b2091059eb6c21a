// The kernel's end of a session: frames in, replies and notifications out, on a descriptor that is handed to us.
import { E, errno, file } from '../../libc/index.ts';

/** What a read found. `again` is nobody's fault: no request waits, or the one that did was interrupted before it was taken. */
export type ReadOutcome = 'frame' | 'none' | 'again' | 'unmounted' | 'aborted';

/** What became of a reply. `refused`: nobody waits for it (any more): the caller was interrupted, or it was answered before. */
export type WriteOutcome = 'written' | 'refused' | 'gone';

export class FuseDevice {
  readonly fd: number;

  /** Takes a mounted /dev/fuse descriptor; makes reads on it return instead of wait, for all its holders. */
  constructor(fd: number) {
    this.fd = fd;
    file.setNonBlocking(fd);
  }

  /** Reads one request to the address. */
  read(address: bigint, sizeBytes: number): ReadOutcome {
    if (file.read(this.fd, address, sizeBytes) >= 0) return 'frame';
    const number = errno();
    switch (number) {
      case E.EAGAIN:
        return 'none';
      case E.EINTR:
      case E.ENOENT: // the request was interrupted between being queued and being read
        return 'again';
      case E.ECONNABORTED:
        return 'aborted';
      case E.ENODEV:
        return 'unmounted';
      default:
        throw new Error(`Cannot read from the FUSE device: errno ${number}`); // EINVAL: a buffer too small; EPERM: not mounted
    }
  }

  /** Writes one whole message, its length in its first word. */
  write(message: Uint8Array, length: number): WriteOutcome {
    for (;;) {
      if (file.write(this.fd, message, length) >= 0) return 'written';
      const number = errno();
      switch (number) {
        case E.ENOENT:
          return 'refused';
        case E.ENODEV:
        case E.ECONNABORTED:
        case E.EPERM:
          return 'gone';
        case E.EINTR:
        case E.EAGAIN:
          continue;
        default:
          throw new Error(`Cannot write to the FUSE device: errno ${number}`); // EINVAL: a malformed reply
      }
    }
  }

  /** Waits for a request, at most timeoutMs. True if one is there, or the connection is over. */
  waitForFrame(timeoutMs: number): boolean {
    return file.pollOne(this.fd, file.POLLIN, timeoutMs) !== 0;
  }

  /** True once the connection is over, by unmount or abort. Never waits. */
  get isOver(): boolean {
    return (file.pollOne(this.fd, file.POLLIN, 0) & file.POLLERR) !== 0;
  }
}
