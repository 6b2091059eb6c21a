// A master that is killed at random moments, while clients ask it for names they can verify: every answer is right, none is
// an error, and after each restart the feed of changes heals.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createLogger } from '../../src/base/index.ts';
import { Changes, distrustNames, MasterLink, MasterUfs } from '../../src/cache/client/master/index.ts';
import { openRpcClient } from '../../src/cache/rpc/index.ts';
import type { Namespace } from '../../src/cache/namespace/index.ts';
import { openTestNamespace } from '../support/scratch-namespace.ts';
import { until } from '../support/wait.ts';

const KILLS = Number(process.env['MASTER_KILLS'] ?? 8);
const CLIENTS = 3;
const FOLDERS = 20;
const FILES = 30;
const PROCESS = fileURLToPath(new URL('./master-process.ts', import.meta.url));

const root = mkdtempSync(join(tmpdir(), 'evermount-master-kill-'));
const storage = join(root, 'storage');
const socket = join(root, 'socket');
let master: ChildProcess | undefined;
after(() => {
  master?.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

const log = createLogger({ level: 'error' });
const sizeOf = (folder: number, file: number): number => (folder * FILES + file) % 97;

interface Client {
  readonly ufs: MasterUfs;
  readonly names: Namespace;
  readonly changes: Changes;
  close(): Promise<void>;
}

test(`clients get right answers and no errors through ${KILLS} kills of the master`, { timeout: 300_000 }, async () => {
  makeStorage();
  await startMaster();
  const clients = await Promise.all(Array.from({ length: CLIENTS }, (_, at) => openClient(at)));
  let answers = 0;
  let isOver = false;
  const readers = clients.flatMap((client, at) => [
    verifyByMaster(
      client,
      at,
      () => isOver,
      () => (answers += 1),
    ),
    verifyByNamespace(
      client,
      at,
      () => isOver,
      () => (answers += 1),
    ),
  ]);
  const failed = Promise.all(readers); // a reader that fails ends the test at once
  const killed = killAgainAndAgain(clients, () => answers).finally(() => (isOver = true));
  await Promise.all([failed, killed]);
  for (const client of clients) await client.close();
  console.log(`${answers} answers verified through ${KILLS} kills`);
});

function makeStorage(): void {
  for (let folder = 0; folder < FOLDERS; folder++) {
    mkdirSync(join(storage, `d${folder}`), { recursive: true });
    for (let file = 0; file < FILES; file++) {
      writeFileSync(join(storage, `d${folder}`, `f${file}`), Buffer.alloc(sizeOf(folder, file)));
    }
  }
  writeFileSync(join(storage, 'changing'), '');
}

async function startMaster(): Promise<void> {
  const child = spawn(process.execPath, [PROCESS, join(root, 'meta'), storage, socket], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  master = child;
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', (status, signal) => reject(new Error(`The master ended: ${signal ?? `status ${status}`}`)));
  });
}

async function killMaster(): Promise<void> {
  const child = master;
  assert.ok(child !== undefined && child.exitCode === null && child.signalCode === null, 'the master lives');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

async function killAgainAndAgain(clients: readonly Client[], answers: () => number): Promise<void> {
  for (let kill = 1; kill <= KILLS; kill++) {
    const before = answers();
    await until('answers after the restart', () => answers() > before + 200, 60_000);
    await until('every client follows', () => clients.every(({ changes }) => changes.health().following), 60_000);
    change(2 * kill);
    await clients[0]!.ufs.refresh(Buffer.alloc(0), false);
    await changeReaches(clients, 2 * kill);
    await sleep(Math.random() * 50); // not always at the same instruction
    await killMaster();
    change(2 * kill + 1); // nobody sees it happen
    await startMaster();
    await changeReaches(clients, 2 * kill + 1);
  }
}

function change(sizeBytes: number): void {
  writeFileSync(join(storage, 'changing'), Buffer.alloc(sizeBytes));
}

/** Clients trust what they know: they learn of it by the feed of changes or not at all. */
async function changeReaches(clients: readonly Client[], sizeBytes: number): Promise<void> {
  for (const { names } of clients) {
    await until('the change reaches the client', async () => {
      const entry = await names.lookup(1, Buffer.from('changing'));
      assert.ok(entry !== undefined && entry.sizeBytes <= sizeBytes);
      return entry.sizeBytes === sizeBytes;
    });
  }
}

async function openClient(at: number): Promise<Client> {
  const link = new MasterLink(
    { patienceMs: 60_000, probeMs: 20 },
    { rpc: openRpcClient({ address: socket }, { log }), log },
  );
  const ufs = new MasterUfs({ identity: 'test' }, { link });
  const names = await openTestNamespace(join(root, `names-${at}`), ufs);
  const rpc = openRpcClient({ address: socket }, { log });
  const changes = new Changes(
    { placeFile: join(root, `place-${at}`), retryMs: 20 },
    { rpc, log, onNames: (it) => distrustNames(names, it), onWorkers: () => {} },
  );
  changes.follow();
  return {
    ufs,
    names,
    changes,
    close: async () => {
      await changes.close();
      rpc.close();
      await names.close();
      await ufs.close();
    },
  };
}

async function verifyByMaster({ ufs }: Client, at: number, isOver: () => boolean, done: () => void): Promise<void> {
  const inos = new Map<string, number | undefined>();
  for (let turn = at; !isOver(); turn++) {
    const folder = turn % FOLDERS;
    const path = Buffer.from(`d${folder}`);
    const sizes = new Map<string, number>();
    for await (const page of ufs.list(path)) {
      for (const { name, sizeBytes, ino } of page.entries) {
        sizes.set(name.toString(), sizeBytes);
        const known = inos.get(`${folder}/${name.toString()}`) ?? ino;
        assert.equal(ino, known, 'inode numbers stay what they were');
        inos.set(`${folder}/${name.toString()}`, ino);
      }
    }
    assert.equal(sizes.size, FILES);
    for (let file = 0; file < FILES; file++) assert.equal(sizes.get(`f${file}`), sizeOf(folder, file));
    const file = turn % FILES;
    assert.equal((await ufs.stat(Buffer.from(`d${folder}/f${file}`)))?.sizeBytes, sizeOf(folder, file));
    assert.equal(await ufs.stat(Buffer.from(`d${folder}/none`)), undefined);
    done();
    await sleep(1);
  }
}

async function verifyByNamespace(
  { names }: Client,
  at: number,
  isOver: () => boolean,
  done: () => void,
): Promise<void> {
  for (let turn = at; !isOver(); turn++) {
    const folder = turn % FOLDERS;
    const file = (turn * 7) % FILES;
    const parent = await names.lookup(1, Buffer.from(`d${folder}`));
    assert.equal(parent?.kind, 'folder');
    const entry = await names.lookup(parent.ino, Buffer.from(`f${file}`));
    assert.equal(entry?.sizeBytes, sizeOf(folder, file));
    done();
    if (turn % 20 === 0) await sleep(1);
  }
}
