// Messages between the processes of a session: JSON objects with descriptors, over a unix socket of whole messages.
//
// Invariants: both ends check by SO_PEERCRED who the other is before a byte is looked at; a message that is no JSON object
// ends the connection; what cannot be sent now waits in a bounded queue, and a peer that lets it overflow is given up.
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import {
  accept,
  connect,
  E,
  file,
  listen,
  peerOf,
  receiveMessage,
  sendMessage,
  watchReadable,
  type Peer,
  type Watch,
} from '../libc/index.ts';
import { HostError } from './errors.ts';

export type Message = Readonly<Record<string, unknown>>;

const QUEUE_MAX = 16_384;
const MESSAGES_PER_TURN = 64;
const OPEN_BRACE = 0x7b;

export interface ChannelEvents {
  /** Descriptors are the receiver's to close. */
  message(message: Message, fds: number[]): void;
  /** A message that is no JSON. Without this handler it ends the connection. */
  bytes?(bytes: Buffer, fds: number[]): void;
  closed(): void;
}

export class Channel {
  readonly peer: Peer;
  readonly #fd: number;
  #events: ChannelEvents | undefined;
  #watch: Watch | undefined;
  #blocked = false;
  readonly #waiters: (() => void)[] = [];
  #queue: { bytes: Buffer; fds: number[] }[] = [];
  #open = true;

  /** Takes a connected socket. Nothing is read before `listen`. */
  constructor(fd: number, peer: Peer) {
    this.#fd = fd;
    this.peer = peer;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Starts to take messages, or hands them to another taker from now on. `closed` is called once, whoever ended it. */
  listen(events: ChannelEvents): this {
    this.#events = events;
    if (this.#open) this.#watch ??= watchReadable(this.#fd, () => this.#receive());
    return this;
  }

  /** Sends, or queues behind what could not be sent yet. Descriptors are duplicated, the caller's stay its own. */
  send(message: Message, fds: readonly number[] = []): void {
    this.sendBytes(Buffer.from(JSON.stringify(message)), fds);
  }

  /** The same for a message that is no JSON; its first byte is not "{". For what is sent at every open of a file. */
  sendBytes(bytes: Buffer, fds: readonly number[] = []): void {
    if (!this.#open) return;
    if (this.#queue.length === 0) {
      const failed = sendMessage(this.#fd, bytes, fds);
      if (failed === 0) return;
      if (failed !== E.EAGAIN) {
        this.close();
        return;
      }
    }
    if (this.#queue.length >= QUEUE_MAX) {
      this.close();
      return;
    }
    this.#queue.push({ bytes, fds: fds.map(file.duplicate) });
    if (!this.#blocked) this.#watch?.writable(() => this.#flush());
    this.#blocked = true;
  }

  /** Undefined when everything sent is on its way; else resolves when it is, or when the connection is over. */
  drained(): Promise<void> | undefined {
    if (this.#queue.length === 0) return undefined;
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Takes what has arrived at once, ahead of the event loop. */
  receiveNow(): void {
    if (this.#watch !== undefined) this.#receive();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch?.close();
    for (const { fds } of this.#queue) for (const fd of fds) file.close(fd);
    this.#queue = [];
    this.#tellDrained();
    file.close(this.#fd);
    this.#events?.closed();
  }

  #flush(): void {
    while (this.#queue.length > 0) {
      const [next] = this.#queue;
      if (next === undefined) break;
      const failed = sendMessage(this.#fd, next.bytes, next.fds);
      if (failed === E.EAGAIN) return;
      if (failed !== 0) {
        this.close();
        return;
      }
      for (const fd of next.fds) file.close(fd);
      this.#queue.shift();
    }
    this.#watch?.writable(undefined);
    this.#blocked = false;
    this.#tellDrained();
  }

  #tellDrained(): void {
    for (const tell of this.#waiters.splice(0)) tell();
  }

  #receive(): void {
    for (let i = 0; i < MESSAGES_PER_TURN && this.#open; i++) {
      const got = receiveMessage(this.#fd);
      if (got.kind === 'nothing') return;
      if (got.kind !== 'message') {
        this.close();
        return;
      }
      if (this.#events?.bytes !== undefined && got.bytes[0] !== OPEN_BRACE) {
        this.#events.bytes(got.bytes, got.fds);
        continue;
      }
      const message = parse(got.bytes);
      if (message === undefined) {
        for (const fd of got.fds) file.close(fd);
        this.close();
        return;
      }
      this.#events?.message(message, got.fds);
    }
  }
}

function parse(bytes: Buffer): Message | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Message) : undefined;
  } catch {
    return undefined; // whoever sends no JSON is no process of ours
  }
}

/** Connects to the socket at the path. Throws HostError 'peer-refused' unless root or the given user listens there. */
export function connectChannel(path: string, uid: number): Channel {
  const fd = connect(path);
  const peer = peerOf(fd);
  if (peer.uid !== uid && peer.uid !== 0) {
    file.close(fd);
    throw new HostError(`Cannot trust the socket "${path}": user ${peer.uid} listens there`, {
      code: 'peer-refused',
      path,
      uid: peer.uid,
      pid: peer.pid,
    });
  }
  return new Channel(fd, peer);
}

/** A listening socket. Connections of other users than root and `uid` are closed without a byte. */
export class ChannelServer {
  readonly path: string;
  readonly #fd: number;
  readonly #watch: Watch;

  constructor(path: string, uid: number, onChannel: (channel: Channel) => void, onRefused: (peer: Peer) => void) {
    this.path = path;
    removeOwnSocket(path);
    this.#fd = listen(path);
    chmodSync(path, 0o600);
    this.#watch = watchReadable(this.#fd, () => {
      for (let fd = accept(this.#fd); fd >= 0; fd = accept(this.#fd)) {
        const peer = peerOf(fd);
        if (peer.uid === uid || peer.uid === 0) onChannel(new Channel(fd, peer));
        else {
          file.close(fd);
          onRefused(peer);
        }
      }
    });
  }

  close(): void {
    this.#watch.close();
    file.close(this.#fd);
  }
}

/** Removes what a predecessor left; refuses what another user, or no socket, left there. */
function removeOwnSocket(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket() || (found.uid !== process.getuid?.() && found.uid !== 0)) {
    throw new HostError(`Cannot listen at "${path}": something of user ${found.uid} is there`, {
      code: 'socket-squatted',
      path,
      ownerUid: found.uid,
    });
  }
  unlinkSync(path);
}
