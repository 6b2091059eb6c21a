import assert from 'node:assert/strict';
import { closeSync, cpSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { MemoryUfs } from '../../../test/support/memory-ufs.ts';
import { openerFor, type Opener } from '../../../test/support/open-namespace.ts';
import { isChecked } from './checked.ts';
import { NamespaceError, ROOT_INO } from './index.ts';

/** A namespace that is being served; a killed one leaves the same behind. */
async function served(t: TestContext): Promise<Opener> {
  const ufs = new MemoryUfs();
  for (let i = 0; i < 500; i++) ufs.put(`folder/file-${i}`, i);
  const opener = openerFor(t, ufs, { policy: 'never' });
  await (await opener.open()).refresh(ROOT_INO, true);
  return opener;
}

const dataOf = (folder: string): string => join(folder, 'namespace/data.mdb');
const noteOf = (folder: string): string => join(folder, 'checked');

function needsNoCheck(folder: string): boolean {
  const fd = openSync(dataOf(folder), 'r');
  try {
    return isChecked(folder, fd);
  } finally {
    closeSync(fd);
  }
}

function edit(folder: string, change: (note: Record<string, unknown>) => void): void {
  const note = JSON.parse(readFileSync(noteOf(folder), 'utf8')) as Record<string, unknown>;
  change(note);
  writeFileSync(noteOf(folder), JSON.stringify(note));
}

function writeInto(folder: string): void {
  const fd = openSync(dataOf(folder), 'r+');
  for (let page = 2; page < 12; page++) writeSync(fd, Buffer.alloc(100, 1), 0, 100, page * 4096 + 3000);
  closeSync(fd);
}

test('a database is not checked again after one who served it ended or was killed', async (t) => {
  const { folder, close } = await served(t);
  assert.ok(needsNoCheck(folder), 'while it is served, and after a kill');
  await close();
  assert.ok(needsNoCheck(folder), 'after a close');
});

test('a database is checked after a boot, without a note, and where the note is torn or of another file', async (t) => {
  const { folder, close } = await served(t);
  await close();
  const note = readFileSync(noteOf(folder));
  edit(folder, (it) => (it['boot'] = 'another'));
  assert.ok(!needsNoCheck(folder));
  writeFileSync(noteOf(folder), note.subarray(0, 30));
  assert.ok(!needsNoCheck(folder));
  rmSync(noteOf(folder));
  assert.ok(!needsNoCheck(folder));
  writeFileSync(noteOf(folder), note);
  assert.ok(needsNoCheck(folder));
  const copy = `${folder}/copy`;
  cpSync(join(folder, 'namespace'), join(copy, 'namespace'), { recursive: true });
  writeFileSync(noteOf(copy), note);
  assert.ok(!needsNoCheck(copy), 'a copied folder');
  const moved = `${folder}/moved`;
  renameSync(join(copy, 'namespace'), moved);
  renameSync(join(folder, 'namespace'), join(copy, 'namespace'));
  assert.ok(needsNoCheck(copy), 'the file itself at another place');
  renameSync(join(copy, 'namespace'), join(folder, 'namespace'));
});

test('a database that has gone back in time is checked', async (t) => {
  const { folder } = await served(t);
  edit(folder, (it) => (it['txnid'] = Number(it['txnid']) + 1_000));
  assert.ok(!needsNoCheck(folder));
});

test('whoever writes into a database that nobody serves is found out', async (t) => {
  const { folder, open, close } = await served(t);
  await close();
  writeInto(folder);
  assert.ok(!needsNoCheck(folder));
  await assert.rejects(open(), (err) => err instanceof NamespaceError && err.code === 'damaged');
});

test('one who keeps being killed checks whole now and then', async (t) => {
  const { folder } = await served(t);
  edit(folder, (it) => (it['begins'] = 15));
  assert.ok(needsNoCheck(folder));
  edit(folder, (it) => (it['begins'] = 16));
  assert.ok(!needsNoCheck(folder));
});

test('one more who begins is counted, and starts over after a whole check and after a close', async (t) => {
  const { folder, open, close } = await served(t);
  const begins = (): unknown => (JSON.parse(readFileSync(noteOf(folder), 'utf8')) as { begins: unknown }).begins;
  assert.equal(begins(), 1);
  await close();
  await open();
  assert.equal(begins(), 1);
  const before = readFileSync(noteOf(folder));
  await close();
  writeFileSync(noteOf(folder), before); // as after a kill
  await open();
  assert.equal(begins(), 2);
});
