// READLINK and the policy for links: readers are never led out of the source by --links inside, and the daemon never follows one.
import assert from 'node:assert/strict';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fails } from '../contract/posix.ts';
import { makeScratch, mountSource, type Scratch } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';

const skip = requireFuse();
const UNCACHED = ['--entry-timeout', '0', '--attr-timeout', '0'];

/** A source beside a folder with a secret. */
function makeSource(scratch: Scratch): string {
  const source = scratch.at('source');
  mkdirSync(join(source, 'folder', 'inner'), { recursive: true });
  writeFileSync(join(source, 'file'), 'inside');
  mkdirSync(scratch.at('outside', 'folder'), { recursive: true });
  writeFileSync(scratch.at('outside', 'secret'), 'secret');
  writeFileSync(scratch.at('outside', 'folder', 'file'), 'secret');
  return source;
}

test('inside: links that stay in the source are followed, absolute ones into it made relative', { skip }, async () => {
  using scratch = makeScratch();
  const source = makeSource(scratch);
  symlinkSync('../../file', join(source, 'folder', 'inner', 'up'));
  symlinkSync(join(source, 'file'), join(source, 'folder', 'inner', 'absolute'));
  symlinkSync(source, join(source, 'folder', 'root'));
  symlinkSync('missing', join(source, 'dangling'));
  await using mount = await mountSource({ source });
  for (const round of ['first daemon', 'second daemon']) {
    assert.equal(readFileSync(mount.at('folder/inner/up'), 'utf8'), 'inside', round);
    assert.equal(readlinkSync(mount.at('folder/inner/up')), '../../file', round);
    assert.equal(readlinkSync(mount.at('folder/inner/absolute')), '../../file', round);
    assert.equal(readFileSync(mount.at('folder/inner/absolute'), 'utf8'), 'inside', round);
    assert.equal(readFileSync(mount.at('folder/root/file'), 'utf8'), 'inside', round);
    assert.equal(readlinkSync(mount.at('dangling')), 'missing', round);
    fails('ENOENT', () => statSync(mount.at('dangling')));
    await mount.kill('daemon');
  }
});

const LEAVING: Readonly<Record<string, (source: string) => string>> = {
  'an absolute one': (source) => link(source, 'leaving', join(source, '..', 'outside', 'secret')),
  'one to the root of all': (source) => link(source, 'leaving', '/'),
  'one by too many dot-dots': (source) => link(source, 'leaving', '../outside/secret'),
  'one that leaves and comes back': (source) => link(source, 'leaving', '../source/file'),
  'one whose dot-dot goes through another link': (source) => {
    link(source, 'folder/inner/short', '../..'); // the source itself
    return link(source, 'leaving', 'folder/inner/short/../outside/secret');
  },
  'one through a link that leaves': (source) => {
    link(source, 'door', '../outside');
    return link(source, 'leaving', 'door/secret');
  },
  'one into a folder whose name only begins like the source’s': (source) => {
    mkdirSync(`${source}-other`);
    writeFileSync(`${source}-other/secret`, 'secret');
    return link(source, 'leaving', `${source}-other/secret`);
  },
};

test('inside: links that leave the source cannot be followed: EACCES', { skip }, async (t) => {
  for (const [name, make] of Object.entries(LEAVING)) {
    await t.test(name, async () => {
      using scratch = makeScratch();
      const source = makeSource(scratch);
      const leaving = make(source);
      await using mount = await mountSource({ source });
      fails('EACCES', () => readlinkSync(mount.at(leaving)));
      fails('EACCES', () => readFileSync(mount.at(leaving)));
      assert.ok(readdirSync(mount.target).includes(leaving));
    });
  }
});

test('raw: a link says what it says, and its reader follows it as its own', { skip }, async () => {
  using scratch = makeScratch();
  const source = makeSource(scratch);
  const texts = {
    relative: 'file',
    absolute: scratch.at('outside', 'secret'),
    up: '../outside/secret',
    dangling: '/nowhere',
  };
  for (const [name, text] of Object.entries(texts)) symlinkSync(text, join(source, name));
  await using mount = await mountSource({ source, options: ['--links', 'raw'] });
  for (const [name, text] of Object.entries(texts)) assert.equal(readlinkSync(mount.at(name)), text);
  assert.equal(readFileSync(mount.at('relative'), 'utf8'), 'inside');
  assert.equal(readFileSync(mount.at('absolute'), 'utf8'), 'secret');
  fails('ENOENT', () => readFileSync(mount.at('up'))); // beside the mount there is no such folder
});

test('a link of 4,095 bytes is read whole', { skip }, async () => {
  await using mount = await mountSource({ options: ['--links', 'raw'] });
  const text = 'x/'.repeat(2047) + 'y';
  symlinkSync(text, join(mount.source, 'long'));
  assert.equal(readlinkSync(mount.at('long')), text);
});

test('a folder of the source swapped for a link to the outside gives no foreign byte', { skip }, async () => {
  using scratch = makeScratch();
  const source = makeSource(scratch);
  writeFileSync(join(source, 'folder', 'file'), 'inside');
  await using mount = await mountSource({ source, options: UNCACHED });
  const path = mount.at('folder', 'file');
  const seen = new Set<string>();
  for (let i = 0; i < 200; i++) {
    if (i === 100) await mount.kill('daemon');
    seen.add(readOrError(path));
    renameSync(join(source, 'folder'), join(source, 'aside'));
    symlinkSync(i % 2 === 0 ? '../outside/folder' : scratch.at('outside', 'folder'), join(source, 'folder'));
    seen.add(readOrError(path));
    rmSync(join(source, 'folder'));
    renameSync(join(source, 'aside'), join(source, 'folder'));
  }
  assert.ok(seen.has('inside') && seen.has('EACCES'));
  assert.ok(!seen.has('secret'), [...seen].join());
});

test('a process standing in a folder that was swapped for a link is not led out either', { skip }, async () => {
  using scratch = makeScratch();
  const source = makeSource(scratch);
  writeFileSync(join(source, 'folder', 'file'), 'inside');
  await using mount = await mountSource({ source, options: UNCACHED });
  const fd = openSync(mount.at('folder'), 'r');
  renameSync(join(source, 'folder'), join(source, 'aside'));
  symlinkSync('../outside/folder', join(source, 'folder'));
  await mount.kill('daemon');
  assert.notEqual(readOrError(`/proc/self/fd/${fd}/file`), 'secret');
  closeSync(fd);
});

function readOrError(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (err) {
    return String((err as NodeJS.ErrnoException).code);
  }
}

function link(source: string, name: string, text: string): string {
  symlinkSync(text, join(source, name));
  return name;
}
