// GETATTR and STATX: attributes are the source's.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { attributes } from '../contract/posix.ts';
import { mountSource, type TestMount } from '../support/mounts.ts';
import { IS_ROOT, requireFuse } from '../support/require-fuse.ts';
import { until } from '../support/wait.ts';

const skip = requireFuse();
const BIG = { bigint: true } as const;

/** One of everything. */
function fill(source: string): string[] {
  mkdirSync(join(source, 'folder'));
  writeFileSync(join(source, 'file'), 'x'.repeat(10_000));
  writeFileSync(join(source, 'empty'), '');
  symlinkSync('file', join(source, 'link'));
  execFileSync('mkfifo', [join(source, 'pipe')]);
  const names = ['.', 'folder', 'file', 'empty', 'link', 'pipe'];
  for (const [name, mode] of Object.entries({ suid: 0o4755, sgid: 0o2711, sticky: 0o1777, odd: 0o641, none: 0o000 })) {
    writeFileSync(join(source, name), name);
    chmodSync(join(source, name), mode);
    names.push(name);
  }
  if (IS_ROOT) {
    chownSync(join(source, 'odd'), 12_345, 54_321);
    execFileSync('mknod', [join(source, 'null'), 'c', '1', '3']);
    names.push('null');
  }
  return names;
}

test('every attribute of every kind of file is the source’s', { skip }, async () => {
  await using mount = await mountSource();
  for (const name of fill(mount.source)) assert.deepEqual(seen(mount, name), ofSource(mount, name), name);
});

test('times are exact to the nanosecond, before 1970 and after 2106 too', { skip }, async () => {
  await using mount = await mountSource({ options: ['--attr-timeout', '0'] });
  const path = join(mount.source, 'file');
  writeFileSync(path, '');
  for (const time of [
    '2026-01-02T03:04:05.123456789Z',
    '1970-01-01T00:00:00Z',
    '1969-12-31T23:59:59.5Z',
    '1901-12-14Z',
    '2150-06-01T00:00:00.000000001Z',
  ]) {
    execFileSync('touch', ['-d', time, path]);
    const { mtimeNs, atimeNs } = statSync(mount.at('file'), BIG);
    const source = statSync(path, BIG);
    assert.deepEqual({ mtimeNs, atimeNs }, { mtimeNs: source.mtimeNs, atimeNs: source.atimeNs }, time);
  }
});

test('the time of birth is the source’s', { skip: requireFuse({ kernel: '6.6' }) }, async () => {
  await using mount = await mountSource();
  writeFileSync(join(mount.source, 'file'), '');
  utimesSync(join(mount.source, 'file'), 1, 1);
  const { birthtimeNs } = statSync(mount.at('file'), BIG);
  assert.equal(birthtimeNs, statSync(join(mount.source, 'file'), BIG).birthtimeNs);
  assert.ok(birthtimeNs > 1_000_000_000n);
});

test('a change of attributes is seen once their timeout is over', { skip }, async () => {
  await using mount = await mountSource({ options: ['--attr-timeout', '200ms', '--entry-timeout', '200ms'] });
  const path = join(mount.source, 'file');
  writeFileSync(path, 'short');
  const fd = openSync(mount.at('file'), 'r');
  assert.equal(fstatSync(fd).size, 5);
  chmodSync(path, 0o640);
  truncateSync(path, 3);
  await until('the new mode', () => (statSync(mount.at('file')).mode & 0o777) === 0o640);
  await until('the new size', () => statSync(mount.at('file')).size === 3 && fstatSync(fd).size === 3);
  closeSync(fd);
});

test('attributes by descriptor and by name stay the same over a takeover', { skip }, async () => {
  await using mount = await mountSource({ options: ['--attr-timeout', '0', '--entry-timeout', '0'] });
  const names = fill(mount.source);
  const readable = names
    .filter((name) => IS_ROOT || name !== 'none')
    .filter((name) => !['pipe', 'link', 'null'].includes(name));
  const open = readable.map((name) => ({ name, fd: openSync(mount.at(name), 'r') }));
  await mount.kill('daemon');
  for (const { name, fd } of open) {
    assert.deepEqual(attributes(fstatSync(fd, BIG)), ofSource(mount, name), name);
    closeSync(fd);
  }
  for (const name of names) assert.deepEqual(seen(mount, name), ofSource(mount, name), name);
});

function seen(mount: TestMount, name: string): unknown {
  return attributes(lstatSync(mount.at(name), BIG));
}

function ofSource(mount: TestMount, name: string): unknown {
  return attributes(lstatSync(join(mount.source, name), BIG));
}
