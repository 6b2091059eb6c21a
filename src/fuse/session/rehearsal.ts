// What a standby does while it waits: serves a made-up session of its own, so that its code is compiled and its source's
// folders are known when the real one is handed to it. The first requests after a takeover are the ones applications wait for.
//
// It touches nothing of the real session: memory, device and keeper are its own. The source is only read.
import { file, streamPair } from '../../libc/index.ts';
import { OPERATIONS, type OperationName } from '../protocol/index.ts';
import type { ReadOutcome, WriteOutcome } from '../device/index.ts';
import type { ServerConfig } from './context.ts';
import { emptyStat, type FileSystem } from './filesystem.ts';
import { NO_KEEPER } from './keeper.ts';
import { createSessionMemory, openSessionMemory, type SessionMemory } from './memory.ts';
import { ROOT_INDEX, type NodeTable } from './nodes.ts';
import { Server, type FrameDevice } from './server.ts';

const ROUNDS = 60;
const NAMES_MAX = 8;
const HEADER_BYTES = 40;
const S_IFREG_TYPE = 8;

export interface RehearsalDeps {
  config: ServerConfig;
  filesystem: (nodes: NodeTable) => FileSystem;
  /** True once the real thing begins: the rehearsal ends at the next round. */
  isOver: () => boolean;
}

/** Resolves when done or over. Gives the event loop its turn between rounds, each a millisecond or two. */
export async function rehearse({ config, filesystem, isOver }: RehearsalDeps): Promise<void> {
  const memoryFd = createSessionMemory('rehearsal');
  const memory = openSessionMemory(memoryFd);
  file.close(memoryFd);
  const device = new RehearsalDevice(memory);
  const server = new Server(
    { ...config, passthroughMinBytes: Infinity },
    { device, memory, filesystem, keeper: NO_KEEPER, onEnd: () => {} },
  );
  try {
    const root = emptyStat();
    if ((await server.filesystem.root(root)) !== 0) return;
    server.nodes.setRootKey(root.key);
    const files = await namesOf(server.filesystem);
    server.takeOver('resend', 'start');
    for (let round = 0; round < ROUNDS && !isOver(); round++) {
      const name = files[round % Math.max(1, files.length)];
      device.ask(...folderRequests(), ...(name === undefined ? [] : [lookup(name)]));
      server.serveWaiting();
      const node = device.lastNode;
      if (name !== undefined && node !== 0n) {
        device.ask(request('GETATTR', node, 16), request('OPEN', node, 8));
        server.serveWaiting();
        await settled();
        device.ask(...fileRequests(node, device.lastHandle));
        server.serveWaiting();
      }
      await settled();
    }
    await server.drain();
  } finally {
    server.files.closeAll();
    device.close();
  }
}

/** Regular files right below the root. */
async function namesOf(filesystem: FileSystem): Promise<Buffer[]> {
  const names: Buffer[] = [];
  await filesystem.readdir(ROOT_INDEX, 0n, false, emptyStat(), 4096, (name, _ino, type) => {
    if (type === S_IFREG_TYPE) names.push(Buffer.from(name));
    return names.length < NAMES_MAX;
  });
  return names;
}

/** A turn of the event loop: answers that took one are there, and whoever waits for this process is heard. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function request(name: OperationName, nodeid: bigint, argsBytes: number): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + argsBytes);
  frame.writeUInt32LE(frame.length, 0);
  frame.writeUInt32LE(OPERATIONS[name].opcode, 4);
  frame.writeBigUInt64LE(1n, 8);
  frame.writeBigUInt64LE(nodeid, 16);
  return frame;
}

function lookup(name: Buffer): Buffer {
  const frame = request('LOOKUP', 1n, name.length + 1);
  name.copy(frame, HEADER_BYTES);
  return frame;
}

function folderRequests(): Buffer[] {
  const list = (name: 'READDIR' | 'READDIRPLUS'): Buffer => {
    const frame = request(name, 1n, 40);
    frame.writeUInt32LE(4096, HEADER_BYTES + 16);
    return frame;
  };
  return [
    request('OPENDIR', 1n, 8),
    list('READDIRPLUS'),
    list('READDIR'),
    request('GETATTR', 1n, 16),
    request('STATFS', 1n, 0),
  ];
}

function fileRequests(node: bigint, fh: bigint): Buffer[] {
  const read = request('READ', node, 40);
  read.writeBigUInt64LE(fh, HEADER_BYTES);
  read.writeUInt32LE(4096, HEADER_BYTES + 16);
  const release = request('RELEASE', node, 24);
  release.writeBigUInt64LE(fh, HEADER_BYTES);
  const forget = request('FORGET', node, 8);
  forget.writeBigUInt64LE(1n, HEADER_BYTES);
  return [read, release, forget];
}

/** Hands out made-up requests and looks at the answers only for the ids that the next requests need. */
class RehearsalDevice implements FrameDevice {
  /** Something the event loop can watch; nothing ever comes through it. */
  readonly fd: number;
  readonly #peer: number;
  readonly #memory: SessionMemory;
  #waiting: Buffer[] = [];
  #asked = 0;
  lastNode = 0n;
  lastHandle = 0n;

  constructor(memory: SessionMemory) {
    this.#memory = memory;
    [this.fd, this.#peer] = streamPair();
  }

  ask(...frames: Buffer[]): void {
    this.#waiting.push(...frames);
  }

  read(address: bigint): ReadOutcome {
    const next = this.#waiting.shift();
    if (next === undefined) return 'none';
    this.#asked = next.readUInt32LE(4);
    this.#memory.bytes.set(next, Number(address - this.#memory.mapped.address));
    return 'frame';
  }

  write(message: Uint8Array): WriteOutcome {
    const reply = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    if (reply.length >= 24 && reply.readInt32LE(4) === 0) {
      if (this.#asked === OPERATIONS.LOOKUP.opcode) this.lastNode = reply.readBigUInt64LE(16);
      if (this.#asked === OPERATIONS.OPEN.opcode) this.lastHandle = reply.readBigUInt64LE(16);
    }
    return 'written';
  }

  waitForFrame(): boolean {
    return this.#waiting.length > 0;
  }

  close(): void {
    file.close(this.fd);
    file.close(this.#peer);
  }
}
