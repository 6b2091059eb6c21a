// A namespace over a storage that changes all the time, compared with the storage itself after every step: one that always
// asks, and one that never asks by itself but is told what to distrust.
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger } from '../../src/base/index.ts';
import { openNamespace, ROOT_INO, type OpenNamespace } from '../../src/cache/namespace/index.ts';
import { MemoryUfs } from '../support/memory-ufs.ts';
import { NamespaceModel } from '../support/namespace-model.ts';

const logger = createLogger({ write: () => {} });
const name = fc.constantFrom('a', 'b', 'a-b', 'a.b', 'z');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const step = fc.oneof(
  fc.record({ do: fc.constant('put' as const), path, size: fc.nat(9) }),
  fc.record({ do: fc.constant('makeFolder' as const), path }),
  fc.record({ do: fc.constant('remove' as const), path }),
  fc.record({ do: fc.constant('lookup' as const), path }),
  fc.record({
    do: fc.constant('list' as const),
    path: fc.oneof(fc.constant(''), path),
    few: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ do: fc.constant('refresh' as const), deep: fc.boolean() }),
  fc.record({ do: fc.constant('reopen' as const) }),
);

/** Whoever changed a path says so: of everything, or of each name on the way to it. */
function distrust(namespace: OpenNamespace, path: string, all: boolean): void {
  if (all) {
    namespace.invalidate('all');
    return;
  }
  let folder = ROOT_INO;
  for (const text of path.split('/')) {
    const one = Buffer.from(text);
    const { ino } = namespace.known(folder, one) ?? {};
    namespace.invalidate({ folder, name: one });
    if (ino === undefined) return;
    folder = ino;
  }
}

const POLICIES = { 'always asks': { policy: 'always' }, 'is told what to distrust': { policy: 'never' } } as const;

for (const [kind, refresh] of Object.entries(POLICIES))
  for (const isOrdered of [true, false]) {
    test(`a namespace that ${kind} answers what the storage holds (${isOrdered ? '' : 'not '}walked in order)`, async () => {
      const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
      console.log(`SEED=${seed}`);
      const property = fc.asyncProperty(
        fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }),
        async (steps) => {
          const folder = mkdtempSync(join(tmpdir(), 'evermount-namespace-'));
          const ufs = new MemoryUfs({ pageEntries: 2 });
          Object.assign(ufs, { walkIsOrdered: isOrdered });
          const model = new NamespaceModel(ufs);
          const open = async (): Promise<OpenNamespace> => {
            const opened = await openNamespace({ folder, refresh }, { ufs, logger });
            opened.begin();
            return opened;
          };
          let namespace = await open();
          try {
            for (const one of steps) {
              if (one.do === 'lookup') await model.lookup(namespace, one.path);
              else if (one.do === 'list') await model.list(namespace, one.path, one.few);
              else if (one.do === 'refresh') await namespace.refresh(ROOT_INO, one.deep);
              else if (one.do === 'reopen') {
                await namespace.close();
                namespace = await open();
              } else {
                if (one.do === 'put') ufs.put(one.path, one.size);
                else ufs[one.do](one.path);
                await model.changed();
                if (refresh.policy === 'never') distrust(namespace, one.path, one.path.length % 2 === 0);
              }
            }
          } finally {
            await namespace.close();
            rmSync(folder, { recursive: true, force: true });
          }
        },
      );
      await fc.assert(property, { seed, numRuns: Number(process.env['RUNS'] ?? 20) });
    });
  }
