// A dataset as a file system: names from a Namespace, bytes from a BlockSource, wherever those keep them.
//
// Before begin() another daemon serves: nothing is asked of the storage and nothing written, so only what is known is shown.
import type { Logger } from '../../base/index.ts';
import { objectRef, objectWords, type ObjectRef, type ObjectWords } from '../../cache/ufs/index.ts';
import { ReadAhead, SiblingAhead, type BlockFile, type BlockSource, type Sibling } from '../../cache/fill/index.ts';
import { ROOT_INO, type Change, type Entry, type Namespace } from '../../cache/namespace/index.ts';
import { ERRNO, type StatfsOut } from '../../fuse/protocol/index.ts';
import {
  ROOT_INDEX,
  then,
  type EntrySink,
  type Errno,
  type Eventually,
  type FileSystem,
  type KernelNotices,
  type NodeIndex,
  type NodeNames,
  type OpenFile,
  type Stat,
} from '../../fuse/session/index.ts';
import { errnoOf } from './errno.ts';
import { presentLink } from './links.ts';
import { CacheOpenFile } from './open-file.ts';
import { fileTypeOf, fillStat, folderKey, inoOf, objectIdOf, wordsIn, type Appearance } from './stat.ts';

const NAME_BYTES_MAX = 255;
const STATFS_BLOCK_BYTES = 4096;
const S_IFDIR_TYPE = 4;
const DOT = Buffer.from('.');
const DOT_DOT = Buffer.from('..');
/** Offsets of "." and ".."; those of entries are the namespace's cookies, which are inode numbers. */
const AFTER_DOT = 2n ** 62n;
const AFTER_DOT_DOT = AFTER_DOT + 1n;
const FOLDER_PATHS_MAX = 4096;
/** Files up to this size are fetched before they are opened, where a reader goes through a folder. */
const SMALL_BYTES_MAX = 1024 * 1024;

/** Where a file was found. */
interface Place {
  readonly folder: number;
  readonly name: Buffer;
}

interface FileAhead extends Sibling {
  readonly object: ObjectRef;
}

export interface CacheFsConfig {
  look: Appearance;
  /** Files at least this large are asked for as a whole local copy, for passthrough; Infinity for none. */
  wholeMinBytes: number;
}

export interface CacheFsDeps {
  namespace: Namespace;
  blocks: BlockSource;
  nodes: NodeNames;
  log: Logger;
  closeDescriptor: (fd: number) => void;
  /** Runs when this daemon begins to serve, before the first request, and after the last one. */
  begin: () => void;
  end: () => Promise<void>;
}

export class CacheFs implements FileSystem {
  readonly #config: CacheFsConfig;
  readonly #deps: CacheFsDeps;
  readonly #siblings: SiblingAhead<FileAhead>;
  readonly #folderPaths = new Map<number, Buffer>();
  #begun = false;

  constructor(config: CacheFsConfig, deps: CacheFsDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#siblings = new SiblingAhead<FileAhead>(
      {},
      {
        next: (folder, after, count) => this.#nextFiles(folder, after, count),
        fetch: (_folder, { object }) => {
          const file = deps.blocks.open(object);
          file.prefetch(0, object.sizeBytes);
          file.close();
        },
        log: deps.log,
      },
    );
  }

  get isBusy(): boolean {
    return this.#deps.blocks.isFetching === true;
  }

  begin(kernel: KernelNotices): void {
    this.#begun = true;
    this.#deps.namespace.onChange((changes) => {
      this.#changed(changes, kernel);
    });
    this.#deps.begin();
  }

  async end(): Promise<void> {
    this.#begun = false;
    await this.#deps.end();
  }

  root(stat: Stat): Errno {
    fillStat(stat, ROOT_ENTRY, undefined, this.#config.look);
    return 0;
  }

  lookup(parent: NodeIndex, name: Buffer, stat: Stat): Eventually<Errno> {
    if (name.length > NAME_BYTES_MAX) return ERRNO.ENAMETOOLONG;
    const folder = this.#inoOf(parent);
    return this.#withEntry(folder, name, (entry) => {
      if (entry === undefined) return ERRNO.ENOENT;
      fillStat(stat, entry, this.#wordsOf(folder, name, entry), this.#config.look);
      return 0;
    });
  }

  getattr(node: NodeIndex, stat: Stat): Eventually<Errno> {
    const { nodes } = this.#deps;
    if (nodes.parentOf(node) === 0) return this.root(stat);
    const folder = this.#inoOf(nodes.parentOf(node));
    const name = Buffer.from(nodes.nameOf(node));
    return this.#withEntry(folder, name, (entry) => {
      if (entry === undefined) return ERRNO.ESTALE;
      fillStat(stat, entry, this.#wordsOf(folder, name, entry), this.#config.look);
      return nodes.hasKey(node, stat.key) ? 0 : ERRNO.ESTALE;
    });
  }

  readlink(node: NodeIndex): Eventually<Buffer | Errno> {
    const { nodes } = this.#deps;
    const parent = nodes.parentOf(node);
    let depth = 0;
    for (let up = parent; up > ROOT_INDEX; up = nodes.parentOf(up)) depth++;
    return this.#withEntry(this.#inoOf(parent), Buffer.from(nodes.nameOf(node)), (entry) =>
      entry?.target === undefined ? ERRNO.ESTALE : presentLink(entry.target, depth),
    );
  }

  /** The content its name stands for now, or ESTALE. */
  open(node: NodeIndex, stat: Stat): Eventually<OpenFile | Errno> {
    return this.#openNamed(node, stat, () => ERRNO.ESTALE);
  }

  /** Who had an older version open goes on with what is in the cache of it. */
  openAgain(node: NodeIndex, stat: Stat): Eventually<OpenFile | Errno> {
    return this.#openNamed(node, stat, (place) => this.#openOlder(node, stat, place));
  }

  #openNamed(
    node: NodeIndex,
    stat: Stat,
    otherwise: (place: Place) => Eventually<OpenFile | Errno>,
  ): Eventually<OpenFile | Errno> {
    const { nodes, blocks } = this.#deps;
    if (!this.#begun) return ERRNO.EAGAIN;
    const folder = this.#inoOf(nodes.parentOf(node));
    const name = Buffer.from(nodes.nameOf(node));
    return this.#withEntry(folder, name, (entry) => {
      const object = entry === undefined ? undefined : this.#objectOf(folder, name, entry);
      if (entry !== undefined && object !== undefined) {
        fillStat(stat, entry, this.#wordsOf(folder, name, entry), this.#config.look);
        if (nodes.hasKey(node, stat.key)) {
          if (object.sizeBytes <= SMALL_BYTES_MAX) this.#siblings.onOpen(folder, name);
          return this.#opened(blocks.open(object), entry, { folder, name }, false);
        }
      }
      return otherwise({ folder, name });
    });
  }

  /** Nothing is read by a descriptor here, only by the kernel; the file is found again by its name. */
  reopen(_node: NodeIndex, fd: number): OpenFile {
    this.#deps.closeDescriptor(fd);
    return NOT_THERE;
  }

  keepsFolder(node: NodeIndex): boolean {
    return this.#deps.namespace.isListed(this.#inoOf(node));
  }

  readdir(
    node: NodeIndex,
    offset: bigint,
    plus: boolean,
    scratch: Stat,
    _sizeBytes: number,
    sink: EntrySink,
  ): Eventually<Errno> {
    const { namespace, nodes } = this.#deps;
    const folder = this.#inoOf(node);
    if (offset === 0n && !sink(DOT, BigInt(folder), S_IFDIR_TYPE, AFTER_DOT, undefined)) return 0;
    const above = nodes.parentOf(node) === 0 ? folder : this.#inoOf(nodes.parentOf(node));
    if (offset <= 0n || offset === AFTER_DOT) {
      if (!sink(DOT_DOT, BigInt(above), S_IFDIR_TYPE, AFTER_DOT_DOT, undefined)) return 0;
    }
    if (!this.#begun && !namespace.isListed(folder)) return 0;
    const cookie = offset >= AFTER_DOT ? 0 : Number(offset);
    const listed = guarded(() =>
      then(
        namespace.list(folder, cookie, (name, entry, next) => {
          if (plus) fillStat(scratch, entry, this.#wordsOf(folder, name, entry), this.#config.look);
          return sink(name, BigInt(entry.ino), fileTypeOf(entry.kind), BigInt(next), plus ? scratch : undefined);
        }),
        () => 0,
      ),
    );
    // ENOENT would look like the end of an empty folder to the C library.
    return then(listed, (errno) => (errno === ERRNO.ENOENT ? ERRNO.ESTALE : errno));
  }

  statfs(): StatfsOut {
    const { files, bytes } = this.#deps.namespace.totals();
    return {
      blocks: Math.ceil((bytes ?? 0) / STATFS_BLOCK_BYTES),
      bfree: 0,
      bavail: 0,
      files: files ?? 0,
      ffree: 0,
      bsize: STATFS_BLOCK_BYTES,
      namelen: NAME_BYTES_MAX,
      frsize: STATFS_BLOCK_BYTES,
    };
  }

  #withEntry<T>(
    folder: number,
    name: Buffer,
    use: (entry: Entry | undefined) => Eventually<T | Errno>,
  ): Eventually<T | Errno> {
    const { namespace } = this.#deps;
    return guarded(() => then(this.#begun ? namespace.lookup(folder, name) : namespace.known(folder, name), use));
  }

  #opened(blocks: BlockFile, entry: Entry, place: Place, isOutdated: boolean): Eventually<OpenFile> {
    const { object } = blocks;
    const make = (fd: number | undefined): OpenFile =>
      new CacheOpenFile({
        blocks,
        readAhead: new ReadAhead(object.sizeBytes),
        fd,
        isOutdated,
        stat: (stat) => {
          const { path, version, sizeBytes } = object;
          const words = entry.objectWords ?? objectWords(EMPTY, path, version, sizeBytes);
          fillStat(stat, entry, words, this.#config.look);
        },
        failed: (err) => {
          const errno = errnoOf(err);
          if (errno === ERRNO.ESTALE || errno === ERRNO.ENOENT) this.#deps.namespace.invalidate(place);
          return errno === ERRNO.ENOENT ? ERRNO.ESTALE : errno;
        },
        close: this.#deps.closeDescriptor,
      });
    if (object.sizeBytes < this.#config.wholeMinBytes) return make(undefined);
    return blocks.openWhole().then(make);
  }

  /** The name stands for other content by now. */
  #openOlder(node: NodeIndex, stat: Stat, place: Place): Eventually<OpenFile | Errno> {
    const { nodes, blocks } = this.#deps;
    const key = nodes.keyOf(node);
    const found = blocks.find(objectIdOf(key));
    if (found === undefined) return ERRNO.ESTALE;
    const { sizeBytes, version } = found.object;
    const entry: Entry = { ...NO_ENTRY, ino: inoOf(key), sizeBytes, version, objectWords: wordsIn(key) };
    fillStat(stat, entry, entry.objectWords, this.#config.look);
    return this.#opened(found, entry, place, true);
  }

  #objectOf(folder: number, name: Buffer, { kind, version, sizeBytes }: Entry): ObjectRef | undefined {
    if (kind !== 'file') return undefined;
    const above = this.#pathOf(folder);
    return objectRef(above.length === 0 ? Buffer.from(name) : Buffer.concat([above, SLASH, name]), version, sizeBytes);
  }

  /** For the key of a file's node: computed only where the namespace does not keep it. */
  #wordsOf(folder: number, name: Buffer, entry: Entry): ObjectWords | undefined {
    if (entry.kind !== 'file' || entry.objectWords !== undefined) return entry.objectWords;
    const path = this.#pathOf(folder);
    return objectWords(path.length === 0 ? EMPTY : Buffer.concat([path, SLASH]), name, entry.version, entry.sizeBytes);
  }

  #pathOf(folder: number): Buffer {
    const known = this.#folderPaths.get(folder);
    if (known !== undefined) return known;
    const path = this.#deps.namespace.pathOf(folder);
    if (this.#folderPaths.size >= FOLDER_PATHS_MAX) this.#folderPaths.clear();
    this.#folderPaths.set(folder, path);
    return path;
  }

  /** Small files after a name, for reading ahead. Only what is known. */
  #nextFiles(folder: number, after: Buffer, count: number): FileAhead[] {
    const { namespace } = this.#deps;
    const known = namespace.known(folder, after);
    if (known === undefined || !namespace.isListed(folder)) return [];
    const files: FileAhead[] = [];
    let seen = 0;
    void namespace.list(folder, known.ino, (name, entry) => {
      const object = this.#objectOf(folder, name, entry);
      if (object !== undefined && object.sizeBytes <= SMALL_BYTES_MAX)
        files.push({ name: Buffer.from(name), sizeBytes: object.sizeBytes, object });
      return files.length < count && ++seen < count * 2;
    });
    return files;
  }

  #changed(changes: readonly Change[], kernel: KernelNotices): void {
    for (const { folder, ino } of changes) {
      this.#folderPaths.delete(ino);
      kernel.attributesChanged(folderKey(folder));
    }
    kernel.namesChanged();
  }

  #inoOf(node: NodeIndex): number {
    return node === ROOT_INDEX ? ROOT_INO : inoOf(this.#deps.nodes.keyOf(node));
  }
}

const SLASH = Buffer.from('/');
const EMPTY = Buffer.alloc(0);
const NO_ENTRY: Entry = {
  ino: 0,
  kind: 'file',
  sizeBytes: 0,
  mtimeMs: 0,
  version: '',
  posix: undefined,
  target: undefined,
};
const ROOT_ENTRY: Entry = { ...NO_ENTRY, ino: ROOT_INO, kind: 'folder' };

/** Proves to be no file of the session's, so that the caller looks for it by its name. */
const NOT_THERE: OpenFile = {
  read: () => -ERRNO.EBADF,
  stat: () => ERRNO.EBADF,
  close: () => {},
};

/** Errors become errnos, at once or by the promise. */
function guarded<T>(work: () => Eventually<T | Errno>): Eventually<T | Errno> {
  try {
    const result = work();
    return result instanceof Promise ? result.catch(errnoOf) : result;
  } catch (err) {
    return errnoOf(err);
  }
}
