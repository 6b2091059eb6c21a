// Runs a command a person gave: help, bad arguments, errors.
import type { Command } from './command.ts';
import { EXIT, exitStatusOf, isExpected } from './exit.ts';

export async function runCommand(command: Command, args: string[]): Promise<number> {
  const beforeDashes = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  if (beforeDashes.includes('--help') || beforeDashes.includes('-h')) {
    process.stdout.write(command.help);
    return EXIT.OK;
  }
  try {
    return await command.run(args);
  } catch (err) {
    if (err instanceof Error && 'code' in err && String(err.code).startsWith('ERR_PARSE_ARGS')) {
      process.stderr.write(`evermount: ${err.message}\n`);
      return EXIT.USAGE;
    }
    const sentence = err instanceof Error ? (isExpected(err) ? err.message : (err.stack ?? err.message)) : String(err);
    process.stderr.write(`evermount: ${sentence}\n`);
    return exitStatusOf(err);
  }
}
