import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { createLogger } from '../../base/index.ts';
import { RpcError } from './errors.ts';
import { TokenFile } from './token.ts';

const scratch = mkdtempSync(join(tmpdir(), 'evermount-token-'));
after(() => rmSync(scratch, { recursive: true }));
const log = createLogger({ write: () => {} });
const FIRST = 'first-token-of-all';
const SECOND = 'second-token-of-all';
const THIRD = 'third-token-of-all';

let files = 0;
function fileWith(text: string): string {
  files += 1;
  const path = join(scratch, String(files));
  writeFileSync(path, text);
  return path;
}

function replace(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

suite('TokenFile', () => {
  test('accepts the token as a bearer and nothing else', () => {
    const token = new TokenFile(fileWith(`${FIRST}\n`), { log });
    assert.equal(token.accepts(`Bearer ${FIRST}`), true);
    for (const header of [undefined, '', FIRST, `bearer ${FIRST}`, `Bearer ${FIRST} `, `Bearer ${FIRST}x`, 'Bearer ']) {
      assert.equal(token.accepts(header), false, header);
    }
  });

  test('refuses a file that is missing, empty, short or no single word', () => {
    for (const text of ['', '\n', 'short', `${FIRST} ${SECOND}`, `${FIRST}\n${SECOND}\n`, `${FIRST}\0`]) {
      assert.throws(() => new TokenFile(fileWith(text), { log }), RpcError, JSON.stringify(text));
    }
    assert.throws(() => new TokenFile(join(scratch, 'none'), { log }), /cannot be read/);
  });

  test('after a change both tokens count for a minute, then only the new one', () => {
    let now = 0;
    const path = fileWith(FIRST);
    const token = new TokenFile(path, { log, nowMs: () => now });
    replace(path, SECOND);
    assert.equal(token.accepts(`Bearer ${SECOND}`), false, 'not looked at yet');
    now = 150;
    assert.equal(token.accepts(`Bearer ${SECOND}`), true, 'a token that is not right makes it look');
    assert.equal(token.accepts(`Bearer ${FIRST}`), true);
    assert.deepEqual(token.toShow(), [SECOND, FIRST]);
    now = 60_100;
    assert.equal(token.accepts(`Bearer ${FIRST}`), true);
    now = 60_200;
    assert.equal(token.accepts(`Bearer ${FIRST}`), false);
    assert.deepEqual(token.toShow(), [SECOND]);
  });

  test('a second change ends the first token at once', () => {
    let now = 0;
    const path = fileWith(FIRST);
    const token = new TokenFile(path, { log, nowMs: () => now });
    for (const [at, text] of [
      [2000, SECOND],
      [4000, THIRD],
    ] as const) {
      now = at;
      replace(path, text);
      assert.equal(token.accepts(`Bearer ${text}`), true);
    }
    assert.equal(token.accepts(`Bearer ${FIRST}`), false);
  });

  test('a file that is gone or half written changes nothing until it is whole', () => {
    let now = 0;
    const path = fileWith(FIRST);
    const token = new TokenFile(path, { log, nowMs: () => now });
    writeFileSync(path, '');
    now = 2000;
    assert.equal(token.accepts(`Bearer ${FIRST}`), true);
    assert.equal(token.accepts('Bearer '), false);
    rmSync(path);
    now = 4000;
    assert.equal(token.accepts(`Bearer ${FIRST}`), true);
    writeFileSync(path, SECOND);
    now = 6000;
    assert.equal(token.accepts(`Bearer ${SECOND}`), true);
  });
});
