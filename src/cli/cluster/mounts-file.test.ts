import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { readMountsFile } from './mounts-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'evermount-mounts-'));
after(() => rmSync(folder, { recursive: true }));

function read(content: unknown): ReturnType<typeof readMountsFile> {
  const path = join(folder, 'mounts.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return readMountsFile('--mounts', path);
}

test('what is left out is the whole dataset, without options', () => {
  assert.deepEqual(read([{ mountPoint: 's3://b/p' }]), [
    { mountPoint: 's3://b/p', path: '/', options: {}, secretFiles: {} },
  ]);
});

test('secret files are named from the folder of the mounts file on', () => {
  writeFileSync(join(folder, 'key'), 'k');
  const [mount] = read([{ mountPoint: 's3://b', secretFiles: { 'fs.s3.accessKeyId': 'key' } }]);
  assert.equal(mount?.secretFiles['fs.s3.accessKeyId'], join(folder, 'key'));
});

test('whatever is wrong is refused by its name', () => {
  const good = { mountPoint: 's3://b' };
  for (const [content, why] of [
    ['{', /it is not JSON/],
    [{}, /a list of mounts is expected/],
    [[], /it lists no mount/],
    [[1], /mount 0 is no object/],
    [[good, {}], /"mountPoint" of mount 1 must be a text/],
    [[{ ...good, path: 'x' }], /"path" of mount 0/],
    [[{ ...good, path: '/a/../b' }], /"path" of mount 0/],
    [[{ mountPoint: 'ftp://x' }], /"mountPoint" or "path" of mount 0: .*ftp/],
    [[{ ...good, option: {} }], /unknown field "option"/],
    [[{ ...good, options: { a: 1 } }], /"a" in "options" of mount 0 must be a text/],
    [[{ ...good, secretFiles: [] }], /"secretFiles" of mount 0 must be an object/],
    [[{ ...good, secretFiles: { k: 'nowhere' } }], /"k" in "secretFiles" of mount 0: ENOENT/],
    [[good, good], /two mounts have the path "\/"/],
  ] as const) {
    assert.throws(() => read(content), why, JSON.stringify(content));
  }
  assert.throws(() => readMountsFile('--mounts', join(folder, 'none')), /--mounts ".*none": ENOENT/);
});
