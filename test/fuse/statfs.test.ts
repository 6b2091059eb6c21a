// STATFS: df and stat -f tell of the source's file system.
import assert from 'node:assert/strict';
import { statfsSync } from 'node:fs';
import { test } from 'node:test';
import { runProgram } from '../support/command-line.ts';
import { mountSource } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';

const skip = requireFuse();

test(
  'statfs gives the size and block size of the source’s file system, before and after a takeover',
  { skip },
  async () => {
    await using mount = await mountSource();
    for (const round of ['first daemon', 'second daemon']) {
      const seen = statfsSync(mount.target);
      const source = statfsSync(mount.source);
      const { blocks, bsize, files } = seen;
      assert.deepEqual(
        { blocks, bsize, files },
        { blocks: source.blocks, bsize: source.bsize, files: source.files },
        round,
      );
      // Others write to the disk meanwhile.
      assert.ok(Math.abs(seen.bfree - source.bfree) < source.blocks / 10, round);
      await mount.kill('daemon');
    }
  },
);

test('df names the source and the target', { skip }, async () => {
  await using mount = await mountSource();
  const { status, stdout } = await runProgram('df', ['--output=source,target', mount.target]);
  assert.equal(status, 0);
  assert.deepEqual(stdout.trim().split('\n')[1]?.split(/\s+/), [mount.source, mount.target]);
  const names = await runProgram('stat', ['--file-system', '--format=%l', mount.target]);
  assert.equal(names.stdout.trim(), '255');
});
