// Notifications: what the file system tells the kernel unasked, against caches that would otherwise be believed for an hour.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { DUMMY_NAME, DummyFs } from '../../src/filesystems/dummyfs/index.ts';
import { FuseDevice } from '../../src/fuse/device/index.ts';
import { encodeInvalEntry, encodeInvalInode, ROOT_NODE } from '../../src/fuse/protocol/index.ts';
import {
  answerInit,
  createSessionMemory,
  emptyStat,
  NO_KEEPER,
  openSessionMemory,
  ROOT_INDEX,
  Server,
  type Errno,
  type NodeIndex,
  type Stat,
} from '../../src/fuse/session/index.ts';
import { mountFuse, unmount } from '../../src/host/index.ts';
import { file } from '../../src/libc/index.ts';
import { runProgram } from '../support/command-line.ts';
import { makeScratch, type Scratch } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';

const HOUR_MS = 3_600_000;
const READ_BYTES_MAX = 128 * 1024;
const FILE_NAME = DUMMY_NAME.toString();

/** The dummy file system with a file whose size can be changed, and a count of lookups. */
class ChangingFs extends DummyFs {
  sizeBytes = 13;
  lookups = 0;

  override lookup(parent: NodeIndex, name: Buffer, stat: Stat): Errno {
    this.lookups++;
    return super.lookup(parent, name, stat) || this.#resize(stat);
  }

  override getattr(node: NodeIndex, stat: Stat): Errno {
    return super.getattr(node, stat) || (node === ROOT_INDEX ? 0 : this.#resize(stat));
  }

  #resize(stat: Stat): Errno {
    stat.attr.size = this.sizeBytes;
    return 0;
  }
}

/** A server in this process; whoever looks at the mount must be another one. */
async function serve(scratch: Scratch) {
  const target = scratch.at('target');
  mkdirSync(target);
  const fuse = await mountFuse({ source: 'changing', target, allowOther: false, readBytesMax: READ_BYTES_MAX });
  const memory = createSessionMemory('notify');
  const wishes = { passthrough: false, readBytesMax: READ_BYTES_MAX, readAheadBytes: READ_BYTES_MAX };
  const agreed = answerInit(fuse, wishes, 5_000);
  let filesystem: ChangingFs | undefined;
  const server = new Server(
    {
      agreed,
      cache: { entryMs: HOUR_MS, attrMs: HOUR_MS, negativeMs: 0 },
      readBytesMax: READ_BYTES_MAX,
      passthroughMinBytes: Infinity,
    },
    {
      device: new FuseDevice(fuse),
      memory: openSessionMemory(memory),
      filesystem: (nodes) => (filesystem = new ChangingFs(nodes)),
      keeper: NO_KEEPER,
      onEnd: () => {},
    },
  );
  assert.ok(filesystem);
  const root = emptyStat();
  await server.filesystem.root(root);
  server.nodes.setRootKey(root.key);
  server.takeOver('resend', 'start');
  return {
    server,
    filesystem,
    sizeSeen: async () => Number((await runProgram('stat', ['--format=%s', `${target}/${FILE_NAME}`])).stdout),
    [Symbol.asyncDispose]: async () => {
      await unmount(target, true);
      await server.drain();
      file.close(fuse);
      file.close(memory);
    },
  };
}

test(
  'INVAL_INODE has the kernel ask for attributes again, INVAL_ENTRY for the name',
  { skip: requireFuse() },
  async () => {
    using scratch = makeScratch();
    await using mount = await serve(scratch);
    const { server, filesystem } = mount;
    assert.equal(await mount.sizeSeen(), 13);

    filesystem.sizeBytes = 20;
    assert.equal(await mount.sizeSeen(), 13, 'the kernel believes what it was told');
    const message = Buffer.alloc(256);
    const stat = emptyStat();
    filesystem.lookup(ROOT_INDEX, DUMMY_NAME, stat);
    const ino = server.nodes.nodeId(server.nodes.find(stat.key));
    assert.ok(server.notify(message, encodeInvalInode(message, { ino, off: -1, len: 0 })));
    assert.equal(await mount.sizeSeen(), 20);

    const before = filesystem.lookups;
    assert.equal(await mount.sizeSeen(), 20);
    assert.equal(filesystem.lookups, before, 'the name is remembered');
    const entry = { parent: ROOT_NODE, name: DUMMY_NAME, flags: 0 };
    assert.ok(server.notify(message, encodeInvalEntry(message, entry)));
    assert.equal(await mount.sizeSeen(), 20);
    assert.equal(filesystem.lookups, before + 1);
    assert.equal(server.notify(message, encodeInvalEntry(message, { ...entry, name: Buffer.from('unknown') })), false);
  },
);
