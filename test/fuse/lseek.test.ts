// LSEEK: where data and holes are.
import assert from 'node:assert/strict';
import { closeSync, openSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { errno, errnoName, file } from '../../src/libc/index.ts';
import { mountSource } from '../support/mounts.ts';
import { IS_ROOT, requireFuse } from '../support/require-fuse.ts';

const skip = requireFuse();
const SEEK = { SET: 0, CUR: 1, END: 2, DATA: 3, HOLE: 4 } as const;
const MIB = 1024 * 1024;

for (const passthrough of IS_ROOT ? ['on', 'off'] : ['off']) {
  test(
    `SEEK_DATA and SEEK_HOLE answer as for the source, before and after a takeover, passthrough ${passthrough}`,
    { skip },
    async () => {
      await using mount = await mountSource({ options: ['--passthrough', passthrough] });
      const path = join(mount.source, 'sparse');
      const made = openSync(path, 'w');
      for (const at of [0, 4, 5, 9]) writeSync(made, Buffer.alloc(MIB / 2, 1), 0, MIB / 2, at * MIB);
      closeSync(made);
      truncateSync(path, 20 * MIB);
      const source = openSync(path, 'r');
      const seen = openSync(mount.at('sparse'), 'r');
      for (const round of ['first daemon', 'second daemon']) {
        for (const whence of [SEEK.DATA, SEEK.HOLE, SEEK.SET, SEEK.END]) {
          for (const offset of [
            0,
            1,
            MIB / 2,
            MIB,
            4.2 * MIB,
            6 * MIB,
            9.6 * MIB,
            12 * MIB,
            20 * MIB - 1,
            20 * MIB,
            21 * MIB,
          ]) {
            const at = Math.floor(offset);
            assert.equal(seek(seen, at, whence), seek(source, at, whence), `${round}, whence ${whence} from ${at}`);
          }
        }
        if (round === 'first daemon') await mount.kill('daemon');
      }
      assert.equal(seek(seen, 20 * MIB, SEEK.DATA), 'ENXIO');
      closeSync(source);
      closeSync(seen);
    },
  );
}

function seek(fd: number, offset: number, whence: number): string {
  const at = Number(file.lseek(fd, offset, whence));
  return at < 0 ? errnoName(errno()) : String(at);
}
