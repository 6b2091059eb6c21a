// The source "dummy:": one tiny file, for trying a mount out.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { mountSource } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';

const skip = requireFuse();

test(
  'dummy: shows one file of 13 bytes, readable by all and dated 1970, also after its daemon was killed',
  { skip },
  async () => {
    await using mount = await mountSource({ source: 'dummy:' });
    for (const round of ['first daemon', 'second daemon']) {
      assert.deepEqual(readdirSync(mount.target), ['dummy-file.txt'], round);
      const { size, mode, mtimeMs, ino } = statSync(mount.at('dummy-file.txt'));
      assert.deepEqual({ size, mode, mtimeMs, ino }, { size: 13, mode: 0o100444, mtimeMs: 0, ino: 2 }, round);
      assert.equal(readFileSync(mount.at('dummy-file.txt'), 'utf8'), 'Hello, world!', round);
      await mount.kill('daemon');
    }
  },
);
