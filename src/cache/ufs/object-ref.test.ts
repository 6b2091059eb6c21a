import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectRef, objectWords } from './object-ref.ts';

test('objectWords() are the words of the id of objectRef(), whose text others have written down', () => {
  for (let i = 0; i < 50; i++) {
    const [prefix, name] = [Buffer.from(`folder-${i}/`), Buffer.from([0xff, i, 0x80])];
    const { id } = objectRef(Buffer.concat([prefix, name]), `versión-${i}`, i * 2 ** 33);
    const words = objectWords(prefix, name, `versión-${i}`, i * 2 ** 33);
    assert.equal(words.map((word) => word.toString(16).padStart(8, '0')).join(''), id);
  }
  assert.equal(objectRef(Buffer.from('a/b'), 'v1', 7).id, '8c06dc62b1e6a8ccb264ebce');
});
