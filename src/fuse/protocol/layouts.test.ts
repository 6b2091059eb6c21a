// The sizes and offsets of <linux/fuse.h>, against the sizes the room exports.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layoutOf, LAYOUTS, WIDTHS } from '../../../test/fixtures/fuse-frames/layouts.ts';
import * as door from './index.ts';
import { DIRENT_BYTES } from './dirents.ts';
import { READ_IN_BYTES, WRITE_IN_BYTES } from './read-write.ts';
import { GETATTR_IN_BYTES, SETATTR_IN_BYTES } from './setattr.ts';
import { STATX_BYTES, STATX_IN_BYTES } from './statx.ts';

const SIZES: Record<string, number> = {
  fuse_in_header: door.IN_HEADER_BYTES,
  fuse_out_header: door.OUT_HEADER_BYTES,
  fuse_attr: door.ATTR_BYTES,
  fuse_entry_out: door.ENTRY_OUT_BYTES,
  fuse_attr_out: door.ATTR_OUT_BYTES,
  fuse_open_out: door.OPEN_OUT_BYTES,
  fuse_write_out: door.WRITE_OUT_BYTES,
  fuse_statfs_out: door.STATFS_OUT_BYTES,
  fuse_statx_out: door.STATX_OUT_BYTES,
  fuse_statx: STATX_BYTES,
  fuse_statx_in: STATX_IN_BYTES,
  fuse_getxattr_out: door.GETXATTR_OUT_BYTES,
  fuse_lk_out: door.LK_OUT_BYTES,
  fuse_bmap_out: door.BMAP_OUT_BYTES,
  fuse_ioctl_out: door.IOCTL_OUT_BYTES,
  fuse_poll_out: door.POLL_OUT_BYTES,
  fuse_lseek_out: door.LSEEK_OUT_BYTES,
  fuse_copy_file_range_out: door.COPY_FILE_RANGE_OUT_BYTES,
  fuse_dirent: DIRENT_BYTES,
  fuse_read_in: READ_IN_BYTES,
  fuse_write_in: WRITE_IN_BYTES,
  fuse_getattr_in: GETATTR_IN_BYTES,
  fuse_setattr_in: SETATTR_IN_BYTES,
};

for (const [struct, bytes] of Object.entries(SIZES)) {
  test(`${struct} is as long as the C header says`, () => assert.equal(bytes, layoutOf(struct).size));
}

test('the layout table is sound: fields are aligned, in order, apart and within their struct', () => {
  for (const [struct, { size, fields }] of LAYOUTS) {
    let end = 0;
    for (const { name, type, at } of fields) {
      const width = WIDTHS[type];
      assert.ok(width !== undefined, `${struct}.${name} has a known type`);
      assert.ok(at >= end && at % width === 0, `${struct}.${name} lies after the field before it`);
      end = at + width;
    }
    assert.ok(end <= size, `${struct} is long enough`);
  }
});
