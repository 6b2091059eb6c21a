import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { connect, sendMessage, type Peer } from '../libc/index.ts';
import { Channel, ChannelServer, connectChannel, type Message } from './channel.ts';
import { HostError } from './errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'evermount-channel-'));
after(() => rmSync(folder, { recursive: true }));
const uid = process.getuid?.() ?? 0;
const isRoot = uid === 0;
const STRANGER_UID = 12_345;

/** A server that keeps what it gets. */
class Listening implements Disposable {
  readonly path = join(folder, `${Math.random().toString(36).slice(2)}.sock`);
  readonly channels: Channel[] = [];
  readonly heard: { message: Message; fds: number[] }[] = [];
  readonly refused: Peer[] = [];
  closed = 0;
  readonly #server: ChannelServer;

  constructor() {
    this.#server = new ChannelServer(
      this.path,
      uid,
      (channel) => this.#accept(channel),
      (peer) => this.refused.push(peer),
    );
  }

  #accept(channel: Channel): void {
    this.channels.push(channel);
    channel.listen({
      message: (message, fds) => this.heard.push({ message, fds }),
      closed: () => this.closed++,
    });
  }

  [Symbol.dispose](): void {
    for (const channel of this.channels) channel.close();
    for (const { fds } of this.heard) for (const fd of fds) closeSync(fd);
    this.#server.close();
  }
}

/** Turns of the event loop until the condition holds; fails after many. */
async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    assert.ok(turns < 100_000, 'it never came');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** How many descriptors of this process are of the file. */
function descriptorsOf(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false; // the one that listed the folder
    }
  }).length;
}

suite('Channel', () => {
  test('send() delivers messages whole and in order, both ways', async () => {
    using listening = new Listening();
    const client = connectChannel(listening.path, uid);
    const answers: Message[] = [];
    client.listen({ message: (message) => answers.push(message), closed: () => {} });
    for (let i = 0; i < 500; i++) client.send({ i, filler: 'x'.repeat(i) });
    await until(() => listening.heard.length === 500);
    assert.deepEqual(
      listening.heard.map(({ message }) => message['i']),
      Array.from({ length: 500 }, (_, i) => i),
    );
    listening.channels[0]!.send({ op: 'answer' });
    await until(() => answers.length === 1);
    assert.deepEqual(answers, [{ op: 'answer' }]);
    client.close();
  });

  test('send() passes descriptors of the very same files, in order', async () => {
    using listening = new Listening();
    const client = connectChannel(listening.path, uid);
    const files = ['first', 'second'].map((text) => {
      writeFileSync(join(folder, text), text);
      return openSync(join(folder, text), 'r');
    });
    client.send({ op: 'keep' }, files);
    for (const fd of files) closeSync(fd);
    await until(() => listening.heard.length === 1);
    const { fds } = listening.heard[0]!;
    assert.deepEqual(
      fds.map((fd) => readFileSync(fd, 'utf8')),
      ['first', 'second'],
    );
    assert.match(readFileSync(`/proc/self/fdinfo/${fds[0]!}`, 'utf8'), /^flags:\s+0?2/m, 'close-on-exec');
    client.close();
  });

  test('both ends know who the other is', async () => {
    using listening = new Listening();
    const client = connectChannel(listening.path, uid);
    await until(() => listening.channels.length === 1);
    assert.partialDeepStrictEqual(client.peer, { pid: process.pid, uid });
    assert.partialDeepStrictEqual(listening.channels[0]!.peer, { pid: process.pid, uid });
    client.close();
  });

  test('a message that is no JSON object ends the connection, and its descriptors do not leak', async () => {
    for (const garbage of ['', 'null', '[]', '"text"', '{', '\xff\xfe', '{"a":1}{"b":2}'].map((text) =>
      Buffer.from(text, 'latin1'),
    )) {
      using listening = new Listening();
      const fd = connect(listening.path);
      const passed = join(folder, 'passed');
      const passedFd = openSync(passed, 'w');
      await until(() => listening.channels.length === 1);
      sendMessage(fd, garbage, [passedFd]);
      await until(() => listening.closed === 1);
      assert.deepEqual(listening.heard, []);
      assert.equal(descriptorsOf(passed), 1);
      closeSync(passedFd);
      closeSync(fd);
    }
  });

  test('close() tells the other end, once', async () => {
    using listening = new Listening();
    const client = connectChannel(listening.path, uid);
    await until(() => listening.channels.length === 1);
    client.close();
    client.close();
    client.send({ op: 'too late' });
    await until(() => listening.closed === 1);
    assert.equal(listening.channels[0]!.isOpen, false);
  });

  test('send() queues for a peer that is behind, and gives up one that never reads', async () => {
    using listening = new Listening();
    const fd = connect(listening.path); // never read from
    await until(() => listening.channels.length === 1);
    const channel = listening.channels[0]!;
    let sent = 0;
    for (; channel.isOpen && sent < 100_000; sent++) channel.send({ filler: 'x'.repeat(100) });
    assert.equal(listening.closed, 1);
    assert.ok(sent > 16_384 && sent < 20_000, `given up after ${sent} messages`);
    closeSync(fd);
  });

  test('send() loses nothing to a peer that was behind for a while', async () => {
    using listening = new Listening();
    const client = connectChannel(listening.path, uid);
    await until(() => listening.channels.length === 1);
    for (let i = 0; i < 5_000; i++) listening.channels[0]!.send({ i });
    const got: unknown[] = [];
    client.listen({ message: (message) => got.push(message['i']), closed: () => {} });
    await until(() => got.length === 5_000);
    assert.deepEqual(
      got,
      Array.from({ length: 5_000 }, (_, i) => i),
    );
    client.close();
  });
});

suite('ChannelServer', () => {
  test('ChannelServer() replaces the socket a predecessor left', () => {
    using first = new Listening();
    const before = lstatSync(first.path).ino;
    const second = new ChannelServer(
      first.path,
      uid,
      () => {},
      () => {},
    );
    assert.notEqual(lstatSync(first.path).ino, before);
    assert.equal(lstatSync(first.path).mode & 0o777, 0o600);
    second.close();
  });

  test('ChannelServer() refuses a path where something else than a socket is, and leaves that there', () => {
    const file = join(folder, 'file.sock');
    const link = join(folder, 'link.sock');
    writeFileSync(file, 'precious');
    symlinkSync(file, link);
    for (const path of [file, link]) {
      assert.throws(
        () =>
          new ChannelServer(
            path,
            uid,
            () => {},
            () => {},
          ),
        { code: 'socket-squatted' },
      );
    }
    assert.equal(readFileSync(file, 'utf8'), 'precious');
  });

  test(
    'ChannelServer() closes the connection of another user without a byte',
    { skip: !isRoot && 'needs root: to be another user' },
    async () => {
      using listening = new Listening();
      chmodSync(folder, 0o755);
      chmodSync(listening.path, 0o666);
      const program = `
      const { connect, receiveBlocking } = await import(${JSON.stringify(new URL('../libc/index.ts', import.meta.url).href)});
      process.setgroups([]); process.setgid(${STRANGER_UID}); process.setuid(${STRANGER_UID});
      const fd = connect(${JSON.stringify(listening.path)});
      for (let i = 0; ; i++) {
        const got = receiveBlocking(fd);
        if (got.kind === 'nothing' && i < 1e7) continue;
        process.exit(got.kind === 'closed' ? 0 : 1);
      }`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      const status = await new Promise((resolve) => child.on('exit', resolve));
      assert.equal(status, 0);
      assert.deepEqual(
        listening.refused.map((peer) => peer.uid),
        [STRANGER_UID],
      );
      assert.deepEqual(listening.channels, []);
    },
  );
});

suite('connectChannel()', () => {
  test(
    'connectChannel() refuses a socket at which another user listens',
    { skip: !isRoot && 'needs root: to be another user' },
    () => {
      using listening = new Listening();
      const path = join(folder, 'strangers.sock');
      chmodSync(folder, 0o777);
      process.setegid?.(STRANGER_UID);
      process.seteuid?.(STRANGER_UID);
      let server: ChannelServer;
      try {
        server = new ChannelServer(
          path,
          STRANGER_UID,
          () => {},
          () => {},
        );
      } finally {
        process.seteuid?.(0);
        process.setegid?.(0);
      }
      assert.throws(
        () => connectChannel(path, 54_321),
        (err) => err instanceof HostError && err.fault.code === 'peer-refused' && err.fault.uid === STRANGER_UID,
      );
      connectChannel(listening.path, 54_321).close(); // root is trusted by everybody
      server.close();
      chmodSync(folder, 0o755);
    },
  );

  test('connectChannel() throws where nobody listens', () => {
    assert.throws(() => connectChannel(join(folder, 'nobody.sock'), uid), { code: 'ENOENT' });
    const long = join(folder, 'x'.repeat(200));
    assert.throws(() => connectChannel(long, uid));
  });
});
