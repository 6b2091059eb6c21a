// Kill storms under readers that verify what they read: no error, no wrong byte, no reader that hangs.
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeScratch, mountSource } from '../support/mounts.ts';
import { expectFiles, sha256, startReader } from '../support/readers.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { assertUnharmed, killInTurn, PAUSE_MS_MAX } from '../support/storm.ts';

const FILES = 12;
const FILE_BYTES_MAX = 300_000;
const skip = requireFuse();

function writeFiles(folder: string): void {
  mkdirSync(`${folder}/below`, { recursive: true });
  for (let i = 0; i < FILES; i++) {
    const path = `${folder}/${i % 2 === 0 ? '' : 'below/'}file-${i}`;
    writeFileSync(path, Buffer.alloc(1 + Math.floor((FILE_BYTES_MAX * i) / FILES), `content of file ${i} `));
  }
}

suite('kill storms', { skip }, () => {
  for (const takeover of ['resend', 'journal']) {
    for (const standby of ['on', 'off']) {
      for (const parts of [['daemon'], ['daemon', 'vault', 'supervisor']] as const) {
        const kills = parts.length === 1 ? 6 : 9;
        test(`${kills} kills of ${parts.join(', ')}, ${takeover}, standby ${standby}: readers notice nothing`, async () => {
          using sources = makeScratch();
          const source = sources.at('files');
          writeFiles(source);
          await using mount = await mountSource({
            source,
            options: ['--takeover', takeover, '--standby', standby, '--passthrough', 'off'],
          });
          await using buffered = await startReader({ folder: mount.target, files: expectFiles(source) });
          await using direct = await startReader({ folder: mount.target, files: expectFiles(source), direct: true });
          await killInTurn(mount, kills, parts);
          await mount.untilServing();
          assertUnharmed(await direct.stop());
          assertUnharmed(await buffered.stop());
          const { takeovers } = await mount.status();
          assert.ok(takeovers >= kills / parts.length, `only ${takeovers} takeovers`);
        });
      }
    }
  }

  test('40 kills while files are renamed over: every open reads one version whole, an open file stays on its own', async () => {
    using sources = makeScratch();
    const source = sources.at('files');
    mkdirSync(source);
    const versions = Array.from({ length: 30 }, (_, i) => Buffer.alloc(100_000 + i * 1_000, `version ${i} `));
    writeFileSync(`${source}/replaced`, versions[0]!);
    const files = [{ path: 'replaced', sizeBytes: 0, sha256: versions.map(sha256) }];
    await using mount = await mountSource({
      source,
      options: ['--standby', 'on', '--entry-timeout', '0s', '--attr-timeout', '0s'],
    });
    const activities = ['paths', 'descriptors'] as const;
    await using buffered = await startReader({ folder: mount.target, files, activities: [...activities] });
    await using direct = await startReader({ folder: mount.target, files, activities: [...activities], direct: true });
    let replacing = true;
    const replaced = (async () => {
      for (let i = 1; replacing; i++) {
        writeFileSync(sources.at('next'), versions[i % versions.length]!);
        renameSync(sources.at('next'), `${source}/replaced`);
        await sleep(20);
      }
    })();
    try {
      for (let i = 0; i < 40; i++) {
        await mount.kill('daemon');
        await sleep(Math.random() * PAUSE_MS_MAX);
      }
    } finally {
      replacing = false;
      await replaced;
    }
    for (const counts of [await direct.stop(), await buffered.stop()]) {
      assert.equal(counts.wrong, 0, counts.remarks.join('\n'));
      assert.ok(counts.reads > 0);
      // The kernel looks a name up twice before it gives up; a file that is replaced both times is refused, never mixed.
      for (const remark of counts.remarks) assert.match(remark, /(ESTALE|-116).*open/, 'an open file failed');
    }
  });
});
