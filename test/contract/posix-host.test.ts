// The POSIX suite on the host's own file system: what fails here is a fault of the suite.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { makePosixTree, POSIX } from './posix.ts';

suite('the host’s own file system', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'evermount-posix-'));
  const source = join(scratch, 'source');
  mkdirSync(source);
  makePosixTree(source);
  after(() => {
    rmSync(scratch, { recursive: true, force: true });
  });
  for (const [name, check] of Object.entries(POSIX)) {
    test(name, () => {
      check(source, { source, scratch });
    });
  }
});
