// What an under storage offers: where a dataset's bytes come from. Read-only.
//
// Paths are bytes relative to the storage's root, components joined by "/", without one at either end; the root is empty.
// Every call has a deadline of its own besides the signal; errors are UfsError. A storage never answers with bytes of
// another version than it was asked for, and never with fewer bytes than it was asked for.

export interface UfsEntry {
  /** One path component: 1 to 255 bytes, not "." or "..", without "/" and NUL. */
  readonly name: Buffer;
  readonly kind: 'file' | 'folder' | 'link';
  /** 0 for folders. */
  readonly sizeBytes: number;
  /** Milliseconds since 1970, 0 where the storage does not tell. */
  readonly mtimeMs: number;
  /** Changes whenever the content may have changed; empty for folders and links. */
  readonly version: string;
  /** Where the storage keeps them: permission bits and owner. */
  readonly posix?: { readonly mode: number; readonly uid: number; readonly gid: number };
  /** Of a link. */
  readonly target?: Buffer;
  /** A number for the object that the storage itself keeps stable, if it is another part of this system. */
  readonly ino?: number;
}

export interface UfsPage {
  readonly entries: readonly UfsEntry[];
  /** Names that were left out because no file system can show them (see SEMANTICS). */
  readonly skipped: number;
}

export interface UfsWalkEntry {
  /** Relative to the folder that is walked. */
  readonly path: Buffer;
  readonly entry: UfsEntry;
}

export interface UfsWalkPage {
  readonly entries: readonly UfsWalkEntry[];
  readonly skipped: number;
}

/** Takes bytes as they come, in order. The chunk is the storage's own again when the call returns. */
export type ByteSink = (chunk: Buffer) => void;

export interface Ufs {
  /** Names the place without any secret: equal for two that show the same bytes. */
  readonly identity: string;
  /** The entries of a folder, page by page, no more than one page in memory. Throws 'not-found' for what is no folder. */
  list(folder: Buffer, signal?: AbortSignal): AsyncIterable<UfsPage>;
  /** One entry; undefined when there is nothing. An empty path asks for the root. */
  stat(path: Buffer, signal?: AbortSignal): Promise<UfsEntry | undefined>;
  /**
   * Exactly `length` bytes from `offset` of that version of the file, given to the sink in order. Throws 'changed' when the
   * file has another version by now.
   */
  read(
    path: Buffer,
    version: string,
    offset: number,
    length: number,
    sink: ByteSink,
    signal?: AbortSignal,
  ): Promise<void>;
  /**
   * Every file and link below a folder, in one stream. Where `walkIsOrdered`, paths come in the order of their bytes, so
   * what was passed is complete; folders are only named where they have an entry of their own (an empty folder), which
   * stands where its path with a "/" behind it belongs. Begins with the first path (such a folder's with its "/") greater
   * than `after`, which is relative too; a walk that is not ordered may ignore it.
   */
  walk(folder: Buffer, signal?: AbortSignal, after?: Buffer): AsyncIterable<UfsWalkPage>;
  readonly walkIsOrdered: boolean;
  close(): Promise<void>;
}
