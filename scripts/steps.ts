// Runs the steps of `npm run check` and `npm test`: announces each, stops at the first that fails.

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { delimiter, dirname, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');

// Tools start through `#!/usr/bin/env node`: the Node running this script comes first, then the pinned tools.
const PATH = [dirname(process.execPath), resolve(ROOT, 'node_modules/.bin'), process.env['PATH']].join(delimiter);

/** Runs one command in the project root. Ends this process with the command's exit status if it fails. */
export function step(title: string, command: string, args: readonly string[]): void {
  console.log(`\n== ${title}`);
  const { status, signal, error } = spawnSync(command, args, {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, PATH },
  });
  if (status === 0) return;
  console.error(`== ${title} failed: ${error?.message ?? signal ?? `exit ${status ?? 'unknown'}`}`);
  process.exit(status ?? 1);
}

/** Runs the test files matching the globs with node:test; no matching file is not a failure. */
export function testStep(title: string, globs: readonly string[], flags: readonly string[] = []): void {
  const files = globSync(globs, { cwd: ROOT }).sort();
  if (files.length === 0) {
    console.log(`\n== ${title}: no test files`);
    return;
  }
  step(title, 'node', ['--test', '--test-reporter=spec', ...flags, ...files]);
}
