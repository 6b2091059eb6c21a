// Opens a namespace: what another process keeps in the same folder is seen, and nothing is written before begin().
import type { Logger } from '../../base/index.ts';
import type { Ufs } from '../ufs/index.ts';
import { openTables } from './create.ts';
import type { RefreshPolicy } from './freshness.ts';
import { LazyNamespace } from './lazy-namespace.ts';
import type { Namespace } from './namespace.ts';

export interface NamespaceConfig {
  /** The meta-dir; made if need be. */
  readonly folder: string;
  readonly refresh: RefreshPolicy;
  /** What dataset this is: a namespace of another one is refused. Default: the storage's identity. */
  readonly identity?: string;
  /** Checks every page and record, though that may have been done before: for who has the time. Default false. */
  readonly checksWhole?: boolean;
  /** Whether files and bytes are counted by walking all of the storage. Default true. */
  readonly countsTotals?: boolean;
  /**
   * New names get numbers from here on at least. A namespace that may be put back to an older copy gives a higher one each
   * time it is opened, so that no number is given to a second name after those that the copy does not know of.
   */
  readonly numbersFrom?: number;
}

export interface NamespaceDeps {
  readonly ufs: Ufs;
  readonly logger: Logger;
  /** Default: the system clock. */
  readonly nowMs?: () => number;
}

export interface OpenNamespace extends Namespace {
  /** Of this namespace, wherever it is copied to. */
  readonly uuid: string;
  /** From now on this process serves: it alone writes, and counts the storage. To be called before anything is asked. */
  begin(): void;
}

/** Throws NamespaceError. */
export async function openNamespace(config: NamespaceConfig, deps: NamespaceDeps): Promise<OpenNamespace> {
  const { ufs, logger, nowMs = Date.now } = deps;
  const { folder, refresh, identity = ufs.identity, countsTotals = true, numbersFrom = 0 } = config;
  const { tables, uuid, begin, end } = await openTables(folder, identity, nowMs, config.checksWhole);
  const namespace = new LazyNamespace({
    tables,
    ufs,
    refresh,
    countsTotals,
    numbersFrom,
    logger,
    nowMs,
    onBegin: begin,
    onEnd: end,
  });
  return Object.assign(namespace, { uuid });
}
