// npm run demo: as `evermount demo`, from a checkout. With --s3, and no MinIO in PATH, builds one first.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { ensureTool } from './tools.ts';

const args = process.argv.slice(2);
if (args.includes('--s3') && !args.some((each) => each.startsWith('--minio')) && !isInPath('minio')) {
  try {
    args.push('--minio', await ensureTool('minio'));
  } catch (err) {
    process.stderr.write(`demo: ${(err as Error).message}\n`); // the demo says what else can be done
  }
}
const program = resolve(import.meta.dirname, '../bin/evermount.js');
const child = spawn(process.execPath, [program, 'demo', ...args], { stdio: 'inherit' });
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
// A terminal sends it to the demo as well, which puts everything away; staying until then is all there is to do.
process.on('SIGINT', () => {});
child.on('exit', (status) => process.exit(status ?? 1));

function isInPath(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
}
