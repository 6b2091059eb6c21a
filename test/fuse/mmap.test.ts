// Mapped files: pages come when touched, also from a daemon that was not there when the file was mapped.
import assert from 'node:assert/strict';
import { closeSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pattern } from '../contract/posix.ts';
import { MAP_FAILED, MAP_PRIVATE, MAP_SHARED, mapFile, mmap, PROT_READ_WRITE } from '../support/mapping.ts';
import { mountSource } from '../support/mounts.ts';
import { IS_ROOT, requireFuse } from '../support/require-fuse.ts';

const skip = requireFuse();

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
        using mapping = mapFile(mount.at('file'), content.length, flags);
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
    using mapping = mapFile(mount.at('file'), content.length, MAP_SHARED);
    writeFileSync(join(mount.source, 'next'), Buffer.alloc(100_000, 7));
    renameSync(join(mount.source, 'next'), join(mount.source, 'file'));
    await mount.kill('daemon');
    assert.ok(mapping.bytes.equals(content));
    using second = mapFile(mount.at('file'), content.length, MAP_SHARED);
    assert.ok(second.bytes.equals(Buffer.alloc(100_000, 7)));
  },
);

test('a shared mapping cannot be made writable', { skip }, async () => {
  await using mount = await mountSource();
  writeFileSync(join(mount.source, 'file'), 'x');
  const fd = openSync(mount.at('file'), 'r');
  assert.equal(mmap(null, 1, PROT_READ_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
  closeSync(fd);
});
