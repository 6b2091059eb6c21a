// Processes that are not what they pretend to be: nothing is taken from them, and nothing is given to them.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, openSync, closeSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ChannelServer, type Channel, type Message } from '../../src/host/index.ts';
import { file } from '../../src/libc/index.ts';
import { sessionFolder, sessionId, type SessionFolder } from '../../src/recovery/index.ts';
import { runProgram } from '../support/command-line.ts';
import { isRunning, makeScratch, mountSource, type Part, type TestMount } from '../support/mounts.ts';
import { digestOf } from '../support/processes.ts';
import { expectFiles, sha256, startReader } from '../support/readers.ts';
import { requireFuse } from '../support/require-fuse.ts';
import type { StrangerOutcome } from '../support/stranger.ts';
import { until } from '../support/wait.ts';

const skip = requireFuse();
const OPTIONS = ['--passthrough', 'off', '--standby', 'on'];
const STRANGER = fileURLToPath(new URL('../support/stranger.ts', import.meta.url));
const STRANGER_UID = 12_345;
const OWN_UID = process.getuid?.() ?? 0;

function folderOf(mount: TestMount): SessionFolder {
  return sessionFolder(join(mount.state, sessionId(mount.target)));
}

function writeFiles(folder: string): void {
  mkdirSync(folder);
  for (let i = 0; i < 3; i++) writeFileSync(`${folder}/file-${i}`, Buffer.alloc(20_000 + i, `file ${i} `));
}

/** Answers a message that an impostor got; `wrong` is a descriptor that nobody asked for. */
type Manner = (channel: Channel, message: Message, wrong: number) => void;

const MANNERS: Record<string, Manner> = {
  'hands out wrong descriptors': (channel, message, wrong) => {
    channel.send({ op: 'taken', id: message['id'] }, [wrong]);
    channel.send({ op: 'descriptors', last: {} }, [wrong, wrong]);
  },
  'hands out two descriptors where one was asked for': (channel, message, wrong) => {
    channel.send({ op: 'taken', id: message['id'] }, [wrong, wrong]);
  },
  'says what is no message': (channel) => channel.sendBytes(Buffer.from('\u0001 certainly not JSON')),
  'says messages that mean nothing': (channel) => channel.send({ op: 7, id: {}, node: null, backingId: -1 }),
  'says nothing': () => {},
};

/** What impostors hand out. */
const WRONG = '/dev/zero';

/** Listens in the place of a part of the session, and is whatever the manner makes it. */
class Impostor implements Disposable {
  readonly callers = new Set<number>();
  readonly #server: ChannelServer;
  readonly #channels = new Set<Channel>();
  readonly #wrong = openSync(WRONG, 'r');

  constructor(socket: string, manner: Manner) {
    this.#server = new ChannelServer(
      socket,
      OWN_UID,
      (channel) => {
        this.callers.add(channel.peer.pid);
        this.#channels.add(channel);
        channel.listen({
          message: (message, fds) => {
            for (const fd of fds) file.close(fd);
            manner(channel, message, this.#wrong);
          },
          bytes: (_bytes, fds) => {
            for (const fd of fds) file.close(fd);
            manner(channel, {}, this.#wrong);
          },
          closed: () => this.#channels.delete(channel),
        });
      },
      () => {},
    );
  }

  [Symbol.dispose](): void {
    this.#server.close();
    for (const channel of this.#channels) channel.close();
    closeSync(this.#wrong);
  }
}

/** What a part has open, by path. */
async function descriptorsOf(mount: TestMount, part: Part): Promise<string[]> {
  const { stdout } = await runProgram('ls', ['-l', `/proc/${await mount.pid(part)}/fd`]);
  return stdout.split('\n').map((line) => line.replace(/^.* -> /, ''));
}

async function assertHoldsNone(mount: TestMount, path: string): Promise<void> {
  for (const part of ['daemon', 'supervisor'] as const) {
    assert.ok(!(await descriptorsOf(mount, part)).includes(path), `the ${part} has ${path}`);
  }
}

const TRIES = 5;
const TAKEN_WITHIN_MS = 2_000;

/** Kills the vault and takes its place, until both daemons took that for a vault: the next real one may be faster. */
async function takenForVault(mount: TestMount, manner: Manner): Promise<{ impostor: Impostor; vault: number }> {
  for (let tries = 1; ; tries++) {
    const { pids } = await mount.untilServing();
    const vault = await mount.kill('vault');
    const impostor = new Impostor(folderOf(mount).vaultSocket, manner);
    try {
      const isTaken = (): boolean =>
        [pids.daemon, pids.standby].every((pid) => pid !== undefined && impostor.callers.has(pid));
      await until('daemons that took it for a vault', isTaken, TAKEN_WITHIN_MS);
      return { impostor, vault };
    } catch (err) {
      impostor[Symbol.dispose]();
      if (tries === TRIES) throw err;
      await until('another vault', async () => {
        const now = (await mount.status()).pids.vault;
        return now !== undefined && now !== vault && isRunning(now);
      });
    }
  }
}

suite('a vault that is none', { skip }, () => {
  for (const [what, manner] of Object.entries(MANNERS)) {
    test(`one that ${what}: reads stay right, and daemons are back with the real one when it is gone`, async () => {
      using sources = makeScratch();
      const source = sources.at('files');
      writeFiles(source);
      await using mount = await mountSource({ source, options: OPTIONS });
      await mount.pid('standby');
      await using reader = await startReader({ folder: mount.target, files: expectFiles(source), direct: true });
      {
        const taken = await takenForVault(mount, manner);
        using _impostor = taken.impostor;
        const { vault } = taken;
        await until('another vault', async () => {
          const now = (await mount.status()).pids.vault;
          return now !== undefined && now !== vault && now !== process.pid && isRunning(now);
        });
        // The standby, which knows no other vault, takes over and asks it for every open file.
        const killed = await mount.kill('daemon');
        await mount.untilServing(killed);
        const { reads } = await reader.counts();
        await until('reads that go on', async () => (await reader.counts()).reads > reads + 10);
        await assertHoldsNone(mount, WRONG);
      }
      // Only the vault has what was opened and is gone: it is asked again.
      const content = Buffer.alloc(30_000, 'opened, then removed ');
      writeFileSync(`${source}/removed`, content);
      const fd = openSync(mount.at('removed'), 'r');
      try {
        await until('a vault that has the file', async () => {
          return (await descriptorsOf(mount, 'vault')).includes(`${source}/removed`);
        });
        rmSync(`${source}/removed`);
        const killed = await mount.kill('daemon');
        await mount.untilServing(killed);
        assert.equal(await digestOf(fd), sha256(content));
      } finally {
        closeSync(fd);
      }
      const counts = await reader.stop();
      assert.deepEqual([counts.errors, counts.wrong], [0, 0], counts.remarks.join('\n'));
    });
  }
});

async function askAs(uid: number, socket: string, message: Message): Promise<StrangerOutcome> {
  const asUid = uid === OWN_UID ? '' : String(uid);
  const args = ['--disable-warning=ExperimentalWarning', STRANGER, socket, asUid, JSON.stringify(message)];
  const { status, stdout, stderr } = await runProgram(process.execPath, args);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as StrangerOutcome;
}

/** What would be answered with descriptors, were it asked by whom it is meant for. */
function questions(mount: TestMount): { socket: string; message: Message }[] {
  const { vaultSocket, supervisorSocket } = folderOf(mount);
  return [
    { socket: vaultSocket, message: { op: 'supervisor' } },
    { socket: supervisorSocket, message: { op: 'descriptors' } },
  ];
}

async function assertUndisturbed(mount: TestMount, pids: unknown): Promise<void> {
  const status = await mount.status();
  assert.equal(status.state, 'serving');
  assert.deepEqual(status.pids, pids);
}

suite('strangers at the sockets', { skip }, () => {
  test('a process of the same user that is neither vault nor supervisor is given no descriptor', async () => {
    await using mount = await mountSource({ source: 'dummy:', options: OPTIONS });
    await mount.pid('standby');
    const { pids } = await mount.untilServing();
    for (const { socket, message } of questions(mount)) {
      const outcome = await askAs(OWN_UID, socket, message);
      assert.deepEqual(outcome, { messages: [], descriptors: 0 }, socket);
    }
    await assertUndisturbed(mount, pids);
  });

  test(
    'another user finds the sockets closed by their mode',
    { skip: requireFuse({ root: 'becomes another user' }) },
    async () => {
      await using mount = await mountSource({ source: 'dummy:', options: OPTIONS });
      chmodSync(mount.state, 0o755);
      for (const { socket, message } of questions(mount)) {
        chmodSync(dirname(socket), 0o755);
        assert.deepEqual(await askAs(STRANGER_UID, socket, message), {
          refused: 'EACCES',
          messages: [],
          descriptors: 0,
        });
      }
    },
  );

  test(
    'another user that can reach the sockets is refused before it has said a word',
    { skip: requireFuse({ root: 'becomes another user' }) },
    async () => {
      await using mount = await mountSource({ source: 'dummy:', options: OPTIONS });
      await mount.pid('standby');
      const { pids } = await mount.untilServing();
      chmodSync(mount.state, 0o755);
      for (const { socket, message } of [
        ...questions(mount),
        { socket: folderOf(mount).supervisorSocket, message: { op: 'status' } },
      ]) {
        chmodSync(dirname(socket), 0o755);
        chmodSync(socket, 0o666);
        assert.deepEqual(await askAs(STRANGER_UID, socket, message), { messages: [], descriptors: 0 }, socket);
      }
      assert.match(mount.log(), /connection refused/);
      await assertUndisturbed(mount, pids);
    },
  );
});
