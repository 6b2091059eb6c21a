// Watching a descriptor from Node's event loop.
import koffi from 'koffi';

/** A running watch. close() ends it; the descriptor stays open. */
export interface Watch {
  close(): void;
  /** Lets the process end although the watch runs. */
  unref(): void;
}

/** Calls back whenever the descriptor is readable or has failed. Close the watch before the descriptor. */
export function watchReadable(fd: number, onReadable: () => void): Watch {
  return koffi.node.poll(fd, { readable: true, disconnect: true }, onReadable);
}

/** Calls back whenever the descriptor takes data. */
export function watchWritable(fd: number, onWritable: () => void): Watch {
  return koffi.node.poll(fd, { writable: true }, onWritable);
}

/** The address of bytes that stay where they are for the process's life (not garbage collected while referenced). */
export function addressOf(bytes: Uint8Array): bigint {
  return koffi.address(bytes);
}
