import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { MountSpec } from '../ufs/index.ts';
import { rememberMounts } from './mounts.ts';

const root = mkdtempSync(join(tmpdir(), 'evermount-mounts-'));
test.after(() => rmSync(root, { recursive: true }));
const freshDir = (): string => mkdtempSync(join(root, 'm'));

const MOUNT: MountSpec = {
  mountPoint: 's3://bucket/models',
  path: '/models',
  options: { 'fs.s3.endpoint': 'minio:9000' },
  secretFiles: { 'fs.s3.secretKey': '/etc/secrets/key' },
};

test('a master that is started without mounts knows those it was given before', () => {
  const dir = freshDir();
  assert.deepEqual(rememberMounts(dir, [MOUNT]), { mounts: [MOUNT], changed: false });
  assert.deepEqual(rememberMounts(dir, undefined), { mounts: [MOUNT], changed: false });
  assert.deepEqual(rememberMounts(dir, [MOUNT]), { mounts: [MOUNT], changed: false });
});

test('other mounts than before are a change, once', () => {
  const dir = freshDir();
  rememberMounts(dir, [MOUNT]);
  const other = [{ ...MOUNT, mountPoint: 's3://bucket/v2' }];
  assert.equal(rememberMounts(dir, other).changed, true);
  assert.equal(rememberMounts(dir, other).changed, false);
  assert.deepEqual(rememberMounts(dir, undefined).mounts, other);
});

test('what is kept names secret files and holds nothing else that a mount came with', () => {
  const dir = freshDir();
  rememberMounts(dir, [{ ...MOUNT, secret: 'hunter2' } as MountSpec]);
  const text = readFileSync(join(dir, 'mounts.json'), 'utf8');
  assert.ok(text.includes('/etc/secrets/key') && !text.includes('hunter2'));
});

test('without mounts, given or known, there is nothing to start', () => {
  assert.throws(() => rememberMounts(freshDir(), undefined), { code: 'no-mounts' });
});

test('a damaged file is refused with advice, never written over', () => {
  for (const text of ['', '{"version":1,"mounts":[{}]}', '{"version":2,"mounts":[]}']) {
    const dir = freshDir();
    writeFileSync(join(dir, 'mounts.json'), text);
    assert.throws(() => rememberMounts(dir, [MOUNT]), { code: 'damaged' });
    assert.equal(readFileSync(join(dir, 'mounts.json'), 'utf8'), text);
  }
});
