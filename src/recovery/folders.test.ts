import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { ensurePrivateFolder, FolderError, listSessions, sessionId, stateFolder } from './folders.ts';

const parent = mkdtempSync(join(tmpdir(), 'evermount-folders-'));
after(() => rmSync(parent, { recursive: true }));
const uid = process.getuid?.() ?? 0;

function assertUnsafe(path: string, why: RegExp): void {
  assert.throws(
    () => ensurePrivateFolder(path, uid),
    (err) => err instanceof FolderError && why.test(err.message),
  );
}

suite('stateFolder()', () => {
  test('stateFolder() takes EVERMOUNT_STATE_DIR before anything else, unless it is empty', () => {
    assert.equal(stateFolder({ EVERMOUNT_STATE_DIR: '/x', XDG_RUNTIME_DIR: '/y' }, 7), '/x');
    assert.equal(stateFolder({ EVERMOUNT_STATE_DIR: '', XDG_RUNTIME_DIR: '/y' }, 7), '/y/evermount');
  });

  test('stateFolder() is a folder of the user', () => {
    assert.equal(stateFolder({ XDG_RUNTIME_DIR: '/run/user/0' }, 0), '/run/evermount');
    assert.equal(stateFolder({ XDG_RUNTIME_DIR: '/run/user/7' }, 7), '/run/user/7/evermount');
    assert.equal(stateFolder({}, 7), '/tmp/evermount-7');
  });
});

suite('ensurePrivateFolder()', () => {
  test('ensurePrivateFolder() makes a folder that only its user can enter, and is content with it afterwards', () => {
    const path = join(parent, 'a', 'b');
    ensurePrivateFolder(path, uid);
    ensurePrivateFolder(path, uid);
    assert.equal(statSync(path).mode & 0o777, 0o700);
  });

  test('ensurePrivateFolder() refuses a folder others may write to', () => {
    for (const mode of [0o770, 0o702, 0o1777]) {
      const path = join(parent, mode.toString(8));
      mkdirSync(path);
      chmodSync(path, mode);
      assertUnsafe(path, /others may write/);
    }
  });

  test('ensurePrivateFolder() refuses a symbolic link, even to a folder of the user', () => {
    mkdirSync(join(parent, 'own'), { mode: 0o700 });
    symlinkSync(join(parent, 'own'), join(parent, 'link'));
    assertUnsafe(join(parent, 'link'), /no folder/);
  });

  test('ensurePrivateFolder() fails where a file is in its place', () => {
    writeFileSync(join(parent, 'file'), '');
    assert.throws(() => ensurePrivateFolder(join(parent, 'file'), uid));
  });

  test(
    'ensurePrivateFolder() refuses a folder of another user',
    { skip: uid !== 0 && 'needs root: to give a folder away' },
    () => {
      const path = join(parent, 'given-away');
      mkdirSync(path, { mode: 0o700 });
      chownSync(path, 12_345, 12_345);
      assertUnsafe(path, /user 12345 owns it/);
    },
  );
});

suite('listSessions()', () => {
  test('listSessions() returns the session folders and nothing else that lies there', () => {
    const state = join(parent, 'state');
    const id = sessionId('/mnt');
    for (const name of [id, 'short', `${id}0`, 'ABCDEF0123456789']) mkdirSync(join(state, name), { recursive: true });
    writeFileSync(join(state, `${id}.lock`), '');
    writeFileSync(join(state, '0123456789abcdef'), 'a file');
    assert.deepEqual(
      listSessions(state).map(({ path }) => path),
      [join(state, id)],
    );
  });

  test('listSessions() finds none where there is no state folder', () => {
    assert.deepEqual(listSessions(join(parent, 'nowhere')), []);
  });
});

test('sessionId() differs for targets that differ, and is the same for the same', () => {
  assert.equal(sessionId('/mnt'), sessionId('/mnt'));
  assert.notEqual(sessionId('/mnt'), sessionId('/mnt/'));
  assert.match(sessionId(''), /^[0-9a-f]{16}$/);
});
