// Watching a descriptor from Node's event loop.
import koffi from 'koffi';

/** A running watch. close() ends it; the descriptor stays open. */
export interface Watch {
  /** Also calls back whenever the descriptor takes data; undefined: no longer. One watch does both: libuv allows no second. */
  writable(onWritable: (() => void) | undefined): void;
  close(): void;
}

/** Calls back whenever the descriptor is readable or has failed. Close the watch before the descriptor. */
export function watchReadable(fd: number, onReadable: () => void): Watch {
  const handle = koffi.node.poll(fd, { readable: true, disconnect: true }, onReadable);
  return {
    writable: (onWritable) => {
      if (onWritable === undefined) handle.start({ readable: true, disconnect: true }, onReadable);
      else {
        // Which of them happened is not told reliably after a second start(): both are tried, and find nothing to do.
        handle.start({ readable: true, writable: true, disconnect: true }, () => {
          onWritable();
          onReadable();
        });
      }
    },
    close: () => handle.close(),
  };
}

/** The address of bytes that stay where they are for the process's life (not garbage collected while referenced). */
export function addressOf(bytes: Uint8Array): bigint {
  return koffi.address(bytes);
}
