// Performs random namespace operations over a storage that changes, and writes down what it is about to change and what it
// was answered, one line of JSON each, until it is killed. Arguments: meta-dir, log file, file with the storage as it is
// (lines of a log), seed, operations. Prints a letter every PRINT_EVERY operations.
import { appendFileSync, openSync, readFileSync, writeSync } from 'node:fs';
import { createLogger } from '../../src/base/index.ts';
import { openNamespace, ROOT_INO, type RefreshPolicy } from '../../src/cache/namespace/index.ts';
import { UfsError } from '../../src/cache/ufs/index.ts';
import { MemoryUfs } from '../support/memory-ufs.ts';
import { change, parseLog, type KillLine } from '../support/namespace-kill-log.ts';
import { listAll } from '../support/namespace-model.ts';

const PRINT_EVERY = 50;
const [folder = '', logPath = '', storagePath = '', seedText = '1', operationsText = '0'] = process.argv.slice(2);
const log = openSync(logPath, 'a');
const say = (line: KillLine): void => appendFileSync(log, `${JSON.stringify(line)}\n`);

const seed = Number(seedText);
let state = seed | 1;
function below(limit: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % limit;
}

const ufs = new MemoryUfs({ pageEntries: 8 });
for (const line of parseLog(readFileSync(storagePath, 'utf8'))) change(ufs, line);
const POLICIES: readonly RefreshPolicy[] = [{ policy: 'always' }, { policy: 'ttl', ttlMs: 5 }, { policy: 'never' }];
const refresh = POLICIES[seed % POLICIES.length] ?? { policy: 'always' };
const logger = createLogger({ write: () => {} });
const namespace = await openNamespace({ folder, refresh }, { ufs, logger });
namespace.begin();
say({ say: 'open' });

const NAMES = ['a', 'b', 'a-b', 'c', 'dd', 'e', 'f0', 'f1', 'f2', 'f3'];
const anyPath = (): string => Array.from({ length: 1 + below(3) }, () => NAMES[below(NAMES.length)] ?? 'a').join('/');

async function lookup(path: string): Promise<number | undefined> {
  let at: number | undefined = ROOT_INO;
  let text = '';
  for (const name of path.split('/')) {
    if (at === undefined) return undefined;
    text = text === '' ? name : `${text}/${name}`;
    const entry = await namespace.lookup(at, Buffer.from(name));
    if (entry === undefined) say({ say: 'absent', path: text });
    else say({ say: 'entry', path: text, ino: entry.ino, kind: entry.kind, version: entry.version });
    at = entry?.kind === 'folder' ? entry.ino : undefined;
  }
  return at;
}

async function list(path: string): Promise<void> {
  const at = path === '' ? ROOT_INO : await lookup(path);
  if (at === undefined) return;
  for (const { name, entry } of await listAll(namespace, at, 3)) {
    const whole = path === '' ? name : `${path}/${name}`;
    say({ say: 'entry', path: whole, ino: entry.ino, kind: entry.kind, version: entry.version });
  }
}

async function operate(operation: number): Promise<void> {
  const path = anyPath();
  switch (below(9)) {
    case 0:
    case 1:
    case 2: {
      const size = below(100);
      const version = `${seed}-${operation}`;
      say({ say: 'put', path, size, version });
      ufs.put(path, size, { version });
      return;
    }
    case 3:
      say({ say: 'remove', path });
      ufs.remove(path);
      return;
    case 4:
    case 5:
      await lookup(path);
      return;
    case 6:
      await list(below(3) === 0 ? '' : path);
      return;
    case 7:
      if (below(10) === 0) namespace.invalidate('all');
      else {
        const slash = path.lastIndexOf('/');
        const at = slash === -1 ? ROOT_INO : await lookup(path.slice(0, slash));
        if (at !== undefined) namespace.invalidate({ folder: at, name: Buffer.from(path.slice(slash + 1)) });
      }
      return;
    case 8:
      await namespace.refresh(ROOT_INO, below(4) === 0);
      return;
  }
}

for (let operation = 0; operation < Number(operationsText); operation++) {
  try {
    // Two at a time now and then, so that answers meet each other.
    if (below(4) === 0) await Promise.all([operate(operation), namespace.refresh(ROOT_INO, below(8) === 0)]);
    else await operate(operation);
  } catch (err) {
    if (!(err instanceof UfsError)) throw err;
  }
  if (operation % PRINT_EVERY === 0) writeSync(1, '.');
}
await namespace.close();
say({ say: 'closed' });
