// The vault as a daemon sees it: keeps open files, hands them back, registers backing files.
//
// The daemon never waits for a vault that is away: keeping is caught up on when one is back, passthrough is done without.
import { file } from '../libc/index.ts';
import { connectChannel, type Channel, type Message } from '../host/index.ts';
import type { Keeper } from '../fuse/session/index.ts';
import type { NodeId } from '../fuse/protocol/index.ts';
import { encodeDrops, encodeKeep } from './keep-wire.ts';

const RECONNECT_MS = 10;
const DROPS_MAX = 256;
const DROP_DELAY_MS = 1_000;
const ANSWER_TIMEOUT_MS = 1_000;

type Answer = { message: Message; fds: number[] } | undefined;

export class VaultKeeper implements Keeper {
  readonly #socket: string;
  readonly #uid: number;
  readonly #onNewVault: () => void;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #dropping = new Set<NodeId>();
  #dropTimer: NodeJS.Timeout | undefined;
  #channel: Channel | undefined;
  #nextId = 1;
  #closed = false;

  /** `onNewVault`: a vault that knows nothing of this daemon is there; tell it what to keep. */
  constructor(socket: string, uid: number, onNewVault: () => void) {
    this.#socket = socket;
    this.#uid = uid;
    this.#onNewVault = onNewVault;
    this.#connect();
  }

  keep(node: NodeId, fd: number): void | Promise<void> {
    if (this.#dropping.delete(node)) return; // it is still there, and a node is always the same file
    this.#channel?.sendBytes(encodeKeep(node), [fd]);
    return this.#channel?.drained();
  }

  /** Later, many at once: files are often opened again soon, and then nothing has to be said at all. */
  drop(node: NodeId): void {
    this.#dropping.add(node);
    if (this.#dropping.size >= DROPS_MAX) this.#flushDrops();
    else this.#dropTimer ??= setTimeout(() => this.#flushDrops(), DROP_DELAY_MS);
  }

  #flushDrops(): void {
    clearTimeout(this.#dropTimer);
    this.#dropTimer = undefined;
    if (this.#dropping.size > 0) this.#channel?.sendBytes(encodeDrops([...this.#dropping]));
    this.#dropping.clear();
  }

  async take(node: NodeId): Promise<number | undefined> {
    const answer = await this.#ask({ op: 'take', node: node.toString(16) });
    const [fd, ...others] = answer?.fds ?? [];
    for (const each of others) file.close(each);
    return fd;
  }

  async backingOpen(node: NodeId): Promise<number> {
    const answer = await this.#ask({ op: 'backing-open', node: node.toString(16) });
    for (const fd of answer?.fds ?? []) file.close(fd);
    const backingId = answer?.message['backingId'];
    return typeof backingId === 'number' && Number.isInteger(backingId) && backingId > 0 ? backingId : 0;
  }

  backingClose(node: NodeId, backingId: number): void {
    this.#channel?.send({ op: 'backing-close', node: node.toString(16), backingId });
  }

  close(): void {
    this.#closed = true;
    this.#channel?.close();
  }

  #connect(): void {
    if (this.#closed) return;
    try {
      const channel = connectChannel(this.#socket, this.#uid);
      this.#channel = channel;
      channel.listen({ message: (message, fds) => this.#answered(message, fds), closed: () => this.#lost() });
      this.#onNewVault();
    } catch {
      setTimeout(() => this.#connect(), RECONNECT_MS); // no vault just now, or a stranger in its place: neither is used
    }
  }

  #lost(): void {
    this.#channel = undefined;
    this.#dropping.clear(); // the next vault starts with nothing but what is open
    for (const answer of [...this.#waiting.values()]) answer(undefined);
    setTimeout(() => this.#connect(), RECONNECT_MS);
  }

  #answered(message: Message, fds: number[]): void {
    const waiting = this.#waiting.get(Number(message['id']));
    if (waiting === undefined) for (const fd of fds) file.close(fd);
    else waiting({ message, fds });
  }

  #ask(message: Message): Promise<Answer> {
    const channel = this.#channel;
    if (channel === undefined) return Promise.resolve(undefined);
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(undefined), ANSWER_TIMEOUT_MS);
      const settle = (answer: Answer): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(answer);
      };
      this.#waiting.set(id, settle);
      channel.send({ ...message, id });
    });
  }
}
