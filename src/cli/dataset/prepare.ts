// From what a person gave to a dataset that can be mounted: its configuration, after its storage was asked once.
import { existsSync } from 'node:fs';
import { UsageError } from '../exit.ts';
import { DATASET_OPTIONS, datasetConfig, type DatasetValues } from './dataset-options.ts';
import { encodeDatasetConfig, metaFolder, type DatasetConfig } from './dataset-config.ts';
import type { Source } from '../sources.ts';
import { createLogger, type Logger } from '../../base/index.ts';
import type { RefreshPolicy } from '../../cache/namespace/index.ts';
import type { Ufs } from '../../cache/ufs/index.ts';
import type { SessionOptions } from '../../recovery/index.ts';

const ASK_TIMEOUT_MS = 20_000;
/** The kernel may use names without asking: it is told of changes that are found. */
const KERNEL_CACHE_MS_MAX = 60_000;

/** The configuration to write down, empty for a source that needs none. Throws UsageError, UfsError or NamespaceError. */
export async function prepareSource(
  source: Source,
  target: string,
  values: DatasetValues,
  who: { uid: number; gid: number; env: NodeJS.ProcessEnv },
): Promise<string> {
  if (source.kind !== 'dataset') {
    const option = Object.keys(DATASET_OPTIONS).find((name) => values[name as keyof DatasetValues] !== undefined);
    if (option !== undefined)
      throw new UsageError(`Cannot use --${option} with "${source.spec}": it is for object storage`);
    return '';
  }
  const config = datasetConfig(source.spec, target, values, who);
  await askStorage(source.spec, config, createLogger({ level: 'error' }));
  return encodeDatasetConfig(config);
}

/** What the session options are by default for such a source. */
export function defaultsFor(config: string, options: SessionOptions): SessionOptions {
  if (config === '') return options;
  return withKernelCache((JSON.parse(config) as DatasetConfig).refresh, options);
}

export function withKernelCache(refresh: RefreshPolicy, options: SessionOptions): SessionOptions {
  const kernelMs =
    refresh.policy === 'always'
      ? 0
      : Math.min(KERNEL_CACHE_MS_MAX, refresh.policy === 'ttl' ? refresh.ttlMs : KERNEL_CACHE_MS_MAX);
  return { ...options, entryTimeoutMs: kernelMs, attrTimeoutMs: kernelMs };
}

/** Whoever mounts wants to know at once that the address or the key is wrong, or what is in the cache folder. */
async function askStorage(spec: string, { mounts, cacheFolder, refresh }: DatasetConfig, log: Logger): Promise<void> {
  const { openUfs, UfsError } = await import('../../cache/ufs/index.ts');
  const ufs = await openUfs(mounts, { logger: log });
  try {
    const pages = ufs.list(Buffer.alloc(0), AbortSignal.timeout(ASK_TIMEOUT_MS))[Symbol.asyncIterator]();
    await pages.next();
    await pages.return?.();
    await checkNames(cacheFolder, refresh, ufs, log);
  } catch (err) {
    if (!(err instanceof UfsError)) throw err;
    const { message, fault } = err;
    throw new UfsError(`Cannot mount "${spec}": ${message.replace(/^Cannot /, 'cannot ')}`, fault, { cause: err });
  } finally {
    await ufs.close();
  }
}

/** Throws NamespaceError, which says what to do, where the names kept from before cannot be trusted. */
async function checkNames(cacheFolder: string, refresh: RefreshPolicy, ufs: Ufs, logger: Logger): Promise<void> {
  const folder = metaFolder(cacheFolder);
  if (!existsSync(folder)) return;
  const { openNamespace } = await import('../../cache/namespace/index.ts');
  const namespace = await openNamespace({ folder, refresh, checksWhole: true }, { ufs, logger });
  await namespace.close();
}
