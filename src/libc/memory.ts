// Shared memory that outlives the process using it: an unnamed file (memfd), mapped.
//
// A store into the mapping survives SIGKILL of the process at any instruction; whoever still holds the descriptor sees it.
import koffi from 'koffi';
import { bind, cString, type Pointer } from './libc.ts';
import { check, systemError } from './errors.ts';

const memfdCreate = bind<(name: Pointer, flags: number) => number>('int memfd_create(const void*, unsigned int)');
const ftruncate = bind<(fd: number, length: number) => number>('int ftruncate(int, int64)');
const mmap = bind<(address: null, length: number, prot: number, flags: number, fd: number, offset: number) => bigint>(
  'void* mmap(void*, uint64, int, int, int, int64)',
);
const munmap = bind<(address: bigint, length: number) => number>('int munmap(void*, uint64)');
const madvise = bind<(address: bigint, length: number, advice: number) => number>('int madvise(void*, uint64, int)');

const MFD_CLOEXEC = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED_NORESERVE = 0x1 | 0x4000;
const MADV_REMOVE = 9;
const PAGE_BYTES = 4096;

/** Creates shared memory of sizeBytes. Pages take space only once written. Returns its descriptor. */
export function createMemory(name: string, sizeBytes: number): number {
  const fd = check(memfdCreate(cString(name), MFD_CLOEXEC), 'memfd_create', name);
  check(ftruncate(fd, sizeBytes), 'ftruncate', name);
  return fd;
}

/** A mapping of shared memory. Reading past the file's end kills the process: check the size first. */
export class MappedMemory {
  readonly buffer: ArrayBuffer;
  readonly address: bigint;
  readonly sizeBytes: number;

  constructor(fd: number, sizeBytes: number) {
    this.address = mmap(null, sizeBytes, PROT_READ_WRITE, MAP_SHARED_NORESERVE, fd, 0);
    if (this.address === 0xffffffffffffffffn) throw systemError('mmap', `descriptor ${fd}`);
    this.sizeBytes = sizeBytes;
    this.buffer = koffi.view(this.address, sizeBytes);
  }

  /** Gives the whole pages inside [offset, offset + length) back to the machine; they read as zero afterwards. */
  release(offset: number, length: number): void {
    const from = Math.ceil(offset / PAGE_BYTES) * PAGE_BYTES;
    const to = Math.floor((offset + length) / PAGE_BYTES) * PAGE_BYTES;
    if (to > from) madvise(this.address + BigInt(from), to - from, MADV_REMOVE);
  }

  /** Unmaps. The buffer must not be touched afterwards: only for processes that end, and tests. */
  close(): void {
    munmap(this.address, this.sizeBytes);
  }
}
