// Runs measure.py, the reader of the benches, for one measurement.
import { join } from 'node:path';
import { run } from './workspace.ts';

export const MEASURE = join(import.meta.dirname, 'measure.py');

/** What it got and how long that took. */
export async function measured(
  name: string,
  folder: string,
  flags: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<{ amount: number; seconds: number }> {
  const printed = await run('python3', [MEASURE, name, folder, ...flags], { ...process.env, ...env });
  return JSON.parse(printed) as { amount: number; seconds: number };
}

/** What it got in a second. */
export async function rateOf(...args: Parameters<typeof measured>): Promise<number> {
  const { amount, seconds } = await measured(...args);
  return amount / seconds;
}
