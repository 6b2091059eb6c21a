// FORGET: what the kernel no longer knows, the session does not keep.
import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HEADER } from '../../src/fuse/session/index.ts';
import { file } from '../../src/libc/index.ts';
import { mountSource } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const FILES = 3000;

test(
  'nodes are forgotten with the kernel’s caches, those of open files stay, and counts are right for a successor too',
  {
    skip: requireFuse({ root: 'only root may drop the kernel’s caches' }),
  },
  async () => {
    await using mount = await mountSource();
    for (let i = 0; i < FILES; i++) writeFileSync(join(mount.source, `file-${i}`), `${i}`);
    const vault = await mount.pid('vault');
    const fds = [1, 2, 3].map((i) => openSync(mount.at(`file-${i}`), 'r'));
    for (const round of ['first daemon', 'second daemon']) {
      for (let i = 0; i < FILES; i++) statSync(mount.at(`file-${i}`));
      assert.ok(liveNodes(vault) >= FILES, round);
      // Dropped a second time for what the first pass only marked.
      await until('the nodes to be forgotten', () => {
        writeFileSync('/proc/sys/vm/drop_caches', '2');
        return liveNodes(vault) < FILES / 10;
      });
      assert.ok(liveNodes(vault) >= fds.length, round);
      await mount.kill('daemon');
      await mount.untilServing();
    }
    for (const [i, fd] of fds.entries()) {
      assert.equal(readFileSync(fd, 'utf8'), String(i + 1));
      closeSync(fd);
    }
    for (let i = 0; i < FILES; i += 100) assert.equal(readFileSync(mount.at(`file-${i}`), 'utf8'), String(i));
  },
);

/** From the head of the session memory, which the vault holds. */
function liveNodes(vault: number): number {
  for (const name of readdirSync(`/proc/${vault}/fd`)) {
    const path = `/proc/${vault}/fd/${name}`;
    if (!readlinkSync(path).startsWith('/memfd:evermount:')) continue;
    const fd = openSync(path, 'r');
    const word = Buffer.alloc(4);
    file.pread(fd, word, 4, HEADER.nodesLive * 4);
    closeSync(fd);
    return word.readUInt32LE(0);
  }
  throw new Error(`Cannot find the session memory: vault ${vault} holds none`);
}
