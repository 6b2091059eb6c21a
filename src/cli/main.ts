// The command line: finds the command, runs it, turns what it throws into a sentence and an exit status.
import { EXIT } from './exit.ts';
import type { Command } from './command.ts';

type Loader = () => Promise<{ command: Command }>;

const COMMANDS: Readonly<Record<string, { summary: string; load: Loader }>> = {
  mount: { summary: 'mount a source at a folder', load: () => import('./commands/mount.ts') },
  umount: { summary: 'end a mount', load: () => import('./commands/umount.ts') },
  restart: {
    summary: 'replace the daemon of a mount by a new one, without interrupting it',
    load: () => import('./commands/restart.ts'),
  },
  status: { summary: 'show mounts, their state and their processes', load: () => import('./commands/status.ts') },
  load: { summary: 'fetch a dataset into the cache before it is read', load: () => import('./commands/load.ts') },
  evict: { summary: 'forget what is cached of a dataset', load: () => import('./commands/evict.ts') },
  cache: { summary: 'show what is cached where; remove what nobody uses', load: () => import('./commands/cache.ts') },
  doctor: { summary: 'examine this machine, or a mount that is sick', load: () => import('./commands/doctor.ts') },
  master: {
    summary: 'keep the names of a dataset, for workers and clients',
    load: () => import('./commands/master.ts'),
  },
  worker: {
    summary: 'keep data of a dataset on this machine, for clients',
    load: () => import('./commands/worker.ts'),
  },
  fuse: { summary: 'mount the dataset of a master at a folder', load: () => import('./commands/fuse.ts') },
  demo: { summary: 'kill daemons under readers and count what they notice', load: () => import('./commands/demo.ts') },
};

const [name, ...args] = process.argv.slice(2);
const found = name === undefined ? undefined : COMMANDS[name];
if (found === undefined) process.exitCode = await withoutCommand(name);
else {
  const { command } = await found.load();
  process.exitCode = await (await import('./run.ts')).runCommand(command, args);
}

async function withoutCommand(given: string | undefined): Promise<number> {
  if (given === '--version') {
    const { readFileSync } = await import('node:fs');
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    process.stdout.write(`evermount ${version}\n`);
    return EXIT.OK;
  }
  const asked = given === undefined || given === 'help' || given === '--help' || given === '-h';
  const width = Math.max(...Object.keys(COMMANDS).map((each) => each.length));
  const lines = Object.entries(COMMANDS).map(([each, { summary }]) => `  ${each.padEnd(width)}  ${summary}`);
  const help = `Usage: evermount COMMAND …\n\nFUSE mounts that outlive the daemons serving them.\n\n${lines.join('\n')}\n\nevermount COMMAND --help tells more. evermount --version prints the version.\n`;
  if (asked) process.stdout.write(help);
  else process.stderr.write(`evermount: there is no command "${given}"\n\n${help}`);
  return asked && given !== undefined ? EXIT.OK : EXIT.USAGE;
}
