// Opens a namespace in a folder of its own for a test, over a storage in memory.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createLogger } from '../../src/base/index.ts';
import { openNamespace, type OpenNamespace, type RefreshPolicy } from '../../src/cache/namespace/index.ts';
import type { MemoryUfs } from './memory-ufs.ts';

export interface Opener {
  readonly folder: string;
  /** Opens it once more, begun. */
  open: (refresh?: RefreshPolicy) => Promise<OpenNamespace>;
  close: () => Promise<void>;
}

const logger = createLogger({ write: () => {} });

/** What is still open when the test ends is closed. */
export function openerFor(
  t: TestContext,
  ufs: MemoryUfs,
  policy: RefreshPolicy,
  more: { nowMs?: () => number; countsTotals?: boolean } = {},
): Opener {
  const folder = mkdtempSync(join(tmpdir(), 'evermount-namespace-'));
  const { nowMs = Date.now, countsTotals = false } = more;
  let last: OpenNamespace | undefined;
  const close = async (): Promise<void> => {
    await last?.close();
    last = undefined;
  };
  t.after(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });
  const open = async (refresh = policy): Promise<OpenNamespace> => {
    await close();
    last = await openNamespace({ folder, refresh, countsTotals }, { ufs, logger, nowMs });
    last.begin();
    return last;
  };
  return { folder, open, close };
}
