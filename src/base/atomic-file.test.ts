import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { writeFileAtomic } from './atomic-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'evermount-atomic-file-'));
test.after(() => rmSync(folder, { recursive: true }));

function freshDir(): string {
  return mkdtempSync(join(folder, 'd'));
}

test('writeFileAtomic() creates a file with the mode asked for, whatever the umask', () => {
  const path = join(freshDir(), 'state');
  const umask = process.umask(0o077);
  try {
    writeFileAtomic(path, 'one', 0o644);
  } finally {
    process.umask(umask);
  }
  assert.equal(readFileSync(path, 'utf8'), 'one');
  assert.equal(statSync(path).mode & 0o777, 0o644);
});

test('writeFileAtomic() replaces content and mode, and leaves nothing else behind', () => {
  const dir = freshDir();
  const path = join(dir, 'state');
  writeFileSync(path, 'a longer old content', { mode: 0o644 });
  writeFileAtomic(path, new Uint8Array([1, 2]), 0o600);
  assert.deepEqual([...readFileSync(path)], [1, 2]);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(dir), ['state']);
});

test('writeFileAtomic() replaces a symbolic link and leaves its target alone', () => {
  const dir = freshDir();
  writeFileSync(join(dir, 'target'), 'mine');
  symlinkSync('target', join(dir, 'link'));
  writeFileAtomic(join(dir, 'link'), 'new', 0o600);
  assert.equal(readFileSync(join(dir, 'target'), 'utf8'), 'mine');
  assert.equal(readFileSync(join(dir, 'link'), 'utf8'), 'new');
});

test('writeFileAtomic() removes its temporary file when it cannot replace', () => {
  const dir = freshDir();
  mkdirSync(join(dir, 'state'));
  assert.throws(() => writeFileAtomic(join(dir, 'state'), 'x', 0o600), { code: 'EISDIR' });
  assert.deepEqual(readdirSync(dir), ['state']);
});

test('writeFileAtomic() throws ENOENT when the folder is missing', () => {
  assert.throws(() => writeFileAtomic(join(freshDir(), 'no/state'), 'x', 0o600), { code: 'ENOENT' });
});
