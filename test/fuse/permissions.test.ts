// Who may read what: the modes and owners of the source decide, for everybody.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fails } from '../contract/posix.ts';
import { runProgram } from '../support/command-line.ts';
import { mountSource } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';

const OTHER_USER = 12_345;

test(
  'a file of mode 000 is refused to other users and read by root',
  { skip: requireFuse({ root: 'it acts as several users' }) },
  async () => {
    await using mount = await mountSource();
    for (const [name, mode] of Object.entries({ none: 0o000, owner: 0o600, all: 0o644 })) {
      writeFileSync(join(mount.source, name), name);
      chmodSync(join(mount.source, name), mode);
    }
    mkdirSync(join(mount.source, 'closed'), { mode: 0o700 });
    writeFileSync(join(mount.source, 'closed', 'file'), 'inside');
    for (const round of ['first daemon', 'second daemon']) {
      for (const name of ['none', 'owner', 'all', 'closed/file']) {
        assert.equal(readFileSync(mount.at(name), 'utf8'), name === 'closed/file' ? 'inside' : name, round);
        const other = await runProgram('cat', [mount.at(name)], { as: OTHER_USER });
        assert.equal(other.status === 0, name === 'all', `${round}: ${name}`);
        if (name !== 'all') assert.match(other.stderr, /Permission denied/);
      }
      await mount.kill('daemon');
    }
  },
);

test(
  'a user is refused what the source refuses',
  { skip: requireFuse({ user: 'root is refused nothing' }) },
  async () => {
    await using mount = await mountSource();
    writeFileSync(join(mount.source, 'none'), 'none');
    chmodSync(join(mount.source, 'none'), 0o000);
    fails('EACCES', () => readFileSync(mount.at('none')));
    await using system = await mountSource({ source: '/etc' });
    fails('EACCES', () => readFileSync(system.at('shadow')));
    assert.equal(statSync(system.at('shadow')).uid, 0);
    assert.ok(readFileSync(system.at('passwd')).equals(readFileSync('/etc/passwd')));
  },
);
