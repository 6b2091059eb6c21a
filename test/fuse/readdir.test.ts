// READDIR and READDIRPLUS: listings, whole and in pieces, over takeovers.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { FolderStream, type StreamedEntry } from '../support/folder-stream.ts';
import { makeScratch, mountSource, type TestMount } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';

const ENTRIES = 20_000;

suite(`a folder of ${ENTRIES} entries`, { skip: requireFuse() }, () => {
  const scratch = makeScratch();
  const source = scratch.at('source');
  const names = Array.from({ length: ENTRIES }, (_, i) => `entry-${i}${'-'.repeat(i % 40)}`).sort();
  let mount: TestMount;
  before(async () => {
    mkdirSync(source);
    for (const name of names) writeFileSync(join(source, name), '');
    mount = await mountSource({ source });
  });
  after(async () => {
    await mount[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  test('is listed with every name once', () => {
    assert.deepEqual(readdirSync(mount.target).sort(), names);
  });

  test('is listed with every name once with attributes asked for in between, so that READDIRPLUS is used', () => {
    using stream = new FolderStream(mount.target, 4096);
    const seen: string[] = [];
    for (let entries = stream.take(); entries.length > 0; entries = stream.take()) {
      for (const { name, ino } of entries) {
        seen.push(name);
        if (seen.length % 50 === 0) assert.equal(statSync(mount.at(name), { bigint: true }).ino, ino);
      }
    }
    assert.deepEqual(withoutDots(seen), names);
  });

  test('is listed with every name once although the daemon is killed in the middle, twice', async () => {
    using stream = new FolderStream(mount.target, 32_768);
    const seen: StreamedEntry[] = [];
    for (const until of [ENTRIES / 4, ENTRIES / 2]) {
      while (seen.length < until) seen.push(...stream.take());
      await mount.kill('daemon');
    }
    seen.push(...stream.takeAll());
    assert.deepEqual(withoutDots(seen.map(({ name }) => name)), names);
  });

  test('keeps its positions: seeking back gives the same entries, before and after a takeover', async () => {
    using stream = new FolderStream(mount.target, 8192);
    const all = stream.takeAll();
    const check = (): void => {
      for (const i of [0, 1, 2, 77, ENTRIES / 2, ENTRIES - 100, ENTRIES - 1]) {
        stream.seek(all[i]!.next);
        assert.deepEqual(stream.take()[0], all[i + 1], `after entry ${i}`);
      }
      stream.seek(all.at(-1)!.next);
      assert.deepEqual(stream.take(), []);
      stream.seek(0n);
      assert.deepEqual(stream.take()[0], all[0]);
    };
    check();
    await mount.kill('daemon');
    check();
  });

  test('is listed independently by descriptors read in turn', () => {
    using one = new FolderStream(mount.target, 2048);
    using other = new FolderStream(mount.target, 16_384);
    const seen: [string[], string[]] = [[], []];
    for (let more = true; more;) {
      const [first, second] = [one.take(), other.take()];
      seen[0].push(...first.map(({ name }) => name));
      seen[1].push(...second.map(({ name }) => name));
      more = first.length > 0 || second.length > 0;
    }
    for (const each of seen) assert.deepEqual(withoutDots(each), names);
  });
});

suite('small folders', { skip: requireFuse() }, () => {
  test('an empty source shows an empty folder, and what is put there shows at once', async () => {
    await using mount = await mountSource();
    assert.deepEqual(readdirSync(mount.target), []);
    writeFileSync(join(mount.source, 'new'), '');
    assert.deepEqual(readdirSync(mount.target), ['new']);
    rmSync(join(mount.source, 'new'));
    assert.deepEqual(readdirSync(mount.target), []);
  });

  test('a listing that only has its end left when the daemon is killed does not make later listings empty', async () => {
    await using mount = await mountSource();
    for (const name of ['one', 'two', 'three']) writeFileSync(join(mount.source, name), '');
    using stream = new FolderStream(mount.target, 4096);
    assert.equal(stream.take().length, 5);
    await mount.kill('daemon');
    assert.deepEqual(stream.take(), []);
    assert.deepEqual(readdirSync(mount.target).sort(), ['one', 'three', 'two']);
  });

  test('dot and dot-dot are listed once each', async () => {
    await using mount = await mountSource();
    mkdirSync(join(mount.source, 'folder'));
    for (const folder of ['.', 'folder']) {
      using stream = new FolderStream(mount.at(folder), 4096);
      const names = stream.takeAll().map(({ name }) => name);
      for (const dots of ['.', '..'])
        assert.equal(names.filter((name) => name === dots).length, 1, `${dots} in ${folder}`);
    }
  });

  test('entries removed while a listing is under way neither repeat nor hide the others', async () => {
    await using mount = await mountSource();
    const names = Array.from({ length: 500 }, (_, i) => `file-${i}`);
    for (const name of names) writeFileSync(join(mount.source, name), '');
    using stream = new FolderStream(mount.target, 1024);
    const seen = stream.take().map(({ name }) => name);
    const doomed = names.filter((name, i) => i % 5 === 0 && !seen.includes(name));
    for (const name of doomed) rmSync(join(mount.source, name));
    seen.push(...stream.takeAll().map(({ name }) => name));
    assert.equal(new Set(seen).size, seen.length);
    for (const name of names.filter((each) => !doomed.includes(each))) assert.ok(seen.includes(name), name);
  });
});

function withoutDots(seen: string[]): string[] {
  return seen.filter((name) => name !== '.' && name !== '..').sort();
}
