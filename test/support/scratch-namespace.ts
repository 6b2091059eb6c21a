// A real namespace for tests of what stands on one: what it knows it trusts until it is told otherwise.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { createLogger } from '../../src/base/index.ts';
import { openNamespace, type OpenNamespace } from '../../src/cache/namespace/index.ts';
import type { Ufs } from '../../src/cache/ufs/index.ts';

export async function openTestNamespace(folder: string, ufs: Ufs): Promise<OpenNamespace> {
  const logger = createLogger({ write: () => {} });
  const names = await openNamespace(
    { folder, refresh: { policy: 'never' }, identity: 'test', countsTotals: false },
    { ufs, logger },
  );
  names.begin();
  return names;
}

/** Opens them in folders of their own; all are gone at the end of the test file. */
export function scratchNamespaces(): (ufs: Ufs) => Promise<OpenNamespace> {
  const scratch = mkdtempSync(join(tmpdir(), 'evermount-namespaces-'));
  const opened: OpenNamespace[] = [];
  after(async () => {
    await Promise.all(opened.map((names) => names.close()));
    rmSync(scratch, { recursive: true });
  });
  return async (ufs) => {
    const names = await openTestNamespace(mkdtempSync(join(scratch, 'n')), ufs);
    opened.push(names);
    return names;
  };
}
