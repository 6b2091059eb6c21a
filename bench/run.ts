// npm run bench -- NAME [--quick] [--json]: runs one bench and prints what it measured.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, BenchOptions } from './bench.ts';
import { cluster } from './cluster.ts';
import { datasets } from './datasets.ts';
import { failover } from './failover.ts';
import { find } from './find.ts';
import { memory } from './memory.ts';
import { describeMachine, toText, type Report } from './report.ts';
import { survival } from './survival.ts';
import { throughput } from './throughput.ts';

const BENCHES: readonly Bench[] = [failover, throughput, memory, datasets, find, survival, cluster];

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      replace: { type: 'boolean', default: false },
      kills: { type: 'string' },
      data: { type: 'string' },
      clients: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [name, ...rest] = positionals;
  const bench = BENCHES.find((each) => each.name === name);
  if (bench === undefined || rest.length > 0 || values.help) {
    for (const each of BENCHES) process.stdout.write(`${each.name.padEnd(12)}${each.purpose}\n`);
    process.stdout.write(
      '\nnpm run bench -- NAME [--quick] [--json]; failover, survival and cluster also take [--kills N], failover [--replace], datasets, find and survival\n' +
        '[--data FOLDER] (use the data in there again), datasets and find [--clients NAME,NAME] (no others). See bench/README.md.\n',
    );
    if (name === undefined || values.help) return 0;
    process.stderr.write(`bench: Cannot run "${positionals.join(' ')}": not one of the benches above\n`);
    return 2;
  }
  const kills = values.kills === undefined ? undefined : Number(values.kills);
  if (kills !== undefined && (!Number.isInteger(kills) || kills < 4)) {
    process.stderr.write(`bench: Cannot use --kills ${String(values.kills)}: it takes a number, at least 4\n`);
    return 2;
  }
  const failed = build();
  if (failed !== undefined) {
    process.stderr.write(`bench: Cannot build: ${failed}\n`);
    return 1;
  }
  const options: BenchOptions = {
    quick: values.quick,
    replace: values.replace,
    kills,
    data: values.data === undefined ? undefined : resolve(values.data),
    clients: values.clients?.split(','),
    progress: (text) => process.stderr.write(`${text}\n`),
  };
  const report: Report = { bench: bench.name, machine: describeMachine(), rows: await bench.run(options) };
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : toText(report, bench.table?.(report.rows)));
  return 0;
}

/** The command line runs what was built: a bench of yesterday's build would be worse than none. */
function build(): string | undefined {
  const script = resolve(import.meta.dirname, '../scripts/build.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  return status === 0 ? undefined : `${stdout}${stderr}`;
}
