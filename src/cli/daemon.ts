// The daemon's program: see src/recovery/daemon.ts. Started by the supervisor, without privilege.
import { killAt } from './kill-at.ts';
import { partArguments, partLogger } from './launch.ts';
import { localPathOf } from './sources.ts';
import { DummyFs } from '../filesystems/dummyfs/index.ts';
import { LocalFs } from '../filesystems/localfs/index.ts';
import { Daemon, inheritedDescriptors } from '../recovery/index.ts';

const { folder, hasSource } = partArguments();
new Daemon(
  { folder, uid: process.getuid?.() ?? 0, descriptors: inheritedDescriptors(hasSource) },
  {
    log: partLogger('daemon', folder),
    filesystem: ({ source, options }, { source: rootFd }, nodes) =>
      rootFd === undefined
        ? new DummyFs(nodes)
        : new LocalFs({ rootFd, sourcePath: localPathOf(source), links: options.links }, nodes),
    exit: (status) => process.exit(status),
    step: (step) => killAt(`handover:${step}`),
  },
);
