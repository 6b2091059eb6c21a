import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { CredentialFiles } from './credentials.ts';

const folder = mkdtempSync(join(tmpdir(), 'evermount-credentials-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function write(value: string, path = join(folder, `file-${(files += 1)}`)): string {
  writeFileSync(`${path}.new`, value);
  renameSync(`${path}.new`, path); // another inode, as Kubernetes replaces it
  return path;
}

function open(id: string, secret: string, token?: string): { files: CredentialFiles; pass: (ms: number) => void } {
  let nowMs = 0;
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  const values = { kind: 'values', accessKeyId: id, accessKeySecret: secret, token } as const;
  return { files: new CredentialFiles(values, 1_000, () => nowMs), pass };
}

suite('CredentialFiles', () => {
  test('one value per file, without its newline', () => {
    const { files } = open(write('id\n'), write('secret\r\n'), write('token'));
    assert.deepEqual(files.current(), { accessKeyId: 'id', accessKeySecret: 'secret', token: 'token' });
  });

  test('a changed file is read within the second, and the same object stays while it does not', () => {
    const secret = write('one');
    const { files, pass } = open(write('id'), secret);
    const first = files.current();
    write('two', secret);
    assert.equal(files.current(), first);
    pass(1_000);
    assert.equal(files.current()?.accessKeySecret, 'two');
    const second = files.current();
    pass(1_000);
    assert.equal(files.current(), second);
  });

  test('renewed() looks at once, and says whether that changed anything', () => {
    const secret = write('one');
    const { files } = open(write('id'), secret);
    const first = files.current();
    assert.equal(files.renewed(first), false);
    write('two', secret);
    assert.equal(files.renewed(first), true);
    assert.equal(files.renewed(files.current()), false);
    assert.equal(files.renewed(first), true, 'somebody else had them read already');
  });

  test('a file that is gone or empty for the moment takes nothing away, and one that comes late is found', () => {
    const secret = write('one');
    const { files, pass } = open(write('id'), secret);
    files.current();
    rmSync(secret);
    pass(1_000);
    assert.equal(files.current()?.accessKeySecret, 'one');
    write('', secret);
    pass(1_000);
    assert.equal(files.current()?.accessKeySecret, 'one');
    write('two', secret);
    pass(1_000);
    assert.equal(files.current()?.accessKeySecret, 'two');
    const late = join(folder, 'late');
    const other = open(write('id'), late);
    assert.throws(() => other.files.current(), { code: 'denied', message: /no credentials: .*late/ });
    write('here', late);
    assert.equal(other.files.current()?.accessKeySecret, 'here');
  });

  test('no secret shows in a complaint', () => {
    const { files } = open(write('id'), write('two values\nin one file'));
    assert.throws(
      () => files.current(),
      (err: Error) => /holds something else than one value/.test(err.message) && !err.message.includes('in one file'),
    );
  });

  test('the file of AWS gives the keys of a profile', () => {
    const path = write(
      '# mine\n[default]\naws_access_key_id = D\naws_secret_access_key = d\n[profile two]\naws_access_key_id=T\naws_secret_access_key=t/+=\naws_session_token = s\n',
    );
    const of = (profile: string): unknown =>
      new CredentialFiles({ kind: 'aws-file', path, profile }, 1_000, () => 0).current();
    assert.deepEqual(of('default'), { accessKeyId: 'D', accessKeySecret: 'd', token: undefined });
    assert.deepEqual(of('two'), { accessKeyId: 'T', accessKeySecret: 't/+=', token: 's' });
    assert.throws(() => of('three'), /has no access key in profile "three"$/);
  });

  test('without files requests are anonymous', () => {
    assert.equal(new CredentialFiles({ kind: 'anonymous' }, 1_000, () => 0).current(), undefined);
  });
});
