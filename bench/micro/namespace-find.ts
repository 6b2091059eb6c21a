// What `find` asks of a namespace, over a storage in memory with many prefixes: requests and time, cold and warm.
// node bench/micro/namespace-find.ts [FILES] [FOLDERS]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../src/base/index.ts';
import { openNamespace, ROOT_INO } from '../../src/cache/namespace/index.ts';
import { MemoryUfs } from '../../test/support/memory-ufs.ts';

const FILES = Number(process.argv[2] ?? 200_000);
const FOLDERS = Number(process.argv[3] ?? 1_000);
const show = (what: string, value: number, unit: string): void => console.log(`${what.padEnd(34)} ${value} ${unit}`);
const secondsSince = (begun: number): number => Number(((performance.now() - begun) / 1000).toFixed(3));

const ufs = new MemoryUfs();
for (let i = 0; i < FILES; i++) {
  const folder = String(i % FOLDERS).padStart(5, '0');
  ufs.put(`prefix-${folder}/part-${String(i).padStart(8, '0')}.bin`, i);
}
let raw = performance.now();
let keys = 0;
for (const turn of ['sorting', 'raw listing']) {
  raw = performance.now();
  keys = 0;
  for await (const page of ufs.walk(Buffer.alloc(0))) keys += page.entries.length;
  if (turn !== 'sorting') show(`raw listing of ${keys} keys`, secondsSince(raw), 's');
}
const folder = mkdtempSync(join(tmpdir(), 'evermount-bench-find-'));
const config = { folder, refresh: { policy: 'never' }, countsTotals: false } as const;
const namespace = await openNamespace(config, { ufs, logger: createLogger({ level: 'warn' }) });
namespace.begin();
try {
  for (const turn of ['cold', 'warm']) {
    Object.assign(ufs.requests, { list: 0, walk: 0, stat: 0 });
    const begun = performance.now();
    const folders: number[] = [];
    let files = 0;
    await namespace.list(ROOT_INO, 0, (_name, entry) => folders.push(entry.ino) > 0);
    for (const one of folders) await namespace.list(one, 0, () => ++files > 0);
    show(`find, ${turn}: ${files} files`, secondsSince(begun), 's');
    show(`  requests`, ufs.requests.list + ufs.requests.walk + ufs.requests.stat, '');
  }
} finally {
  await namespace.close();
  rmSync(folder, { recursive: true, force: true });
}
