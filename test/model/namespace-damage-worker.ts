// Opens a namespace that may be damaged and reads all of it. Prints the code it is refused with, or "fine". Argument: meta-dir.
import { createLogger } from '../../src/base/index.ts';
import { NamespaceError, openNamespace, ROOT_INO } from '../../src/cache/namespace/index.ts';
import { MemoryUfs } from '../support/memory-ufs.ts';
import { listAll } from '../support/namespace-model.ts';

const [folder = ''] = process.argv.slice(2);
try {
  const logger = createLogger({ write: () => {} });
  const ufs = new MemoryUfs();
  const namespace = await openNamespace({ folder, refresh: { policy: 'never' } }, { ufs, logger });
  let files = 0;
  for (const { entry } of await listAll(namespace, ROOT_INO, 10_000)) {
    files += (await listAll(namespace, entry.ino, 10_000)).length;
  }
  console.log(`fine ${files}`);
} catch (err) {
  if (!(err instanceof NamespaceError)) throw err;
  console.log(err.code);
}
