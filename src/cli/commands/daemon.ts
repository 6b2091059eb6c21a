// evermount daemon: see src/recovery/daemon.ts. Started by the supervisor, without privilege.
import type { Command } from '../command.ts';
import { partLogger } from '../launch.ts';
import { localPathOf } from '../sources.ts';
import { Daemon, inheritedDescriptors, sessionFolder } from '../../recovery/index.ts';
import { DummyFs } from '../../filesystems/dummyfs/index.ts';
import { LocalFs } from '../../filesystems/localfs/index.ts';

export const command: Command = { help: '', run };

function run(args: string[]): Promise<undefined> {
  const folder = sessionFolder(args[args.indexOf('--session') + 1] ?? '');
  const descriptors = inheritedDescriptors(args.includes('--with-source'));
  new Daemon(
    { folder, uid: process.getuid?.() ?? 0, descriptors },
    {
      log: partLogger('daemon', folder.path),
      filesystem: ({ source, options }, { source: rootFd }, nodes) =>
        rootFd === undefined
          ? new DummyFs(nodes)
          : new LocalFs({ rootFd, sourcePath: localPathOf(source), links: options.links }, nodes),
      exit: (status) => process.exit(status),
    },
  );
  return Promise.resolve(undefined);
}
