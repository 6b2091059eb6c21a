// Mapped files: pages come when touched, also from a daemon that was not there when the file was mapped.
import assert from 'node:assert/strict';
import { closeSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import koffi from 'koffi';
import { bind } from '../../src/libc/index.ts';
import { pattern } from '../contract/posix.ts';
import { mountSource } from '../support/mounts.ts';
import { IS_ROOT, requireFuse } from '../support/require-fuse.ts';

const skip = requireFuse();
const mmap = bind<(at: null, length: number, prot: number, flags: number, fd: number, offset: number) => bigint>(
  'void* mmap(void*, uint64, int, int, int, int64)',
);
const munmap = bind<(address: bigint, length: number) => number>('int munmap(void*, uint64)');
const PROT_READ = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const FAILED = 0xffffffffffffffffn;

for (const passthrough of IS_ROOT ? ['on', 'off'] : ['off']) {
  for (const [kind, flags] of [
    ['shared', MAP_SHARED],
    ['private', MAP_PRIVATE],
  ] as const) {
    test(
      `a ${kind} mapping shows the file, before and after the daemon was killed, passthrough ${passthrough}`,
      { skip },
      async () => {
        await using mount = await mountSource({ options: ['--passthrough', passthrough] });
        const content = pattern(8 * 1024 * 1024 + 100);
        writeFileSync(join(mount.source, 'file'), content);
        using mapping = map(mount.at('file'), content.length, flags);
        const half = content.length / 2;
        assert.ok(mapping.bytes.subarray(0, half).equals(content.subarray(0, half)));
        await mount.kill('daemon');
        assert.ok(mapping.bytes.subarray(half).equals(content.subarray(half)));
      },
    );
  }
}

test(
  'a mapping keeps the file it was made from when another is renamed over it, over a takeover',
  { skip },
  async () => {
    await using mount = await mountSource({ options: ['--entry-timeout', '0', '--attr-timeout', '0'] });
    const content = pattern(100_000);
    writeFileSync(join(mount.source, 'file'), content);
    using mapping = map(mount.at('file'), content.length, MAP_SHARED);
    writeFileSync(join(mount.source, 'next'), Buffer.alloc(100_000, 7));
    renameSync(join(mount.source, 'next'), join(mount.source, 'file'));
    await mount.kill('daemon');
    assert.ok(mapping.bytes.equals(content));
    using second = map(mount.at('file'), content.length, MAP_SHARED);
    assert.ok(second.bytes.equals(Buffer.alloc(100_000, 7)));
  },
);

test('a shared mapping cannot be made writable', { skip }, async () => {
  await using mount = await mountSource();
  writeFileSync(join(mount.source, 'file'), 'x');
  const fd = openSync(mount.at('file'), 'r');
  assert.equal(mmap(null, 1, PROT_READ_WRITE, MAP_SHARED, fd, 0), FAILED);
  closeSync(fd);
});

function map(path: string, length: number, flags: number): Disposable & { bytes: Buffer } {
  const fd = openSync(path, 'r');
  const address = mmap(null, length, PROT_READ, flags, fd, 0);
  closeSync(fd);
  assert.notEqual(address, FAILED);
  return {
    bytes: Buffer.from(koffi.view(address, length)),
    [Symbol.dispose]: () => {
      munmap(address, length);
    },
  };
}
