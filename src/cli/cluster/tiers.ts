// Tiers as a person writes them: "MEM:/dev/shm/x:2GiB", "SSD:/a,/b:10GiB,20GiB:0.9:0.6".
import { isAbsolute } from 'node:path';
import { parseBytes } from '../bytes.ts';
import { UsageError } from '../exit.ts';
import type { TierConfig } from '../../cache/blocks/index.ts';

const MEDIA = ['MEM', 'SSD', 'HDD'] as const;
const QUOTA_BYTES_MIN = 4 * 2 ** 20;

/** One quota is for each of the paths, or there is one for every path. Throws UsageError that names what is wrong. */
export function parseTier(text: string): TierConfig {
  const refuse = (why: string): never => {
    throw new UsageError(`Cannot use --tier "${text}": ${why}`);
  };
  const [medium, pathList, quotaList, high, low, ...rest] = text.split(':');
  const known = MEDIA.find((each) => each === medium);
  if (known === undefined) return refuse(`"${String(medium)}" is none of ${MEDIA.join(', ')}`);
  if (pathList === undefined || quotaList === undefined || rest.length > 0)
    return refuse('it takes MEDIUM:PATH[,PATH…]:QUOTA[,QUOTA…][:HIGH:LOW]');
  if ((high === undefined) !== (low === undefined)) return refuse('the high watermark needs the low one');
  const paths = pathList.split(',');
  const quotas = quotaList.split(',').map((quota) => parseBytes('--tier', quota, QUOTA_BYTES_MIN) ?? 0);
  if (quotas.length !== 1 && quotas.length !== paths.length)
    return refuse(`${paths.length} paths take one quota or ${paths.length}, not ${quotas.length}`);
  const relative = paths.find((path) => !isAbsolute(path));
  if (relative !== undefined) return refuse(`"${relative}" is no absolute path`);
  return {
    medium: known,
    paths: paths.map((path, at) => ({ path, quotaBytes: quotas[at] ?? quotas[0] ?? 0 })),
    ...(high === undefined || low === undefined ? {} : watermarks(high, low, refuse)),
  };
}

function watermarks(highText: string, lowText: string, refuse: (why: string) => never): { high: number; low: number } {
  const high = Number(highText);
  const low = Number(lowText);
  if (!(low > 0 && low <= high && high <= 1)) return refuse('watermarks are fractions, 0 < LOW <= HIGH <= 1');
  return { high, low };
}
