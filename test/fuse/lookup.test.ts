// LOOKUP: names, as applications give them.
import assert from 'node:assert/strict';
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fails } from '../contract/posix.ts';
import { mountSource } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const skip = requireFuse();
const UNCACHED = ['--entry-timeout', '0', '--attr-timeout', '0'];

test('names of 1 to 255 bytes are found, of 256 refused, in folders at any depth', { skip }, async () => {
  await using mount = await mountSource();
  const long = 'ü'.repeat(127) + 'x'; // 255 bytes
  let folder = '';
  for (let depth = 0; depth < 5; depth++) {
    folder = join(folder, long.slice(0, 100));
    mkdirSync(join(mount.source, folder));
    for (const name of ['x', long]) writeFileSync(join(mount.source, folder, name), `${depth} ${name.length}`);
  }
  folder = '';
  for (let depth = 0; depth < 5; depth++) {
    folder = join(folder, long.slice(0, 100));
    for (const name of ['x', long])
      assert.equal(readFileSync(mount.at(folder, name), 'utf8'), `${depth} ${name.length}`);
    fails('ENAMETOOLONG', () => statSync(mount.at(folder, `${long}x`)));
  }
});

test('every byte but slash and NUL can stand in a name, in any sequence', { skip }, async () => {
  await using mount = await mountSource();
  const below = (root: string, name: Buffer): Buffer => Buffer.concat([Buffer.from(`${root}/`), name]);
  const names = Array.from({ length: 255 }, (_, i) => i + 1)
    .filter((byte) => byte !== 0x2f)
    .flatMap((byte) => [Buffer.from([0x61, byte]), Buffer.from([byte, 0xff, byte])]);
  for (const [i, name] of names.entries()) writeFileSync(below(mount.source, name), String(i));
  const sorted = (list: Buffer[]): string[] => list.map((name) => name.toString('hex')).sort();
  assert.deepEqual(sorted(readdirSync(mount.target, { encoding: 'buffer' })), sorted(names));
  for (const [i, name] of names.entries()) assert.equal(readFileSync(below(mount.target, name), 'utf8'), String(i));
});

test('a name that is not there is ENOENT until it is made, then found at once', { skip }, async () => {
  await using mount = await mountSource();
  for (let i = 0; i < 20; i++) {
    fails('ENOENT', () => statSync(mount.at(`late-${i}`)));
    writeFileSync(join(mount.source, `late-${i}`), 'there');
    assert.equal(readFileSync(mount.at(`late-${i}`), 'utf8'), 'there');
  }
});

test('with --negative-timeout a missing name may be remembered that long, and no longer', { skip }, async () => {
  await using mount = await mountSource({ options: ['--negative-timeout', '1s'] });
  fails('ENOENT', () => statSync(mount.at('late')));
  writeFileSync(join(mount.source, 'late'), 'there');
  assert.equal(await until('the name', () => contentOf(mount.at('late'))), 'there');
});

test(
  'a removed name is gone and a renamed one is found by its new name only, with the same inode number',
  { skip },
  async () => {
    await using mount = await mountSource({ options: UNCACHED });
    writeFileSync(join(mount.source, 'one'), 'one');
    writeFileSync(join(mount.source, 'two'), 'two');
    const { ino } = statSync(mount.at('two'));
    assert.equal(contentOf(mount.at('one')), 'one');
    rmSync(join(mount.source, 'one'));
    renameSync(join(mount.source, 'two'), join(mount.source, 'three'));
    fails('ENOENT', () => statSync(mount.at('one')));
    fails('ENOENT', () => statSync(mount.at('two')));
    assert.equal(statSync(mount.at('three')).ino, ino);
    assert.equal(contentOf(mount.at('three')), 'two');
  },
);

test('a moved folder takes everything below it along', { skip }, async () => {
  await using mount = await mountSource({ options: UNCACHED });
  mkdirSync(join(mount.source, 'old', 'inner'), { recursive: true });
  mkdirSync(join(mount.source, 'elsewhere'));
  writeFileSync(join(mount.source, 'old', 'inner', 'file'), 'moved');
  assert.equal(contentOf(mount.at('old', 'inner', 'file')), 'moved');
  renameSync(join(mount.source, 'old'), join(mount.source, 'elsewhere', 'new'));
  assert.equal(contentOf(mount.at('elsewhere', 'new', 'inner', 'file')), 'moved');
  fails('ENOENT', () => statSync(mount.at('old')));
  await mount.kill('daemon');
  assert.equal(contentOf(mount.at('elsewhere', 'new', 'inner', 'file')), 'moved');
});

test('names of one file are one inode, whichever was asked for first, also for a successor', { skip }, async () => {
  await using mount = await mountSource({ options: UNCACHED });
  mkdirSync(join(mount.source, 'folder'));
  writeFileSync(join(mount.source, 'first'), 'shared');
  linkSync(join(mount.source, 'first'), join(mount.source, 'folder', 'second'));
  const inodes = (): bigint[] =>
    ['first', 'folder/second'].map((name) => statSync(mount.at(name), { bigint: true }).ino);
  const [ino] = inodes();
  assert.deepEqual(inodes(), [ino, ino]);
  assert.equal(statSync(mount.at('first')).nlink, 2);
  await mount.kill('daemon');
  assert.deepEqual(inodes(), [ino, ino]);
  rmSync(join(mount.source, 'first'));
  assert.equal(readFileSync(mount.at('folder', 'second'), 'utf8'), 'shared');
  assert.equal(statSync(mount.at('folder', 'second')).nlink, 1);
});

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw err;
  }
}
