// Files mapped into memory: their pages come when they are touched.
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { bind } from '../../src/libc/index.ts';

export const mmap = bind<(at: null, length: number, prot: number, flags: number, fd: number, offset: number) => bigint>(
  'void* mmap(void*, uint64, int, int, int, int64)',
);
const munmap = bind<(address: bigint, length: number) => number>('int munmap(void*, uint64)');
export const PROT_READ = 1;
export const PROT_READ_WRITE = 3;
export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;
export const MAP_FAILED = 0xffffffffffffffffn;

/** Touching `bytes` waits for the file; a page that cannot be had ends the process (SIGBUS). */
export function mapFile(path: string, length: number, flags: number): Disposable & { bytes: Buffer } {
  const fd = openSync(path, 'r');
  const address = mmap(null, length, PROT_READ, flags, fd, 0);
  closeSync(fd);
  assert.notEqual(address, MAP_FAILED);
  return {
    bytes: Buffer.from(koffi.view(address, length)),
    [Symbol.dispose]: () => {
      munmap(address, length);
    },
  };
}
