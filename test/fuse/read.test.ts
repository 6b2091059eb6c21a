// OPEN, READ and RELEASE: bytes, at every size and position, over takeovers.
import assert from 'node:assert/strict';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressOf } from '../../src/libc/index.ts';
import { pattern } from '../contract/posix.ts';
import { mountSource } from '../support/mounts.ts';
import { expectFiles, startReader } from '../support/readers.ts';
import { IS_ROOT, requireFuse } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const skip = requireFuse();
const WAYS = IS_ROOT ? ['on', 'off'] : ['off'];
const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

for (const passthrough of WAYS) {
  test(
    `reads of any length at any position give the source’s bytes, passthrough ${passthrough}`,
    { skip },
    async () => {
      await using mount = await mountSource({ options: ['--passthrough', passthrough] });
      const content = pattern(5 * MIB + 123);
      writeFileSync(join(mount.source, 'file'), content);
      const fd = openSync(mount.at('file'), 'r');
      const lengths = [1, 4 * KIB - 1, 4 * KIB, 4 * KIB + 1, 128 * KIB, 128 * KIB + 1, MIB - 1, MIB, MIB + 1, 3 * MIB];
      const positions = [
        0,
        1,
        4 * KIB - 1,
        128 * KIB - 1,
        128 * KIB,
        MIB - 1,
        MIB,
        2 * MIB + 17,
        5 * MIB,
        5 * MIB + 122,
        5 * MIB + 123,
      ];
      for (const round of ['first daemon', 'second daemon']) {
        for (const length of lengths) {
          for (const position of positions) {
            const into = Buffer.alloc(length);
            const count = readSync(fd, into, 0, length, position);
            assert.ok(
              into.subarray(0, count).equals(content.subarray(position, position + length)),
              `${round}: ${length} from ${position}`,
            );
          }
        }
        if (round === 'first daemon') await mount.kill('daemon');
      }
      closeSync(fd);
    },
  );

  test(`files larger than 4 GiB are read beyond it, holes as zeros, passthrough ${passthrough}`, { skip }, async () => {
    await using mount = await mountSource({ options: ['--passthrough', passthrough] });
    const path = join(mount.source, 'huge');
    const made = openSync(path, 'w');
    const marks = [0, 2 * GIB - 3, 4 * GIB - 3, 4 * GIB + 1000, 6 * GIB];
    for (const at of marks) writeSync(made, `mark ${at}`, at);
    closeSync(made);
    truncateSync(path, 7 * GIB + 1);
    assert.equal(statSync(mount.at('huge')).size, 7 * GIB + 1);
    const fd = openSync(mount.at('huge'), 'r');
    for (const round of ['first daemon', 'second daemon']) {
      for (const at of marks) {
        const into = Buffer.alloc(100, 0xee);
        assert.equal(readSync(fd, into, 0, 100, at), 100);
        const text = Buffer.from(`mark ${at}`);
        assert.ok(into.equals(Buffer.concat([text, Buffer.alloc(100 - text.length)])), `${round}: at ${at}`);
      }
      assert.equal(readSync(fd, Buffer.alloc(100), 0, 100, 7 * GIB), 1);
      if (round === 'first daemon') await mount.kill('daemon');
    }
    closeSync(fd);
  });

  test(`O_DIRECT reads give the same bytes, passthrough ${passthrough}`, { skip }, async () => {
    await using mount = await mountSource({ options: ['--passthrough', passthrough] });
    const content = pattern(MIB + 4 * KIB + 10);
    writeFileSync(join(mount.source, 'file'), content);
    const fd = openSync(mount.at('file'), constants.O_RDONLY | constants.O_DIRECT);
    const into = aligned(256 * KIB);
    for (const round of ['first daemon', 'second daemon']) {
      for (let position = 0; position < content.length; position += into.length) {
        const count = readSync(fd, into, 0, into.length, position);
        assert.ok(
          into.subarray(0, count).equals(content.subarray(position, position + into.length)),
          `${round}: from ${position}`,
        );
      }
      if (round === 'first daemon') await mount.kill('daemon');
    }
    closeSync(fd);
  });
}

test(
  '2,000 files open at once read right after the daemon was killed, although their names are gone',
  { skip },
  async () => {
    await using mount = await mountSource({ options: ['--entry-timeout', '0'] });
    const names = Array.from({ length: 2000 }, (_, i) => `file-${i}`);
    for (const name of names) writeFileSync(join(mount.source, name), `content of ${name}`);
    const fds = names.map((name) => openSync(mount.at(name), 'r'));
    // Nothing was read so far, so nothing is in the page cache; and only who held the files can still read them.
    for (const name of names) rmSync(join(mount.source, name));
    await mount.kill('daemon');
    for (const [i, fd] of fds.entries()) assert.equal(readFileSync(fd, 'utf8'), `content of ${names[i]!}`);
    await mount.kill('daemon');
    for (const [i, fd] of fds.entries()) assert.equal(fstatSync(fd).size, `content of ${names[i]!}`.length);
    for (const fd of fds) closeSync(fd);
    assert.equal((await mount.umount()).status, 0);
  },
);

test('files of a killed daemon’s open descriptors survive the vault as well', { skip }, async () => {
  await using mount = await mountSource();
  const names = Array.from({ length: 300 }, (_, i) => `file-${i}`);
  for (const name of names) writeFileSync(join(mount.source, name), `content of ${name}`);
  const fds = names.map((name) => openSync(mount.at(name), 'r'));
  for (const name of names) rmSync(join(mount.source, name));
  const vault = await mount.kill('vault');
  await until('another vault', async () => {
    const { pids } = await mount.status();
    return pids.vault !== undefined && pids.vault !== vault;
  });
  for (const [i, fd] of fds.entries()) assert.equal(readFileSync(fd, 'utf8'), `content of ${names[i]!}`);
  for (const fd of fds) closeSync(fd);
});

test('a hundred reads at once of one descriptor are each answered', { skip }, async () => {
  await using mount = await mountSource({ options: ['--passthrough', 'off'] });
  const content = pattern(4 * MIB);
  writeFileSync(join(mount.source, 'file'), content);
  const file = await open(mount.at('file'), constants.O_RDONLY | constants.O_DIRECT);
  const reads = Array.from({ length: 100 }, async (_, i) => {
    const into = aligned(32 * KIB);
    const position = ((i * 37) % 128) * 32 * KIB;
    await file.read(into, 0, into.length, position);
    assert.ok(into.equals(content.subarray(position, position + into.length)), `read ${i}`);
  });
  await Promise.all([...reads, mount.kill('daemon')]);
  await file.close();
});

test(
  'readers by path, descriptor, listing and stat notice nothing of kills of daemon, supervisor and vault',
  { skip },
  async () => {
    await using mount = await mountSource();
    mkdirSync(join(mount.source, 'folder'));
    for (const bytes of [0, 1, 5000, 200_000])
      writeFileSync(join(mount.source, 'folder', `of-${bytes}`), pattern(bytes));
    await using cached = await startReader({ folder: mount.target, files: expectFiles(mount.source) });
    await using direct = await startReader({ folder: mount.target, files: expectFiles(mount.source), direct: true });
    for (const part of ['daemon', 'supervisor', 'daemon', 'vault', 'daemon'] as const) {
      await mount.kill(part);
      for (const reader of [cached, direct]) {
        const { reads } = await reader.counts();
        await until('reads to go on', async () => (await reader.counts()).reads > reads + 20);
      }
    }
    for (const reader of [cached, direct]) {
      const { errors, wrong, remarks } = await reader.stop();
      assert.deepEqual({ errors, wrong, remarks }, { errors: 0, wrong: 0, remarks: [] });
    }
  },
);

/** Memory where a page begins: a read past the page cache may ask for it. */
function aligned(bytes: number): Buffer {
  const room = Buffer.alloc(bytes + 4 * KIB);
  const past = Number(addressOf(room) % BigInt(4 * KIB));
  return room.subarray((4 * KIB - past) % (4 * KIB)).subarray(0, bytes);
}
