import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isName, isPath, joinPath, nameOf, splitPath } from './paths.ts';

const bytes = (text: string): Buffer => Buffer.from(text);

test('isName() takes what a file system can show', () => {
  for (const name of ['a', '...', '..a', ' ', '.a', 'n'.repeat(255), '\n']) assert.ok(isName(bytes(name)), name);
  for (const name of ['', '.', '..', 'a/b', '/', 'a\0', 'n'.repeat(256)]) assert.ok(!isName(bytes(name)), name);
});

test('splitPath() gives the components, none for the root', () => {
  assert.deepEqual(splitPath(bytes('')), []);
  assert.deepEqual(splitPath(bytes('a')), [bytes('a')]);
  assert.deepEqual(splitPath(bytes('a/bc/d')), [bytes('a'), bytes('bc'), bytes('d')]);
});

test('splitPath() knows what is no path', () => {
  for (const path of ['/', '/a', 'a/', 'a//b', '.', '..', 'a/..', '../a', 'a/./b', 'a\0b', 'a/b/']) {
    assert.equal(splitPath(bytes(path)), undefined, path);
    assert.ok(!isPath(bytes(path)), path);
  }
});

test('joinPath() and nameOf() go one level down and name it', () => {
  assert.deepEqual(joinPath(bytes(''), bytes('a')), bytes('a'));
  assert.deepEqual(joinPath(bytes('a/b'), bytes('c')), bytes('a/b/c'));
  assert.deepEqual(joinPath(bytes('a/b'), bytes('')), bytes('a/b'));
  assert.deepEqual(nameOf(bytes('a/b/c')), bytes('c'));
  assert.deepEqual(nameOf(bytes('a')), bytes('a'));
  assert.deepEqual(nameOf(bytes('')), bytes(''));
});
