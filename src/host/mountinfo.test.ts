import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { connectionOf, mountAt, parseMountinfo, readMountinfo, type MountEntry } from './mountinfo.ts';

const LINE = '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue';

function only(line: string): MountEntry {
  const entries = parseMountinfo(line);
  assert.equal(entries.length, 1);
  return entries[0]!;
}

suite('parseMountinfo()', () => {
  test('parseMountinfo() reads every field of a line', () => {
    assert.deepEqual(parseMountinfo(`${LINE}\n`), [
      {
        id: 36,
        parentId: 35,
        device: '98:0',
        root: '/mnt1',
        target: '/mnt2',
        options: 'rw,noatime',
        propagation: ['master:1', 'shared:7'],
        type: 'ext3',
        source: '/dev/root',
        superOptions: 'rw,errors=continue',
      },
    ]);
  });

  test('parseMountinfo() reads a line without optional fields', () => {
    const entry = only('1 0 0:1 / / rw - rootfs rootfs rw');
    assert.deepEqual(entry.propagation, []);
    assert.equal(entry.type, 'rootfs');
  });

  test('parseMountinfo() undoes the escapes of blanks, tabs, newlines and backslashes', () => {
    const entry = only('1 0 0:1 / /a\\040b\\011c\\012d\\134040e rw - fuse.x so\\040urce rw');
    assert.equal(entry.target, '/a b\tc\nd\\040e');
    assert.equal(entry.source, 'so urce');
  });

  test('parseMountinfo() takes a " - " in a source and an empty source for what they are', () => {
    assert.equal(parseMountinfo('1 0 0:1 / /m rw - fuse.x a\\040-\\040b rw')[0]?.source, 'a - b');
    const entry = only('1 0 0:1 / /m rw - fuse.x  rw');
    assert.equal(entry.source, '');
    assert.equal(entry.superOptions, 'rw');
  });

  test('parseMountinfo() leaves out lines it cannot read, and keeps the others', () => {
    const odd = ['', ' ', '-', ' - ', '1 2 3', '1 0 0:1 / - ext4 x rw', 'no separator here at all / / rw'];
    assert.deepEqual(
      parseMountinfo([...odd, LINE, ...odd].join('\n')).map(({ id }) => id),
      [36],
    );
  });

  test('parseMountinfo() keeps names that are no UTF-8 apart', () => {
    const line = Buffer.concat([
      Buffer.from('1 0 0:1 / /m-'),
      Buffer.from([0xc3, 0xa4]),
      Buffer.from(' rw - fuse.x s rw'),
    ]);
    assert.equal(parseMountinfo(line.toString('utf8'))[0]?.target, '/m-ä');
  });
});

suite('mountAt()', () => {
  test('mountAt() returns the top mount of those stacked at one path', () => {
    const mounts = parseMountinfo(
      '1 0 0:1 / /m rw - ext4 a rw\n2 1 0:2 / /m rw - fuse.x b rw\n3 0 0:3 / /n rw - ext4 c rw',
    );
    assert.equal(mountAt('/m', mounts)?.source, 'b');
    assert.equal(mountAt('/m/', mounts), undefined);
  });
});

suite('connectionOf()', () => {
  test('connectionOf() is the minor device number of a FUSE mount, and undefined for any other', () => {
    const of = (type: string): number | undefined =>
      connectionOf(parseMountinfo(`1 0 0:57 / /m rw - ${type} s rw`)[0]!);
    assert.deepEqual(['fuse', 'fuse.evermount', 'fuseblk', 'fusectl', 'ext4'].map(of), [
      57,
      57,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

test('readMountinfo() finds the root of this machine', () => {
  assert.ok(mountAt('/', readMountinfo()) !== undefined);
});
