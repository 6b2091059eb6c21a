import assert from 'node:assert/strict';
import { closeSync, mkdirSync, mkdtempSync, openSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { E } from '../../libc/index.ts';
import { presentLink, type LinkPolicy } from './links.ts';

const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'evermount-links-')));
const source = join(scratch, 'source');
mkdirSync(join(source, 'a', 'b'), { recursive: true });
mkdirSync(join(scratch, 'source-beside'));
writeFileSync(join(source, 'a', 'file'), '');
symlinkSync('../..', join(source, 'a', 'b', 'up-to-the-root'));
symlinkSync('../../..', join(source, 'a', 'b', 'out'));
const rootFd = openSync(source, 'r');
after(() => {
  closeSync(rootFd);
  rmSync(scratch, { recursive: true });
});

function present(policy: LinkPolicy, folder: string, target: string): string | number {
  const shown = presentLink(policy, rootFd, source, Buffer.from(folder), Buffer.from(target));
  return typeof shown === 'number' ? shown : shown.toString();
}

suite('presentLink()', () => {
  test('raw: a link says what it says, wherever it leads', () => {
    for (const target of ['a/file', '/etc/passwd', '../../../..', `${source}/a`, 'missing', ' ', 'x\u00e9']) {
      assert.equal(present('raw', 'a', target), target);
    }
  });

  test('inside: relative links that stay below the root are shown as they are, dangling ones too', () => {
    const staying: [string, string][] = [
      ['.', 'a/file'],
      ['.', './a/../a/b'],
      ['a', '..'],
      ['a/b', '../file'],
      ['a/b', '../..'],
      ['a/b', 'up-to-the-root/a/file'],
      ['.', 'missing'],
      ['a', 'missing/deeper'],
      ['a', 'file/below-a-file'],
    ];
    for (const [folder, target] of staying)
      assert.equal(present('inside', folder, target), target, `${folder}: ${target}`);
  });

  test('inside: relative links that leave the root cannot be read, however they leave it', () => {
    const leaving: [string, string][] = [
      ['.', '..'],
      ['.', '../source/a/file'],
      ['a', '../../source-beside'],
      ['a/b', '../../../'],
      ['a/b', 'up-to-the-root/..'],
      ['a/b', 'out'],
      ['.', 'a/b/out/source/a'],
    ];
    for (const [folder, target] of leaving) {
      assert.equal(present('inside', folder, target), -E.EACCES, `${folder}: ${target}`);
    }
  });

  test('inside: an absolute link into the source is shown relative to the folder it stands in', () => {
    assert.equal(present('inside', '.', `${source}/a/file`), 'a/file');
    assert.equal(present('inside', 'a', `${source}/a/file`), '../a/file');
    assert.equal(present('inside', 'a/b', `${source}/a/file`), '../../a/file');
    assert.equal(present('inside', 'a/b', source), '../../.');
    assert.equal(present('inside', '.', source), '.');
  });

  test('inside: an absolute link elsewhere cannot be read, although its text begins like the source or comes back to it', () => {
    for (const target of ['/', '/etc/passwd', `${source}-beside`, `${source}/../source-beside`, scratch]) {
      assert.equal(present('inside', 'a', target), -E.EACCES, target);
    }
  });
});
