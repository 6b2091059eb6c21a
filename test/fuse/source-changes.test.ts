// A source that changes under its mount: replaced, rewritten, removed, mounted over.
import assert from 'node:assert/strict';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeScratch, mountSource } from '../support/mounts.ts';
import { IS_ROOT, requireFuse } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const skip = requireFuse();
const UNCACHED = ['--entry-timeout', '0', '--attr-timeout', '0'];

for (const passthrough of IS_ROOT ? ['on', 'off'] : ['off']) {
  for (const bytes of [1000, 300_000]) {
    test(
      `a file of ${bytes} bytes renamed over keeps its old bytes for old descriptors and shows new ones to new, over kills, passthrough ${passthrough}`,
      { skip },
      async () => {
        await using mount = await mountSource({ options: [...UNCACHED, '--passthrough', passthrough] });
        const path = join(mount.source, 'file');
        const content = (version: number): Buffer => Buffer.alloc(bytes, `version ${version} `);
        const replace = (version: number): void => {
          writeFileSync(join(mount.source, 'next'), content(version));
          renameSync(join(mount.source, 'next'), path);
        };
        const open: number[] = [];
        for (let version = 0; version < 4; version++) {
          replace(version);
          open.push(openSync(mount.at('file'), 'r'));
          if (version % 2 === 1) await mount.kill('daemon');
          for (const [i, fd] of open.entries()) {
            const into = Buffer.alloc(bytes + 1);
            assert.equal(readSync(fd, into, 0, into.length, 0), bytes);
            assert.ok(into.subarray(0, bytes).equals(content(i)), `descriptor ${i} at version ${version}`);
          }
        }
        for (const fd of open) closeSync(fd);
      },
    );
  }
}

test('a removed file can be read to its end by who has it open, and is gone for all others', { skip }, async () => {
  await using mount = await mountSource({ options: UNCACHED });
  writeFileSync(join(mount.source, 'file'), 'still here');
  const fd = openSync(mount.at('file'), 'r');
  rmSync(join(mount.source, 'file'));
  for (const round of ['first daemon', 'second daemon']) {
    const into = Buffer.alloc(20);
    assert.equal(into.toString('utf8', 0, readSync(fd, into, 0, 20, 0)), 'still here', round);
    assert.equal(fstatSync(fd).nlink, 0, round);
    assert.throws(() => statSync(mount.at('file')), { code: 'ENOENT' });
    await mount.kill('daemon');
  }
  closeSync(fd);
});

test('a file rewritten in place shows its new content at the next open', { skip }, async () => {
  await using mount = await mountSource({ options: ['--attr-timeout', '0', '--entry-timeout', '0'] });
  for (let version = 0; version < 10; version++) {
    writeFileSync(join(mount.source, 'file'), `version ${version}, ${'x'.repeat(version * 1000)}`);
    assert.ok(readFileSync(mount.at('file'), 'utf8').startsWith(`version ${version},`));
  }
});

test('when the whole source is removed, open files go on, names are gone, and nothing hangs', { skip }, async () => {
  using scratch = makeScratch();
  const source = scratch.at('source');
  mkdirSync(join(source, 'folder'), { recursive: true });
  writeFileSync(join(source, 'folder', 'file'), 'held open');
  await using mount = await mountSource({ source, options: UNCACHED });
  const fd = openSync(mount.at('folder', 'file'), 'r');
  rmSync(source, { recursive: true });
  for (const round of ['first daemon', 'second daemon']) {
    const into = Buffer.alloc(20);
    assert.equal(into.toString('utf8', 0, readSync(fd, into, 0, 20, 0)), 'held open', round);
    assert.throws(() => statSync(mount.at('folder')), goneError, round);
    assert.throws(() => readFileSync(mount.at('folder', 'file')), goneError, round);
    assert.throws(() => statSync(mount.at('new')), goneError, round);
    await mount.kill('daemon');
    await mount.untilServing();
  }
  mkdirSync(source); // another folder by the same name is not the source
  writeFileSync(join(source, 'stranger'), '');
  assert.throws(() => statSync(mount.at('stranger')), goneError);
  closeSync(fd);
  assert.equal((await mount.umount()).status, 0);
});

test('a folder mounted over itself shows what it holds', { skip }, async () => {
  using scratch = makeScratch();
  const folder = scratch.at('both');
  mkdirSync(join(folder, 'inner'), { recursive: true });
  writeFileSync(join(folder, 'inner', 'file'), 'underneath');
  await using mount = await mountSource({ source: folder, target: folder });
  for (const round of ['first daemon', 'second daemon']) {
    assert.deepEqual(readdirSync(mount.target), ['inner'], round);
    assert.equal(readFileSync(mount.at('inner', 'file'), 'utf8'), 'underneath', round);
    assert.throws(() => writeFileSync(mount.at('new'), ''), { code: 'EROFS' });
    await mount.kill('daemon');
  }
  assert.equal((await mount.umount()).status, 0);
  await until('the folder itself', () => readFileSync(join(folder, 'inner', 'file'), 'utf8') === 'underneath');
  writeFileSync(join(folder, 'new'), '');
});

function goneError(err: NodeJS.ErrnoException): boolean {
  // Node has no name for ESTALE.
  return err.code === 'ENOENT' || err.code === 'ESTALE' || err.errno === -116;
}
