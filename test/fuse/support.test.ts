// The helpers themselves: readers must notice what is wrong, or every test built on them proves nothing.
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { makeScratch } from '../support/mounts.ts';
import { expectFiles, startReader } from '../support/readers.ts';
import { until, within } from '../support/wait.ts';

test('until() resolves once the condition holds and fails at its deadline, naming what it waited for', async () => {
  let asked = 0;
  assert.equal(await until('three', () => (++asked === 3 ? 'three' : undefined)), 'three');
  await assert.rejects(
    until('rain', () => false, 30),
    /rain: 30 ms/,
  );
  await assert.rejects(within(20, 'an answer', new Promise(() => {})), /an answer: 20 ms/);
});

test('a reader of unchanged files counts reads and bytes, no error and nothing wrong', async () => {
  using scratch = makeScratch();
  mkdirSync(scratch.at('sub'));
  writeFileSync(scratch.at('one'), 'one');
  writeFileSync(scratch.at('sub', 'two'), Buffer.alloc(300_000, 2));
  await using reader = await startReader({ folder: scratch.path, files: expectFiles(scratch.path) });
  await until('reads', async () => (await reader.counts()).reads > 20);
  const { errors, wrong, bytes, remarks } = await reader.stop();
  assert.deepEqual({ errors, wrong, remarks }, { errors: 0, wrong: 0, remarks: [] });
  assert.ok(bytes > 300_000);
});

test('a reader notices a vanished file, other content, and content that changes under an open descriptor', async () => {
  using scratch = makeScratch();
  writeFileSync(scratch.at('file'), 'before');
  const files = expectFiles(scratch.path);
  await using reader = await startReader({ folder: scratch.path, files });
  writeFileSync(scratch.at('file'), 'behind');
  const { remarks } = await until('wrong bytes', async () => {
    const counts = await reader.counts();
    return counts.wrong > 0 && counts;
  });
  assert.match(remarks.join('\n'), /none of those expected/);
  renameSync(scratch.at('file'), scratch.at('elsewhere'));
  await until('errors', async () => (await reader.counts()).errors > 0);

  writeFileSync(scratch.at('file'), 'before');
  const both = [
    { ...files[0]!, sha256: [...files[0]!.sha256, ...expectFiles(scratch.path).flatMap((each) => each.sha256)] },
  ];
  await using second = await startReader({ folder: scratch.path, files: both, activities: ['descriptors'] });
  await until('reads', async () => (await second.counts()).reads > 0);
  writeFileSync(scratch.at('file'), 'behind');
  const counts = await until('wrong bytes', async () => {
    const found = await second.counts();
    return found.wrong > 0 && found;
  });
  assert.match(counts.remarks.join('\n'), /changed under an open descriptor/);
  rmSync(scratch.at('file'));
});
