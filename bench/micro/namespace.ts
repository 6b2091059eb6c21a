// The namespace by itself: how fast names go into the database and come out, and what a million of them weighs.
// node bench/micro/namespace.ts [FILES]
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../src/base/index.ts';
import { openNamespace, ROOT_INO } from '../../src/cache/namespace/index.ts';
import type { Ufs, UfsEntry, UfsPage, UfsWalkPage } from '../../src/cache/ufs/index.ts';

const FILES = Number(process.argv[2] ?? 1_000_000);
const FOLDERS = Math.max(1, FILES / 10_000);
const PAGE = 1_000;
const VERSION = '0123456789abcdef0123456789abcdef';

/** Folders of 10,000 files that are made up while they are listed, so that only the namespace is measured. */
function madeUp(): Ufs {
  const file = (i: number): UfsEntry => {
    const name = Buffer.from(`part-${String(i).padStart(8, '0')}.bin`);
    return { name, kind: 'file', sizeBytes: i, mtimeMs: 1.7e12 + i, version: VERSION };
  };
  async function* list(folder: Buffer): AsyncIterable<UfsPage> {
    const isRoot = folder.length === 0;
    const many = isRoot ? FOLDERS : FILES / FOLDERS;
    for (let from = 0; from < many; from += PAGE) {
      const entries = Array.from({ length: Math.min(PAGE, many - from) }, (_, i): UfsEntry => {
        if (!isRoot) return file(from + i);
        return { name: Buffer.from(`folder-${from + i}`), kind: 'folder', sizeBytes: 0, mtimeMs: 0, version: '' };
      });
      yield { entries, skipped: 0 };
    }
  }
  return {
    identity: 'made-up://',
    walkIsOrdered: false,
    list,
    stat: async () => undefined,
    read: async () => {},
    async *walk(): AsyncIterable<UfsWalkPage> {
      yield { entries: [], skipped: 0 };
    },
    close: async () => {},
  };
}

const folder = mkdtempSync(join(tmpdir(), 'evermount-bench-namespace-'));
const config = { folder, refresh: { policy: 'never' } as const };
const deps = { ufs: madeUp(), logger: createLogger({ level: 'warn' }) };
const rssMB = (): number => process.memoryUsage.rss() >> 20;
const show = (what: string, value: number, unit: string): void => console.log(`${what.padEnd(34)} ${value} ${unit}`);

async function all(): Promise<{ files: number; seconds: number }> {
  const begun = performance.now();
  const folders: number[] = [];
  let files = 0;
  await namespace.list(ROOT_INO, 0, (_name, entry) => folders.push(entry.ino) > 0);
  for (const one of folders) await namespace.list(one, 0, () => ++files > 0);
  return { files, seconds: (performance.now() - begun) / 1000 };
}

show('RSS before', rssMB(), 'MiB');
let namespace = await openNamespace(config, deps);
namespace.begin();
try {
  const load = await all();
  show('load', Math.round(load.files / load.seconds), 'entries/s');
  const warm = await all();
  show('list, warm', Math.round(warm.files / warm.seconds), 'entries/s');
  const first = await namespace.lookup(ROOT_INO, Buffer.from('folder-0'));
  const names = Array.from({ length: 1000 }, (_, i) => Buffer.from(`part-${String(i * 7).padStart(8, '0')}.bin`));
  const begun = performance.now();
  for (let i = 0; i < 200; i++) for (const name of names) void namespace.lookup(first?.ino ?? 0, name);
  show('lookup, warm', Number(((performance.now() - begun) / 200).toFixed(2)), 'µs');
  show('RSS, all loaded and listed', rssMB(), 'MiB');
  const status = readFileSync('/proc/self/status', 'utf8');
  for (const part of ['RssAnon', 'RssFile']) {
    show(`  ${part}`, Number(new RegExp(`${part}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) >> 10, 'MiB');
  }
  show('database', statSync(join(folder, 'namespace/data.mdb')).size >> 20, 'MiB');
  await namespace.close();
  const reopen = performance.now();
  namespace = await openNamespace(config, deps);
  show('open again', Math.round(performance.now() - reopen), 'ms');
} finally {
  await namespace.close();
  rmSync(folder, { recursive: true, force: true });
}
