// Puts the parts of a dataset together for one machine: under storages, namespace and block cache in this very process.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../../base/index.ts';
import { openBlockStore, type BlockStore } from '../../cache/blocks/index.ts';
import { openFill, type Fill } from '../../cache/fill/index.ts';
import { openNamespace, type Namespace } from '../../cache/namespace/index.ts';
import { openUfs } from '../../cache/ufs/index.ts';
import { metaFolder, type DatasetConfig } from './dataset-config.ts';

export interface Dataset {
  readonly namespace: Namespace;
  readonly blocks: Fill;
  readonly store: BlockStore;
  /** From here on this process may write; called when it begins to serve. */
  begin: () => void;
  /** Everything is written; another process may begin. */
  end: () => Promise<void>;
}

/** A file is kept whole, and read by the kernel itself, up to this share of the cache. */
const WHOLE_SHARE = 0.25;

/** Opens everything for reading what is known; nothing is written before begin(). */
export async function openDataset(config: DatasetConfig, log: Logger): Promise<Dataset> {
  const { cacheFolder, cacheBytes, mounts, refresh } = config;
  const meta = metaFolder(cacheFolder);
  const blocksFolder = join(cacheFolder, 'blocks');
  for (const path of [cacheFolder, meta, blocksFolder]) mkdirSync(path, { recursive: true, mode: 0o700 });
  const ufs = await openUfs(mounts, { logger: log });
  const namespace = await openNamespace({ folder: meta, refresh }, { ufs, logger: log });
  const tier = { medium: 'SSD', paths: [{ path: blocksFolder, quotaBytes: cacheBytes }] } as const;
  const store = openBlockStore({ tiers: [tier] }, { log });
  const blocks = openFill({ wholeBytesMax: cacheBytes * WHOLE_SHARE }, { ufs, store, log });
  return {
    namespace,
    blocks,
    store,
    begin: () => {
      namespace.begin();
      store.begin().catch((err: unknown) => {
        log.error('the block cache cannot be used', { err });
      });
    },
    end: async () => {
      await Promise.all([namespace.close(), blocks.close()]);
      await store.close();
    },
  };
}
