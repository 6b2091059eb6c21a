// A session's shared memory: created once by whoever mounts, opened by every daemon that serves.
import { fstatSync } from 'node:fs';
import { createMemory, MappedMemory } from '../../libc/index.ts';
import {
  HANDLES_MAX,
  HEADER,
  INDEX_BITS_MAX,
  INDEX_BITS_MIN,
  LAYOUT_VERSION,
  MAGIC,
  MEMORY_BYTES,
  MemoryError,
  NAME_UNIT_BYTES,
  NAMES_BYTES,
  NODES_MAX,
  SLOT_BYTES,
  SLOTS_MAX,
} from './layout.ts';

export interface SessionMemory {
  readonly mapped: MappedMemory;
  readonly bytes: Buffer;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
}

/** Makes the memory of a new session and returns its descriptor, to be held by vault and supervisor. */
export function createSessionMemory(name: string): number {
  const fd = createMemory(`evermount:${name}`, MEMORY_BYTES);
  const mapped = new MappedMemory(fd, MEMORY_BYTES);
  const u32 = new Uint32Array(mapped.buffer);
  u32[HEADER.slotBytes] = SLOT_BYTES;
  u32[HEADER.slots] = SLOTS_MAX;
  u32[HEADER.nodesUsed] = 2; // record 0 means none, record 1 is the root
  u32[HEADER.handlesUsed] = 1;
  u32[HEADER.namesUsed] = 1;
  u32[HEADER.index] = INDEX_BITS_MIN;
  u32[HEADER.version] = LAYOUT_VERSION;
  u32[HEADER.magic] = MAGIC;
  mapped.close();
  return fd;
}

/** Maps a session's memory. Throws MemoryError when it is not one, is cut short, or was laid out by another version. */
export function openSessionMemory(fd: number): SessionMemory {
  const sizeBytes = fstatSync(fd).size;
  if (sizeBytes < MEMORY_BYTES) {
    throw new MemoryError(`Cannot open session memory: it has ${sizeBytes} bytes and needs ${MEMORY_BYTES}`, {
      code: 'memory-too-small',
      sizeBytes,
      needBytes: MEMORY_BYTES,
    });
  }
  const mapped = new MappedMemory(fd, MEMORY_BYTES);
  const u32 = new Uint32Array(mapped.buffer);
  try {
    checkHeader(u32);
  } catch (err) {
    mapped.close();
    throw err;
  }
  return { mapped, bytes: Buffer.from(mapped.buffer), u32, f64: new Float64Array(mapped.buffer) };
}

function checkHeader(u32: Uint32Array): void {
  const word = (index: number): number => u32[index] ?? 0;
  const magic = word(HEADER.magic);
  if (magic !== MAGIC)
    throw new MemoryError('Cannot open session memory: it is not one', { code: 'memory-not-ours', magic });
  const version = word(HEADER.version);
  if (version !== LAYOUT_VERSION) {
    throw new MemoryError(`Cannot open session memory of layout ${version}: this is layout ${LAYOUT_VERSION}`, {
      code: 'memory-version',
      version,
      ours: LAYOUT_VERSION,
    });
  }
  const bits = word(HEADER.index) & 0x7fffffff;
  const bounds: [string, number, number, number][] = [
    ['slot size', word(HEADER.slotBytes), SLOT_BYTES, SLOT_BYTES],
    ['slots', word(HEADER.slots), SLOTS_MAX, SLOTS_MAX],
    ['nodes used', word(HEADER.nodesUsed), 2, NODES_MAX],
    ['nodes free', word(HEADER.nodesFree), 0, word(HEADER.nodesUsed) - 1],
    ['handles used', word(HEADER.handlesUsed), 1, HANDLES_MAX],
    ['handles free', word(HEADER.handlesFree), 0, word(HEADER.handlesUsed) - 1],
    ['names used', word(HEADER.namesUsed), 1, NAMES_BYTES / NAME_UNIT_BYTES],
    ['index bits', bits, INDEX_BITS_MIN, INDEX_BITS_MAX],
    ['index filled', word(HEADER.indexFilled), 0, 2 ** INDEX_BITS_MAX],
  ];
  for (const [what, value, least, most] of bounds) {
    if (value < least || value > most) {
      throw new MemoryError(`Cannot open session memory: ${what} is ${value}, outside ${least}..${most}`, {
        code: 'memory-damaged',
        what,
      });
    }
  }
}
