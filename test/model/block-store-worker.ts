// Fills a block store with known content as fast as it can, and evicts, until it is killed. Arguments: folder, seed.
import { writeSync } from 'node:fs';
import { createLogger } from '../../src/base/index.ts';
import { BLOCK_BYTES, openBlockStore } from '../../src/cache/blocks/index.ts';
import { blockContent, segmentInfo } from '../support/block-content.ts';

/** What the test looks for afterwards. */
export const OBJECTS = 60;
export const sizeOf = (object: number): number =>
  object % 3 === 0 ? 3 * BLOCK_BYTES + 4321 : 3000 + 2500 * (object % 50);

export function openKillStore(path: string): ReturnType<typeof openBlockStore> {
  return openBlockStore(
    {
      tiers: [{ medium: 'SSD', paths: [{ path, quotaBytes: 24 * BLOCK_BYTES }], high: 0.9, low: 0.5 }],
      keepFreeFraction: 0,
    },
    { log: createLogger({ level: 'error' }) },
  );
}

if (import.meta.main) {
  const [, , path = '', seed = '1'] = process.argv;
  const store = openKillStore(path);
  await store.begin();
  writeSync(1, 'begun\n');
  let random = Number(seed);
  const below = (limit: number): number => {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((random / 2 ** 32) * limit);
  };
  for (;;) {
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        const info = segmentInfo(below(OBJECTS), 0);
        const object = below(OBJECTS);
        const segment = store.open(segmentInfo(object, sizeOf(object)));
        if (segment === undefined) return;
        const block = below(Math.ceil(segment.sizeBytes / BLOCK_BYTES));
        await segment.write(block, blockContent(segment.info, block));
        if (segment.isWhole()) await segment.openWhole();
        segment.close();
        if (below(20) === 0) await store.evict([info.object, segment.info.object]);
      }),
    );
  }
}
