// The daemon's program for datasets: as daemon.ts, with the cache engine. A program of its own, so that mounts which need no
// cache load none of it.
import { openDataset } from './dataset/open-dataset.ts';
import type { ServedDataset } from './dataset/served-dataset.ts';
import { decodeDatasetConfig } from './dataset/dataset-config.ts';
import { LazyControl } from './dataset/lazy-control.ts';
import { countReads, type ReadCounts } from './dataset/read-counts.ts';
import { isExpected } from './exit.ts';
import { killAt } from './kill-at.ts';
import { partArguments, partLogger } from './launch.ts';
import { CacheFs } from '../filesystems/cachefs/index.ts';
import { file } from '../libc/index.ts';
import { Daemon, inheritedDescriptors, PASSTHROUGH_MIN_BYTES, readRecord } from '../recovery/index.ts';

const { folder, hasSource } = partArguments();
const log = partLogger('daemon', folder);
const record = readRecord(folder.record);
const config = decodeDatasetConfig(record.sourceConfig);
const dataset = await open().catch((err: unknown) => {
  if (!isExpected(err)) throw err;
  log.error('the dataset cannot be opened', { why: (err as Error).message });
  process.exit(1);
});
new Daemon(
  { folder, uid: process.getuid?.() ?? 0, descriptors: inheritedDescriptors(hasSource) },
  {
    log,
    filesystem: ({ options, createdAt }, _descriptors, nodes) =>
      new CacheFs(
        {
          look: { ...config.look, defaultTimeMs: Date.parse(createdAt) },
          wholeMinBytes: options.passthrough ? PASSTHROUGH_MIN_BYTES : Infinity,
        },
        {
          namespace: dataset.namespace,
          blocks: dataset.blocks,
          nodes,
          log,
          closeDescriptor: (fd) => file.close(fd),
          begin: () => {
            dataset.begin();
          },
          end: () => dataset.end(),
        },
      ),
    exit: (status) => process.exit(status),
    step: (step) => killAt(`handover:${step}`),
  },
);

async function open(): Promise<ServedDataset> {
  if (config.kind === 'client') return (await import('./dataset/open-client.ts')).openClient(config, log);
  const own = config;
  const opened = await openDataset(own, log);
  const reads: ReadCounts = { readBytes: 0 };
  const control = new LazyControl(
    async () =>
      (await import('./dataset/control.ts')).openControl(folder.path, { dataset: opened, config: own, reads, log }),
    log,
  );
  return {
    namespace: opened.namespace,
    blocks: countReads(opened.blocks, reads),
    begin: () => {
      opened.begin();
      control.openSoon();
    },
    end: async () => {
      await control.close();
      await opened.end();
    },
  };
}
