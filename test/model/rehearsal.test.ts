// A rehearsal serves a made-up session: it must leave nothing open, and have nothing to do with the real session beside it.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, readdirSync } from 'node:fs';
import { suite, test } from 'node:test';
import { DummyFs } from '../../src/filesystems/dummyfs/index.ts';
import { agreedFromJson } from '../../src/fuse/protocol/index.ts';
import {
  createSessionMemory,
  HandleTable,
  NodeTable,
  openSessionMemory,
  rehearse,
  ROOT_INDEX,
  type Errno,
  type NodeIndex,
  type OpenFile,
  type SessionMemory,
  type Stat,
} from '../../src/fuse/session/index.ts';

const USED_BYTES = 1024 * 1024;
const NO_ACCESS = 13;
const agreed = agreedFromJson({
  major: 7,
  minor: 40,
  maxReadahead: 131_072,
  flags: '0x0',
  maxBackground: 64,
  congestionThreshold: 48,
  maxWrite: 4096,
  timeGran: 1,
  maxPages: 32,
  maxStackDepth: 0,
  requestTimeout: 0,
});
const config = {
  agreed,
  cache: { entryMs: 1_000, attrMs: 1_000, negativeMs: 0 },
  readBytesMax: 131_072,
  passthroughMinBytes: 4096,
};

/** Counts what is opened, read and closed. */
class CountingFs extends DummyFs {
  opened = 0;
  reads = 0;
  closed = 0;
  rootErrno = 0;

  override root(stat: Stat): Errno {
    return this.rootErrno === 0 ? super.root(stat) : this.rootErrno;
  }

  override open(node: NodeIndex, stat: Stat): OpenFile {
    this.opened++;
    const opened = super.open(node, stat);
    return {
      ...opened,
      read: (offset, into) => {
        this.reads++;
        return opened.read(offset, into);
      },
      close: () => {
        this.closed++;
      },
    };
  }
}

async function rehearseOnce(options: { rootErrno?: number; roundsMax?: number } = {}): Promise<CountingFs> {
  let filesystem: CountingFs | undefined;
  let rounds = 0;
  await rehearse({
    config,
    filesystem: (nodes) => {
      filesystem = new CountingFs(nodes);
      filesystem.rootErrno = options.rootErrno ?? 0;
      return filesystem;
    },
    isOver: () => rounds++ >= (options.roundsMax ?? Infinity),
  });
  assert.ok(filesystem !== undefined);
  return filesystem;
}

function descriptors(): string[] {
  return readdirSync('/proc/self/fd').sort();
}

function digestOf(memory: SessionMemory): string {
  const start = createHash('sha256').update(memory.bytes.subarray(0, USED_BYTES)).digest('hex');
  return `${start} ${new NodeTable(memory).liveCount} ${new HandleTable(memory).liveCount}`;
}

suite('rehearse()', () => {
  test('it opens and reads files again and again, and closes every one', async () => {
    await rehearseOnce(); // what the process opens for itself at the first time stays
    const before = descriptors();
    const { opened, reads, closed } = await rehearseOnce();
    assert.ok(opened > 10 && reads > 10, `${opened} opened, ${reads} reads`);
    assert.equal(closed, opened);
    assert.deepEqual(descriptors(), before);
  });

  test('told that it is over, it ends at the next round, with nothing open', async () => {
    const before = descriptors();
    assert.equal((await rehearseOnce({ roundsMax: 0 })).opened, 0);
    const { opened, closed } = await rehearseOnce({ roundsMax: 3 });
    assert.ok(opened > 0 && opened <= 3, `${opened} opened`);
    assert.equal(closed, opened);
    assert.deepEqual(descriptors(), before);
  });

  test('a source that cannot be looked at ends it, with nothing open', async () => {
    const before = descriptors();
    assert.equal((await rehearseOnce({ rootErrno: NO_ACCESS })).opened, 0);
    assert.deepEqual(descriptors(), before);
  });

  test('the memory of the session beside it stays as it is', async () => {
    const fd = createSessionMemory('real');
    const memory = openSessionMemory(fd);
    const node = new NodeTable(memory).ensure(Uint32Array.of(5, 0, 0, 0, 0), ROOT_INDEX, Buffer.from('file'));
    new HandleTable(memory).open(node, 0, 2n, 0);
    const before = digestOf(memory);
    await rehearseOnce();
    assert.equal(digestOf(memory), before);
    memory.mapped.close();
    closeSync(fd);
  });
});
