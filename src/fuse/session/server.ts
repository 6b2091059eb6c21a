// The loop: takes requests from the kernel, has them handled, writes the replies. One thread, no request waits for another
// unless its handler works synchronously.
//
// Every daemon starts here by taking over, the first one too: whoever mounted has answered INIT and keeps what was agreed.
import { watchReadable, type Watch } from '../../libc/index.ts';
import type { ReadOutcome, WriteOutcome } from '../device/index.ts';
import {
  decodeInHeader,
  encodeEmptyReply,
  encodeIncEpoch,
  encodeInvalInode,
  encodeOutHeader,
  encodeResend,
  ERRNO,
  EXTLEN_UNIT_BYTES,
  IN_HEADER_BYTES,
  OPERATIONS,
  OUT_HEADER_BYTES,
  UNIQUE_RESEND,
  WireError,
  type Unique,
} from '../protocol/index.ts';
import { isDying } from './dying.ts';
import { emptyStat, type FileSystem, type KernelNotices, type Stat } from './filesystem.ts';
import type { ServerConfig, ServerContext } from './context.ts';
import { Exchange, NO_REPLY } from './exchange.ts';
import { HandleTable } from './handles.ts';
import type { Keeper } from './keeper.ts';
import { HEADER, MemoryError, SLOT_BYTES } from './layout.ts';
import type { SessionMemory } from './memory.ts';
import { NodeTable, type NodeIndex } from './nodes.ts';
import { OpenFiles } from './open-files.ts';
import { HANDLERS } from './operations.ts';
import { FrameSlots, type SlotIndex } from './slots.ts';

/** How the requests come back that a predecessor took and did not answer. */
export type TakeoverMode = 'resend' | 'journal';

/** Why the predecessor is gone; a daemon that crashed by itself makes what it was working on suspect. */
export type TakeoverCause = 'start' | 'killed' | 'crashed' | 'drained';

/** What the server needs of a FuseDevice. */
export interface FrameDevice {
  readonly fd: number;
  read(address: bigint, sizeBytes: number): ReadOutcome;
  write(message: Uint8Array, length: number): WriteOutcome;
  waitForFrame(timeoutMs: number): boolean;
}

export interface ServerDeps {
  device: FrameDevice;
  memory: SessionMemory;
  filesystem: (nodes: NodeTable) => FileSystem;
  keeper: Keeper;
  /** Called once, when the connection is over. */
  onEnd: (how: 'unmounted' | 'aborted') => void;
}

/** A request in flight at this many crashes is answered EIO instead of being tried again. */
export const CRASHES_MAX = 3;

/** Since which minor version of the protocol the kernel knows INC_EPOCH. */
const INC_EPOCH_MINOR = 44;

/** After this long the event loop gets its turn: heartbeats, the vault, timers. */
const TURN_MS = 4;
const WAIT_MS = 1;

export class Server implements ServerContext, KernelNotices {
  readonly config: ServerConfig;
  readonly nodes: NodeTable;
  readonly handles: HandleTable;
  readonly files: OpenFiles;
  readonly filesystem: FileSystem;
  readonly #deps: ServerDeps;
  readonly #slots: FrameSlots;
  readonly #u32: Uint32Array;
  readonly #buffers: Buffer[] = [];
  readonly #stats: Stat[] = [];
  readonly #waiting = new Map<Unique, Exchange>();
  readonly #doubtful = new Map<bigint, NodeIndex[]>();
  readonly #empty = Buffer.alloc(OUT_HEADER_BYTES);
  readonly #notice = Buffer.alloc(64);
  #watch: Watch | undefined;
  #draining: (() => void) | undefined;
  #ended = false;

  constructor(config: ServerConfig, deps: ServerDeps) {
    this.config = config;
    this.#deps = deps;
    this.#u32 = deps.memory.u32;
    this.nodes = new NodeTable(deps.memory);
    this.handles = new HandleTable(deps.memory);
    this.#slots = new FrameSlots(deps.memory);
    this.filesystem = deps.filesystem(this.nodes);
    this.files = new OpenFiles({
      nodes: this.nodes,
      handles: this.handles,
      filesystem: this.filesystem,
      keeper: deps.keeper,
      passthroughMinBytes: config.passthroughMinBytes,
    });
  }

  /** Begins to serve. The predecessor must be certainly gone. */
  takeOver(mode: TakeoverMode, cause: TakeoverCause): { leftovers: number; handles: number; nodes: number } {
    this.#u32[HEADER.generation] = (this.#u32[HEADER.generation] ?? 0) + 1;
    this.nodes.reload();
    const left = this.#slots.claimLeftovers();
    if (cause === 'crashed') for (const slot of left) this.#slots.suspect(this.#slots.frame(slot).readBigUInt64LE(8));
    for (const slot of left) this.#endReleased(slot);
    this.files.restore();
    if (mode === 'resend') {
      const message = Buffer.alloc(OUT_HEADER_BYTES);
      this.#deps.device.write(message, encodeResend(message));
      for (const slot of left) this.#leaveToKernel(slot);
    } else {
      for (const slot of left) {
        this.#doubt(slot);
        this.#serve(slot, true);
      }
    }
    this.#watch = watchReadable(this.#deps.device.fd, () => this.serveWaiting());
    this.serveWaiting();
    void this.files.fetchAll();
    return { leftovers: left.length, handles: this.handles.liveCount, nodes: this.nodes.liveCount };
  }

  /** A request the kernel delivers again if it was not answered; FORGETs are the ones it does not. */
  #leaveToKernel(slot: SlotIndex): void {
    const frame = this.#slots.frame(slot);
    const opcode = frame.readUInt32LE(4);
    if (opcode === OPERATIONS.FORGET.opcode || opcode === OPERATIONS.BATCH_FORGET.opcode) {
      this.#serve(slot, true);
      return;
    }
    this.#doubt(slot);
    this.#slots.release(slot);
  }

  /** Remembers what a predecessor counted for an answer that it may not have given. */
  #doubt(slot: SlotIndex): void {
    const opcode = this.#slots.frame(slot).readUInt32LE(4);
    if (opcode !== OPERATIONS.LOOKUP.opcode && opcode !== OPERATIONS.READDIRPLUS.opcode) return;
    const nodes = this.#slots.granted(slot);
    if (nodes.length > 0) this.#doubtful.set(this.#slots.frame(slot).readBigUInt64LE(8) & ~UNIQUE_RESEND, nodes);
    this.#slots.clearGrants(slot);
  }

  /** The request was delivered again and is answered now: the first answer never reached the kernel. */
  #settleDoubt(unique: Unique): void {
    const id = unique & ~UNIQUE_RESEND;
    for (const node of this.#doubtful.get(id) ?? []) this.nodes.forget(node, 1);
    this.#doubtful.delete(id);
  }

  /**
   * A file was closed and the predecessor died at it, perhaps with the answer given: then the kernel does not ask again. A
   * handle left behind would stand for whatever file gets its node's record next.
   */
  #endReleased(slot: SlotIndex): void {
    const frame = this.#slots.frame(slot);
    if (frame.readUInt32LE(4) !== OPERATIONS.RELEASE.opcode) return;
    const handle = this.handles.indexOf(frame.readBigUInt64LE(IN_HEADER_BYTES));
    if (handle !== 0) this.handles.close(handle);
  }

  /** Stops taking requests; resolves when those taken are answered. Nothing is read afterwards. */
  drain(): Promise<void> {
    this.#watch?.close();
    this.#watch = undefined;
    return new Promise((resolve) => {
      this.#draining = resolve;
      this.#settle();
    });
  }

  /** Takes requests again after a drain that was called off. */
  resume(): void {
    this.#draining = undefined;
    if (this.#watch !== undefined || this.#ended) return;
    this.#watch = watchReadable(this.#deps.device.fd, () => this.serveWaiting());
    this.serveWaiting();
  }

  get requestsInFlight(): number {
    return this.#slots.inFlight;
  }

  attributesChanged(key: Uint32Array): void {
    const node = this.nodes.find(key);
    if (node === 0) return;
    // Attributes only: dropping pages or names by notification waits for whoever has them locked, perhaps for this daemon.
    this.notify(this.#notice, encodeInvalInode(this.#notice, { ino: this.nodes.nodeId(node), off: -1, len: 0 }));
  }

  namesChanged(): void {
    if (this.config.agreed.minor >= INC_EPOCH_MINOR) this.notify(this.#notice, encodeIncEpoch(this.#notice));
  }

  /** Sends a notification. False when the kernel does not know the object, which is fine. */
  notify(message: Uint8Array, length: number): boolean {
    return this.#deps.device.write(message, length) === 'written';
  }

  /**
   * A request whose caller got a signal: given up if the caller is about to die, since until it is answered it cannot. Any
   * other caller goes on waiting: readers of files do not expect EINTR.
   */
  interrupt(unique: Unique): void {
    const exchange = this.#waiting.get(unique);
    if (exchange !== undefined && isDying(exchange.header.pid)) exchange.interrupt();
  }

  /** A scratch Stat; give it back with returnStat when nothing reads it any more. */
  borrowStat(): Stat {
    return this.#stats.pop() ?? emptyStat();
  }
  returnStat(stat: Stat): void {
    if (this.#stats.length < 64) this.#stats.push(stat);
  }

  /** Serves what waits, and what comes at once after it; then the event loop has its turn. */
  serveWaiting(): void {
    const { device } = this.#deps;
    const yieldAtMs = performance.now() + TURN_MS;
    let served = false;
    while (!this.#ended && this.#draining === undefined) {
      const slot = this.#slots.take();
      if (slot < 0) {
        // Every slot is in use: the kernel keeps the rest until one is free.
        this.#watch?.close();
        this.#watch = undefined;
        return;
      }
      const outcome = device.read(this.#slots.address(slot), SLOT_BYTES);
      if (outcome === 'frame') {
        this.#serve(slot, false);
        served = true;
        if (performance.now() >= yieldAtMs) return;
        continue;
      }
      this.#slots.release(slot);
      if (outcome === 'unmounted' || outcome === 'aborted') {
        this.#end(outcome);
        return;
      }
      // Whoever got an answer often asks again at once: waiting here saves a turn of the event loop, half of a request's time.
      const isIdle = this.#waiting.size === 0 && this.filesystem.isBusy !== true;
      const mayWait = served && isIdle && performance.now() < yieldAtMs;
      if (outcome === 'none' && !(mayWait && device.waitForFrame(WAIT_MS))) return;
    }
  }

  #serve(slot: SlotIndex, replayed: boolean): void {
    const frame = this.#slots.frame(slot);
    let exchange: Exchange;
    try {
      const header = decodeInHeader(frame);
      const args = frame.subarray(IN_HEADER_BYTES, header.len - header.totalExtlen * EXTLEN_UNIT_BYTES);
      const again = replayed || (header.unique & UNIQUE_RESEND) !== 0n;
      exchange = new Exchange(this.#slots, slot, header, args, again, this.#buffers.pop() ?? this.#newBuffer());
    } catch (err) {
      if (!(err instanceof WireError)) throw err;
      // Too short to be answered: only a device that lies does this.
      this.#slots.release(slot);
      return;
    }
    const { unique } = exchange.header;
    if (exchange.again && this.#slots.crashesOf(unique) >= CRASHES_MAX) {
      this.#reply(exchange, -ERRNO.EIO);
      return;
    }
    const result = this.#handle(exchange);
    if (typeof result === 'number') {
      this.#reply(exchange, result);
      return;
    }
    this.#waiting.set(unique, exchange);
    void result.then(
      (length) => {
        this.#waiting.delete(unique);
        this.#reply(exchange, length);
        this.#slotFreed();
      },
      (err: unknown) => {
        this.#waiting.delete(unique);
        this.#reply(exchange, -errnoOf(err));
        this.#slotFreed();
      },
    );
  }

  #handle(exchange: Exchange): number | Promise<number> {
    const handler = HANDLERS[exchange.header.opcode];
    if (handler === undefined) return -ERRNO.ENOSYS;
    try {
      return handler(this, exchange);
    } catch (err) {
      return -errnoOf(err);
    }
  }

  /** `result`: payload bytes, a negative errno, or NO_REPLY. */
  #reply(exchange: Exchange, result: number): void {
    const { unique } = exchange.header;
    if (result !== NO_REPLY) {
      const outcome = result < 0 ? this.#writeError(unique, -result) : this.#writeResult(exchange, unique, result);
      if (outcome === 'written') {
        exchange.after?.();
        if (exchange.again) this.#settleDoubt(unique);
      } else {
        if (exchange.grants) for (const node of this.#slots.granted(exchange.slot)) this.nodes.forget(node, 1);
        exchange.refused?.();
      }
      this.#u32[HEADER.answered] = ((this.#u32[HEADER.answered] ?? 0) + 1) >>> 0;
      this.#slots.clear(unique);
    }
    if (this.#buffers.length < 8 && !exchange.outIsLost) this.#buffers.push(exchange.out);
    this.#slots.release(exchange.slot);
    if (this.#draining !== undefined) this.#settle();
  }

  #writeError(unique: Unique, errno: number): string {
    return this.#deps.device.write(this.#empty, encodeEmptyReply(this.#empty, 0, unique, errno));
  }

  #writeResult(exchange: Exchange, unique: Unique, payloadBytes: number): string {
    const length = OUT_HEADER_BYTES + payloadBytes;
    encodeOutHeader(exchange.out, 0, { len: length, error: 0, unique });
    return this.#deps.device.write(exchange.out, length);
  }

  #newBuffer(): Buffer {
    return Buffer.allocUnsafeSlow(OUT_HEADER_BYTES + this.config.readBytesMax);
  }

  /** After a wait: if reading stopped for want of a slot, it goes on. */
  #slotFreed(): void {
    if (this.#watch === undefined && this.#draining === undefined && !this.#ended) this.resume();
  }

  #settle(): void {
    if (this.#slots.inFlight === 0) this.#draining?.();
  }

  #end(how: 'unmounted' | 'aborted'): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#watch?.close();
    this.#watch = undefined;
    this.#deps.onEnd(how);
  }
}

/**
 * Malformed arguments are EINVAL, a full table ENFILE. Anything else is a fault of ours: it is thrown on, the daemon dies, and
 * its successor tries the request again (up to CRASHES_MAX times).
 */
function errnoOf(err: unknown): number {
  if (err instanceof WireError) return err.code === 'unknown-opcode' ? ERRNO.ENOSYS : ERRNO.EINVAL;
  if (err instanceof MemoryError && err.code === 'table-full') return ERRNO.ENFILE;
  throw err;
}
