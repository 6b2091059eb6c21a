// A master in a process of its own, to be killed: names in LMDB, storage a folder. Arguments: meta-dir, folder, socket.
import { createLogger } from '../../src/base/index.ts';
import { openMaster } from '../../src/cache/master/index.ts';
import { openNamespace } from '../../src/cache/namespace/index.ts';
import { openUfs } from '../../src/cache/ufs/open.ts';

const [metaDir = '', folder = '', listen = ''] = process.argv.slice(2);
const logger = createLogger({ level: 'warn' });

await openMaster(
  {
    metaDir,
    listen,
    mounts: [{ mountPoint: `local://${folder}`, path: '/', options: {}, secretFiles: {} }],
  },
  {
    log: logger,
    openUfs: (mounts) => openUfs(mounts, { logger }),
    openNamespace: async (ufs) => {
      const names = await openNamespace({ folder: metaDir, refresh: { policy: 'always' } }, { ufs, logger });
      names.begin();
      return names;
    },
    workers: { prefetchWhole: async () => {}, evict: async () => 0 },
  },
);
process.stdout.write('serving\n');
