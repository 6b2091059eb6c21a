// npm run test:cluster: brings a cluster up, runs test/cluster/, takes it down.
//
//   npm run test:cluster -- [--keep] [FILE…]     --keep leaves the cluster for the next time
//
// A failure leaves diagnostics in a folder whose path is printed. Where no cluster can run, nothing is tested and the reason is
// printed; with REQUIRE_CLUSTER=1 that is a failure.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { down, up } from './cluster.ts';
import { collectDiagnostics } from './diagnostics.ts';
import { Place } from './place.ts';
import { missingPrerequisites } from './prerequisites.ts';

const ROOT = resolve(import.meta.dirname, '../..');

async function main(args: readonly string[]): Promise<number> {
  const missing = missingPrerequisites();
  if (missing.length > 0) {
    tell(`no cluster can run here: ${missing.join('; ')}`);
    return process.env['REQUIRE_CLUSTER'] === '1' ? 1 : 0;
  }
  const files = args.filter((arg) => !arg.startsWith('-'));
  const place = new Place();
  let status = 1;
  try {
    await up(place, tell);
    status = await runTests(
      place,
      files.length > 0 ? files : globSync('test/cluster/**/*.test.ts', { cwd: ROOT }).sort(),
    );
  } catch (err) {
    tell((err as Error).message);
  }
  if (status !== 0) tell(`diagnostics are in ${await collectDiagnostics(place)}`);
  if (!args.includes('--keep')) await down(place);
  return status;
}

/** In the network of the control plane, one file at a time: they share the cluster. */
async function runTests(place: Place, files: readonly string[]): Promise<number> {
  const command = [process.execPath, '--test', '--test-reporter=spec', '--test-concurrency=1', ...files];
  const [program = '', ...rest] = [...place.within('cp'), ...command];
  const child = spawn(program, rest, {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, EVERMOUNT_CLUSTER_FOLDER: place.folder, REQUIRE_CLUSTER: '1' },
  });
  const forward = (signal: NodeJS.Signals): boolean => child.kill(signal);
  process.on('SIGINT', forward).on('SIGTERM', forward);
  const [status] = (await once(child, 'exit')) as [number | null];
  process.off('SIGINT', forward).off('SIGTERM', forward);
  return status ?? 1;
}

function tell(text: string): void {
  process.stderr.write(`cluster: ${text}\n`);
}

process.exitCode = await main(process.argv.slice(2));
