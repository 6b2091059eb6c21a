// Unix sockets of whole messages (SOCK_SEQPACKET) that carry descriptors (SCM_RIGHTS) and name their peer (SO_PEERCRED).
//
// Invariants: every socket and every received descriptor is close-on-exec; a message arrives whole or is refused.
import koffi from 'koffi';
import { bind, errno, type Pointer } from './libc.ts';
import { check, systemError } from './errors.ts';
import { close } from './file.ts';

const socketCall = bind<(domain: number, type: number, protocol: number) => number>('int socket(int, int, int)');
const socketpairCall = bind<(domain: number, type: number, protocol: number, to: Pointer) => number>(
  'int socketpair(int, int, int, void*)',
);
const bindCall = bind<(fd: number, address: Pointer, length: number) => number>(
  'int bind(int, const void*, unsigned int)',
);
const listenCall = bind<(fd: number, backlog: number) => number>('int listen(int, int)');
const connectCall = bind<(fd: number, address: Pointer, length: number) => number>(
  'int connect(int, const void*, unsigned int)',
);
const accept4 = bind<(fd: number, address: null, length: null, flags: number) => number>(
  'int accept4(int, void*, void*, int)',
);
const getsockopt = bind<(fd: number, level: number, name: number, to: Pointer, length: Pointer) => number>(
  'int getsockopt(int, int, int, void*, void*)',
);
const sendmsg = bind<(fd: number, message: Pointer, flags: number) => number>('int64 sendmsg(int, const void*, int)');
const recvmsg = bind<(fd: number, message: Pointer, flags: number) => number>('int64 recvmsg(int, void*, int)');

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
const SOCK_FLAGS = 0o2000000 | 0o4000; // CLOEXEC, NONBLOCK
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSG_CTRUNC = 0x8;
const MSG_TRUNC = 0x20;
const PATH_BYTES_MAX = 107;
const CMSG_HEADER_BYTES = 16;

/** The longest message sent or taken, bytes. */
export const MESSAGE_BYTES_MAX = 64 * 1024;
/** The most descriptors one message carries (the kernel's SCM_MAX_FD). */
export const DESCRIPTORS_MAX = 253;

export interface Peer {
  pid: number;
  uid: number;
  gid: number;
}

export type Received =
  | { kind: 'message'; bytes: Buffer; fds: number[] }
  | { kind: 'nothing' } // would block
  | { kind: 'closed' }
  | { kind: 'error'; errno: number };

function sockaddr(path: string): Buffer {
  const bytes = Buffer.from(path);
  if (bytes.length > PATH_BYTES_MAX)
    throw systemError('bind', `"${path}": a socket path holds ${PATH_BYTES_MAX} bytes`, 36);
  const address = Buffer.alloc(2 + bytes.length + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  bytes.copy(address, 2);
  return address;
}

/** A socket listening at the path, which must not exist. */
export function listen(path: string): number {
  const address = sockaddr(path);
  const fd = check(socketCall(AF_UNIX, SOCK_SEQPACKET | SOCK_FLAGS, 0), 'socket', path);
  if (bindCall(fd, address, address.length) < 0 || listenCall(fd, 64) < 0) {
    const failure = systemError('listen at', path);
    close(fd);
    throw failure;
  }
  return fd;
}

/** Connects at once or throws: a unix socket never needs a wait, a full backlog is EAGAIN. */
export function connect(path: string): number {
  const address = sockaddr(path);
  const fd = check(socketCall(AF_UNIX, SOCK_SEQPACKET | SOCK_FLAGS, 0), 'socket', path);
  if (connectCall(fd, address, address.length) < 0) {
    const failure = systemError('connect to', path);
    close(fd);
    throw failure;
  }
  return fd;
}

/** A new connection, or -1 when there is none. */
export function accept(fd: number): number {
  return accept4(fd, null, null, SOCK_FLAGS);
}

/** A connected pair of stream sockets: the second one is for a program that sends a descriptor, such as fusermount3. */
export function streamPair(): [number, number] {
  const pair = Buffer.alloc(8);
  check(socketpairCall(AF_UNIX, SOCK_STREAM | 0o2000000, 0, pair), 'socketpair', 'stream');
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/** Who is at the other end, as the kernel recorded it when the connection was made. */
export function peerOf(fd: number): Peer {
  const credentials = Buffer.alloc(12);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(12, 0);
  check(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length), 'getsockopt', 'SO_PEERCRED');
  return { pid: credentials.readInt32LE(0), uid: credentials.readUInt32LE(4), gid: credentials.readUInt32LE(8) };
}

// One msghdr, iovec and control buffer for the process: calls are synchronous, so they never overlap.
const header = Buffer.alloc(56);
const iovec = Buffer.alloc(16);
const controlSize = CMSG_HEADER_BYTES + 4 * DESCRIPTORS_MAX + 4;
const control = Buffer.alloc(controlSize);
const inbox = Buffer.alloc(MESSAGE_BYTES_MAX);

function prepare(bytes: Buffer, controlBytes: number): void {
  iovec.writeBigUInt64LE(koffi.address(bytes), 0);
  iovec.writeBigUInt64LE(BigInt(bytes.length), 8);
  header.fill(0);
  header.writeBigUInt64LE(koffi.address(iovec), 16);
  header.writeBigUInt64LE(1n, 24);
  if (controlBytes > 0) {
    header.writeBigUInt64LE(koffi.address(control), 32);
    header.writeBigUInt64LE(BigInt(controlBytes), 40);
  }
}

/** Sends one message with its descriptors. Returns 0, or the errno: EAGAIN when the peer is behind. */
export function sendMessage(fd: number, bytes: Buffer, fds: readonly number[]): number {
  let controlBytes = 0;
  if (fds.length > 0) {
    const length = CMSG_HEADER_BYTES + 4 * fds.length;
    control.writeBigUInt64LE(BigInt(length), 0);
    control.writeInt32LE(SOL_SOCKET, 8);
    control.writeInt32LE(SCM_RIGHTS, 12);
    fds.forEach((each, i) => control.writeInt32LE(each, CMSG_HEADER_BYTES + 4 * i));
    controlBytes = Math.ceil(length / 8) * 8;
  }
  prepare(bytes, controlBytes);
  return sendmsg(fd, header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? errno() : 0;
}

/** Takes one message if there is one. Whoever gets descriptors owns them; a message cut short is an error and leaks none. */
export function receiveMessage(fd: number, flags: number = MSG_DONTWAIT): Received {
  prepare(inbox, controlSize);
  const count = recvmsg(fd, header, flags | MSG_CMSG_CLOEXEC);
  if (count < 0) {
    const number = errno();
    return number === 11 || number === 4
      ? { kind: 'nothing' }
      : number === 104
        ? { kind: 'closed' }
        : { kind: 'error', errno: number };
  }
  const fds: number[] = [];
  const controlBytes = Number(header.readBigUInt64LE(40));
  if (
    controlBytes >= CMSG_HEADER_BYTES &&
    control.readInt32LE(8) === SOL_SOCKET &&
    control.readInt32LE(12) === SCM_RIGHTS
  ) {
    const length = Number(control.readBigUInt64LE(0));
    for (let at = CMSG_HEADER_BYTES; at + 4 <= length; at += 4) fds.push(control.readInt32LE(at));
  }
  if ((header.readInt32LE(48) & (MSG_TRUNC | MSG_CTRUNC)) !== 0) {
    for (const each of fds) close(each);
    return { kind: 'error', errno: 90 };
  }
  if (count === 0 && fds.length === 0) return { kind: 'closed' };
  return { kind: 'message', bytes: Buffer.from(inbox.subarray(0, count)), fds };
}

/** Waits (blocking socket) for one message: for the short, bounded exchange with a helper program. */
export function receiveBlocking(fd: number): Received {
  return receiveMessage(fd, 0);
}
