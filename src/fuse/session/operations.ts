// What is done for each request: one row per operation of the protocol's table. A handler returns the payload's length, a
// negative errno, or NO_REPLY. Requests that would change something are answered EROFS without a row, the rest ENOSYS, which
// tells the kernel not to ask again.
import {
  ATTR_OUT_BYTES,
  DirentWriter,
  encodeAttrOut,
  encodeEntryOut,
  encodeGetxattrOut,
  encodeLseekOut,
  encodeNegativeEntry,
  encodeOpenOut,
  encodeStatfsOut,
  encodeStatxOut,
  ERRNO,
  FOPEN,
  GETATTR_FH,
  OPEN_OUT_BYTES,
  openModifies,
  OPERATIONS,
  OUT_HEADER_BYTES,
  ROOT_NODE,
  type FileHandle,
  type NodeId,
  type OperationName,
  type ReaddirIn,
  type RequestArgs,
} from '../protocol/index.ts';
import type { ServerContext } from './context.ts';
import { NO_REPLY, type Exchange } from './exchange.ts';
import { then, type Errno, type EntrySink, type Eventually, type OpenFile, type Stat } from './filesystem.ts';
import { ROOT_INDEX, type NodeIndex } from './nodes.ts';
import { GRANTS_MAX } from './slots.ts';

type Result = number | Promise<number>;
type Handler<N extends OperationName> = (server: ServerContext, exchange: Exchange, args: RequestArgs[N]) => Result;

const BODY = OUT_HEADER_BYTES;
const BATCH_FORGET_HEAD_BYTES = 8;
const FORGET_ONE_BYTES = 16;

const ROWS: { readonly [N in OperationName]?: Handler<N> } = {
  LOOKUP: lookup,
  FORGET: (server, exchange, { nlookup }) => {
    exchange.args.fill(0, 0, 8);
    forget(server, exchange.header.nodeid, nlookup);
    return NO_REPLY;
  },
  BATCH_FORGET: (server, exchange, { forgets }) => {
    for (const [i, { nodeid, nlookup }] of forgets.entries()) {
      const at = BATCH_FORGET_HEAD_BYTES + i * FORGET_ONE_BYTES + 8;
      exchange.args.fill(0, at, at + 8);
      forget(server, nodeid, nlookup);
    }
    return NO_REPLY;
  },
  GETATTR: (server, exchange, { getattrFlags, fh }) => {
    const stat = server.borrowStat();
    return then(attributes(server, exchange, (getattrFlags & GETATTR_FH) !== 0 ? fh : undefined, stat), (errno) => {
      if (errno === 0) encodeAttrOut(exchange.out, BODY, { attrValidMs: server.config.cache.attrMs, attr: stat.attr });
      server.returnStat(stat);
      return errno === 0 ? ATTR_OUT_BYTES : -errno;
    });
  },
  STATX: (server, exchange, { getattrFlags, fh }) => {
    const stat = server.borrowStat();
    return then(attributes(server, exchange, (getattrFlags & GETATTR_FH) !== 0 ? fh : undefined, stat), (errno) => {
      const bytes = errno === 0 ? encodeStatx(exchange.out, server.config.cache.attrMs, stat) : -errno;
      server.returnStat(stat);
      return bytes;
    });
  },
  READLINK: (server, exchange) =>
    withNode(server, exchange, (node) =>
      then(server.filesystem.readlink(node), (target) => putBytes(exchange, target)),
    ),
  OPEN: open,
  READ: read,
  // ENOSYS once, and closing a file never waits for a daemon again: a FLUSH without one cannot even be killed.
  FLUSH: () => -ERRNO.ENOSYS,
  RELEASE: release,
  FSYNC: () => 0,
  OPENDIR: opendir,
  READDIR: (server, exchange, args) => readdir(server, exchange, args, false),
  READDIRPLUS: (server, exchange, args) => readdir(server, exchange, args, true),
  RELEASEDIR: () => 0,
  FSYNCDIR: () => 0,
  STATFS: (server, exchange) =>
    then(server.filesystem.statfs(), (out) =>
      typeof out === 'number' ? -out : encodeStatfsOut(exchange.out, BODY, out),
    ),
  LSEEK: (server, exchange, { fh, offset, whence }) =>
    withFile(server, fh, (file) =>
      file.seek === undefined
        ? -ERRNO.ENOSYS
        : then(file.seek(offset, whence), (at) => (at < 0 ? at : encodeLseekOut(exchange.out, BODY, { offset: at }))),
    ),
  GETXATTR: (server, exchange, { size, name }) => {
    const { filesystem } = server;
    if (filesystem.getxattr === undefined) return -ERRNO.ENOSYS;
    return withNode(server, exchange, (node) =>
      then(filesystem.getxattr?.(node, name) ?? ERRNO.ENOSYS, (value) => putXattr(exchange, size, value)),
    );
  },
  LISTXATTR: (server, exchange, { size }) => {
    const { filesystem } = server;
    if (filesystem.listxattr === undefined) return -ERRNO.ENOSYS;
    return withNode(server, exchange, (node) =>
      then(filesystem.listxattr?.(node) ?? ERRNO.ENOSYS, (names) => putXattr(exchange, size, names)),
    );
  },
  INTERRUPT: (server, _exchange, { unique }) => {
    server.interrupt(unique);
    return NO_REPLY;
  },
  DESTROY: () => 0,
  NOTIFY_REPLY: () => NO_REPLY,
};

/** By opcode: decode, then the row. */
export const HANDLERS: readonly (((server: ServerContext, exchange: Exchange) => Result) | undefined)[] =
  buildHandlers();

function buildHandlers(): (((server: ServerContext, exchange: Exchange) => Result) | undefined)[] {
  const handlers: (((server: ServerContext, exchange: Exchange) => Result) | undefined)[] = [];
  for (const name of Object.keys(OPERATIONS) as OperationName[]) handlers[OPERATIONS[name].opcode] = handlerOf(name);
  return handlers;
}

function handlerOf<N extends OperationName>(
  name: N,
): ((server: ServerContext, exchange: Exchange) => Result) | undefined {
  const { decode, modifies } = OPERATIONS[name];
  const row = ROWS[name];
  if (row !== undefined) {
    return (server, exchange) => row(server, exchange, decode(exchange.args, server.config.agreed));
  }
  return modifies ? () => -ERRNO.EROFS : undefined;
}

function lookup(server: ServerContext, exchange: Exchange, { name }: RequestArgs['LOOKUP']): Result {
  return withNode(server, exchange, (parent) => {
    const stat = server.borrowStat();
    return then(server.filesystem.lookup(parent, name, stat), (errno) => {
      const { entryMs, attrMs, negativeMs } = server.config.cache;
      let result: number;
      if (errno === 0) {
        const node = server.nodes.ensure(stat.key, parent, name);
        server.nodes.addLookup(node);
        exchange.grant(node);
        result = encodeEntryOut(exchange.out, BODY, {
          nodeid: server.nodes.nodeId(node),
          generation: 0n,
          entryValidMs: entryMs,
          attrValidMs: attrMs,
          attr: stat.attr,
        });
      } else if (errno === ERRNO.ENOENT && negativeMs > 0) {
        result = encodeNegativeEntry(exchange.out, BODY, negativeMs);
      } else {
        result = -errno;
      }
      server.returnStat(stat);
      return result;
    });
  });
}

/**
 * A FORGET is never delivered again, so a successor takes it from its slot. The count is taken out of the frame before it is
 * applied: none is applied twice, and a crash in between leaves a count too high.
 */
function forget(server: ServerContext, nodeid: NodeId, nlookup: number): void {
  const node = server.nodes.indexOf(nodeid);
  if (node > ROOT_INDEX && nlookup > 0) server.nodes.forget(node, nlookup);
}

function attributes(
  server: ServerContext,
  exchange: Exchange,
  fh: FileHandle | undefined,
  stat: Stat,
): Eventually<Errno> {
  if (fh !== undefined) {
    const handle = server.handles.indexOf(fh);
    const file = handle === 0 ? undefined : server.files.fileOf(server.handles.nodeOf(handle));
    if (file !== undefined) return then(file, (each) => (typeof each === 'number' ? each : each.stat(stat)));
  }
  const node = server.nodes.indexOf(exchange.header.nodeid);
  if (node === 0) return ERRNO.ESTALE;
  return then(server.filesystem.getattr(node, stat), (errno) => {
    if (errno !== ERRNO.ESTALE && errno !== ERRNO.ENOENT) return errno;
    // Replaced or removed in the source, but still open here: the open file is what the caller means.
    const file = server.files.fileOf(node);
    if (file === undefined) return ERRNO.ESTALE;
    return then(file, (each) => (typeof each === 'number' ? each : each.stat(stat)));
  });
}

function open(server: ServerContext, exchange: Exchange, { flags }: RequestArgs['OPEN']): Result {
  if (openModifies(flags)) return -ERRNO.EROFS;
  return withNode(server, exchange, (node) => {
    const made = exchange.again ? server.handles.madeBy(exchange.header.unique) : 0;
    if (made !== 0) return putOpen(server, exchange, node, made);
    const stat = server.borrowStat();
    return then(server.files.acquire(node, stat), (backingId) => {
      const same = backingId === 0 && server.nodes.sameVersion(node, stat.versionLow, stat.versionHigh);
      server.returnStat(stat);
      if (backingId < 0) return backingId;
      const openFlags = backingId > 0 ? FOPEN.PASSTHROUGH : same ? FOPEN.KEEP_CACHE : 0;
      const handle = server.handles.open(node, server.nodes.generationOf(node), exchange.header.unique, openFlags);
      exchange.refused = () => {
        server.handles.close(handle);
        server.files.release(node);
      };
      return putOpen(server, exchange, node, handle);
    });
  });
}

function putOpen(server: ServerContext, exchange: Exchange, node: NodeIndex, handle: number): number {
  const openFlags = server.handles.flagsOf(handle);
  encodeOpenOut(exchange.out, BODY, {
    fh: server.handles.fileHandle(handle),
    openFlags,
    backingId: (openFlags & FOPEN.PASSTHROUGH) !== 0 ? server.nodes.backingOf(node) : 0,
  });
  return OPEN_OUT_BYTES;
}

function read(server: ServerContext, exchange: Exchange, { fh, offset, size }: RequestArgs['READ']): Result {
  if (size > server.config.readBytesMax) return -ERRNO.EINVAL;
  return withFile(server, fh, (file) => {
    const count = file.read(offset, exchange.out.subarray(BODY, BODY + size));
    return typeof count === 'number' ? count : exchange.unlessInterrupted(count, -ERRNO.EINTR);
  });
}

/** The handle ends after the reply: a RELEASE delivered again finds it still there, or was answered. */
function release(server: ServerContext, exchange: Exchange, { fh }: RequestArgs['RELEASE']): number {
  const handle = server.handles.indexOf(fh);
  if (handle !== 0) {
    exchange.after = () => {
      const node = server.handles.nodeOf(handle);
      server.handles.close(handle);
      server.files.release(node);
    };
  }
  return 0;
}

function opendir(server: ServerContext, exchange: Exchange): Result {
  const answer = (openFlags: number): number =>
    encodeOpenOut(exchange.out, BODY, { fh: 0n as FileHandle, openFlags, backingId: 0 });
  const { filesystem } = server;
  if (filesystem.keepsFolder === undefined) return answer(0);
  return withNode(server, exchange, (node) =>
    then(filesystem.keepsFolder?.(node) ?? false, (keeps) => answer(FOPEN.CACHE_DIR | (keeps ? FOPEN.KEEP_CACHE : 0))),
  );
}

function readdir(server: ServerContext, exchange: Exchange, { offset, size }: ReaddirIn, plus: boolean): Result {
  return withNode(server, exchange, (node) => {
    const room = Math.min(size, server.config.readBytesMax);
    const writer = new DirentWriter(exchange.out, BODY, room);
    const scratch = server.borrowStat();
    const sink = plus ? plusSink(server, exchange, node, writer) : plainSink(writer);
    return then(server.filesystem.readdir(node, offset, plus, scratch, room, sink), (errno) => {
      server.returnStat(scratch);
      // What was written before an error is worth having; the next call meets the error again.
      return errno !== 0 && writer.bytes === 0 ? -errno : writer.bytes;
    });
  });
}

function plainSink(writer: DirentWriter): EntrySink {
  return (name, ino, type, nextOffset) => writer.append({ name, ino, type, off: nextOffset });
}

function plusSink(server: ServerContext, exchange: Exchange, parent: NodeIndex, writer: DirentWriter): EntrySink {
  const { entryMs, attrMs } = server.config.cache;
  let grants = 0;
  return (name, ino, type, nextOffset, stat) => {
    const dirent = { name, ino, type, off: nextOffset };
    if (stat === undefined || isDots(name)) return writer.appendPlus(dirent);
    if (grants === GRANTS_MAX) return false;
    const node = server.nodes.ensure(stat.key, parent, name);
    server.nodes.addLookup(node);
    const entry = {
      nodeid: server.nodes.nodeId(node),
      generation: 0n,
      entryValidMs: entryMs,
      attrValidMs: attrMs,
      attr: stat.attr,
    };
    if (writer.appendPlus(dirent, entry)) {
      exchange.grant(node);
      grants++;
      return true;
    }
    server.nodes.forget(node, 1);
    return false;
  };
}

function isDots(name: Uint8Array): boolean {
  return name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e));
}

function encodeStatx(out: Buffer, attrValidMs: number, stat: Stat): number {
  const { attr } = stat;
  const basicAndBtime = 0xfff;
  return encodeStatxOut(out, BODY, {
    attrValidMs,
    flags: 0,
    stat: {
      mask: basicAndBtime,
      blksize: attr.blksize,
      attributes: 0,
      nlink: attr.nlink,
      uid: attr.uid,
      gid: attr.gid,
      mode: attr.mode,
      ino: attr.ino,
      size: attr.size,
      blocks: attr.blocks,
      attributesMask: 0,
      atime: { tvSec: attr.atime, tvNsec: attr.atimensec },
      btime: { tvSec: stat.btimeSeconds, tvNsec: stat.btimeNanoseconds },
      ctime: { tvSec: attr.ctime, tvNsec: attr.ctimensec },
      mtime: { tvSec: attr.mtime, tvNsec: attr.mtimensec },
      rdevMajor: attr.rdev >>> 8,
      rdevMinor: attr.rdev & 0xff,
      devMajor: 0,
      devMinor: 0,
    },
  });
}

function putBytes(exchange: Exchange, value: Buffer | Errno): number {
  return typeof value === 'number' ? -value : value.copy(exchange.out, BODY);
}

function putXattr(exchange: Exchange, size: number, value: Buffer | Errno): number {
  if (typeof value === 'number') return -value;
  if (size === 0) return encodeGetxattrOut(exchange.out, BODY, { size: value.length });
  return value.length > size ? -ERRNO.ERANGE : value.copy(exchange.out, BODY);
}

function withNode(server: ServerContext, exchange: Exchange, use: (node: NodeIndex) => Result): Result {
  const { nodeid } = exchange.header;
  const node = nodeid === ROOT_NODE ? ROOT_INDEX : server.nodes.indexOf(nodeid);
  return node === 0 ? -ERRNO.ESTALE : use(node);
}

function withFile(server: ServerContext, fh: FileHandle, use: (file: OpenFile) => Result): Result {
  const handle = server.handles.indexOf(fh);
  const file = handle === 0 ? undefined : server.files.fileOf(server.handles.nodeOf(handle));
  if (file === undefined) return -ERRNO.EBADF;
  return then(file, (each) => (typeof each === 'number' ? -each : use(each)));
}
