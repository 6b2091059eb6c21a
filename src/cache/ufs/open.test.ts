import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger } from '../../base/index.ts';
import { UfsError } from './errors.ts';
import type { MountSpec } from './mount-spec.ts';
import { openUfs } from './open.ts';

const deps = { logger: createLogger({ write: () => {} }) };

function spec(mountPoint: string, path = '/'): MountSpec {
  return { mountPoint, path, options: {}, secretFiles: {} };
}

function isBadConfig(err: unknown): boolean {
  return err instanceof UfsError && err.code === 'bad-config';
}

test('openUfs() gives one folder the version it has in a table of several', async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'evermount-open-'));
  t.after(() => rmSync(base, { recursive: true }));
  for (const name of ['one', 'other']) mkdirSync(join(base, name));
  writeFileSync(join(base, 'one', 'file'), 'twelve bytes');
  const alone = await openUfs([spec(`local://${base}/one`)], deps);
  const among = await openUfs([spec(`local://${base}/one`), spec(`local:${base}/other`, '/other')], deps);
  const claimed = await openUfs([spec('pvc://claim')], { ...deps, claims: { claim: join(base, 'one') } });
  const entry = await alone.stat(Buffer.from('file'));
  assert.equal(entry?.sizeBytes, 12);
  assert.deepEqual(await among.stat(Buffer.from('file')), entry);
  assert.equal((await among.stat(Buffer.from('other')))?.kind, 'folder');
  assert.notEqual((await claimed.stat(Buffer.from('file')))?.version, entry.version);
  let text = '';
  await alone.read(Buffer.from('file'), entry.version, 7, 5, (chunk) => (text += chunk.toString()));
  assert.equal(text, 'bytes');
  await Promise.all([alone.close(), among.close(), claimed.close()]);
});

test('openUfs() asks nothing of a network', async () => {
  const ufs = await openUfs([spec('https://evermount.invalid/data/')], deps);
  assert.equal(ufs.identity, 'https://evermount.invalid/data/');
  await ufs.close();
});

test('openUfs() refuses a configuration that names no storage', async () => {
  await assert.rejects(openUfs([], deps), isBadConfig);
  await assert.rejects(openUfs([spec('hdfs://host/')], deps), isBadConfig);
  await assert.rejects(openUfs([spec('http://host/', 'no-slash')], deps), isBadConfig);
  await assert.rejects(openUfs([spec('http://host/'), spec('https://host/')], deps), isBadConfig);
  await assert.rejects(openUfs([spec('pvc://claim')], deps), isBadConfig);
});

test('openUfs() refuses credentials in a URL without repeating them', async () => {
  await assert.rejects(openUfs([spec('https://user:secret@host/')], deps), (err: Error) => {
    assert.ok(isBadConfig(err) && !err.message.includes('secret'), err.message);
    return true;
  });
});
