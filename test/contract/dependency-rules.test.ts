// The guard of the room table is itself guarded: every rule must fire on a file made to break it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../..');
const CONFIG = resolve(ROOT, '.dependency-cruiser.cjs');
const FIXTURE = resolve(ROOT, 'test/fixtures/bad-imports');

type Violation = { rule: { name: string }; from: string };

const BAD: readonly { breaks: string; file: string }[] = [
  { breaks: 'room base', file: 'src/base/upward.ts' },
  { breaks: 'room api', file: 'src/api/upward.ts' },
  { breaks: 'room fuse', file: 'src/fuse/type-upward.ts' },
  { breaks: 'room fuse/protocol', file: 'src/fuse/protocol/calls-libc.ts' },
  { breaks: 'through the door', file: 'src/recovery/deep.ts' },
  { breaks: 'through the door, cache', file: 'src/cache/client/deep.ts' },
  { breaks: 'no AWS SDK', file: 'src/cache/client/calls-s3.ts' },
  { breaks: 'LMDB only in cache/namespace', file: 'src/cache/client/opens-lmdb.ts' },
  { breaks: 'koffi only in libc', file: 'src/fuse/calls-native.ts' },
  { breaks: 'child_process only in host', file: 'src/fuse/runs-process.ts' },
  { breaks: 'pure', file: 'src/api/reads-files.ts' },
  { breaks: 'pure', file: 'src/fuse/protocol/reads-files.ts' },
  { breaks: 'pure', file: 'src/recovery/reads-files.plan.ts' },
  { breaks: 'plans only plan', file: 'src/recovery/calls-host.plan.ts' },
  { breaks: 'plans only plan', file: 'src/recovery/acts.plan.ts' },
  { breaks: 'no cycles', file: 'src/base/cycle-a.ts' },
  { breaks: 'no tests in src', file: 'src/base/needs-test.ts' },
  { breaks: 'known rooms', file: 'src/attic/unknown.ts' },
  { breaks: 'known rooms, lone file', file: 'src/attic/lone.ts' },
];

const violations = await violationsIn(FIXTURE);

for (const { breaks, file } of BAD) {
  test(`rule "${breaks}" fires on ${file}, and no other rule does`, () => {
    assert.deepEqual([...new Set(violations.filter((it) => it.from === file).map((it) => it.rule.name))], [breaks]);
  });
}

test('files that keep the rules pass', () => {
  const bad = new Set(BAD.map((it) => it.file));
  assert.deepEqual(
    violations.filter((it) => !bad.has(it.from)),
    [],
  );
});

test('every rule has a file that breaks it', () => {
  const config = createRequire(import.meta.url)(CONFIG) as { forbidden: { name: string }[] };
  const covered = new Set(BAD.map((it) => it.breaks));
  // The rows of the room table are one rule made many times; a few samples are enough.
  const uncovered = config.forbidden.filter(({ name }) => !name.startsWith('room ') && !covered.has(name));
  assert.deepEqual(uncovered, []);
});

async function violationsIn(folder: string): Promise<Violation[]> {
  const depcruise = resolve(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const args = [depcruise, '--config', CONFIG, '--output-type', 'json', 'src'];
  // The json reporter always exits 0.
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, maxBuffer: 16 << 20 });
  return (JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations;
}
