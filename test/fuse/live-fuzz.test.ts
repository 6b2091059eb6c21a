// Random system calls on a real mount: whatever programs do, the daemon lives on, nothing hangs, and no byte is wrong.
//
// FUZZ_SEED=… makes the same calls again.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../support/command-line.ts';
import { makeScratch, mountSource } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { makeFuzzTree } from './live-fuzz-tree.ts';

const CALLS = fileURLToPath(new URL('./live-fuzz-calls.ts', import.meta.url));
const CALLS_MS = 2_500;
const CALLS_LEAST = 1_000;
const KINDS_LEAST = 15;

const KINDS = [
  { name: 'cached by the kernel', options: [] },
  {
    name: 'asking the daemon for everything',
    options: ['--entry-timeout', '0s', '--attr-timeout', '0s', '--passthrough', 'off'],
  },
];

suite('random system calls', { skip: requireFuse() }, () => {
  for (const { name, options } of KINDS) {
    test(`on a mount ${name}: the daemon lives on and every byte is right`, async (context) => {
      using sources = makeScratch();
      makeFuzzTree(sources.at('files'));
      await using mount = await mountSource({ source: sources.at('files'), options });
      const before = await mount.untilServing();
      const seed = process.env['FUZZ_SEED'] ?? String(Date.now() % 2 ** 31);
      context.diagnostic(`FUZZ_SEED=${seed}`);
      const args = ['--disable-warning=ExperimentalWarning', CALLS, mount.target, seed, String(CALLS_MS)];
      const { status, stdout, stderr } = await runProgram(process.execPath, args, { timeoutMs: 30_000 });
      assert.equal(status, 0, `seed ${seed}: ${stderr}`);
      const made = JSON.parse(stdout) as Record<string, number>;
      const total = Object.values(made).reduce((sum, count) => sum + count, 0);
      assert.ok(total > CALLS_LEAST, `only ${total} calls`);
      assert.ok(Object.keys(made).length > KINDS_LEAST, `only ${Object.keys(made).join(', ')}`);
      const after = await mount.status();
      assert.deepEqual([after.state, after.takeovers, after.pids.daemon], ['serving', 0, before.pids.daemon]);
      const { stdout: listed } = await runProgram('ls', [mount.at('folder')]);
      assert.equal(listed.trim().split('\n').length, 150);
    });
  }
});
