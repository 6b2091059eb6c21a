// A daemon whose file system has two names that end it: reading "poison-file" and looking "poison-name" up abort the process.
//
// Descriptor 3 is the mounted device, 4 the session memory. Arguments: takeover mode, takeover cause, what INIT agreed as JSON.
import { FuseDevice } from '../../src/fuse/device/index.ts';
import { agreedFromJson } from '../../src/fuse/protocol/index.ts';
import {
  emptyStat,
  NO_KEEPER,
  openSessionMemory,
  Server,
  type Errno,
  type FileSystem,
  type NodeIndex,
  type NodeNames,
  type OpenFile,
  type Stat,
  type TakeoverCause,
  type TakeoverMode,
} from '../../src/fuse/session/index.ts';
import { DUMMY_NAME, DummyFs } from '../../src/filesystems/dummyfs/index.ts';

const POISON_FILE = Buffer.from('poison-file');
const POISON_NAME = Buffer.from('poison-name');
const POISON_INO = 3;

class PoisonFs extends DummyFs implements FileSystem {
  readonly #nodes: NodeNames;

  constructor(nodes: NodeNames) {
    super(nodes);
    this.#nodes = nodes;
  }

  override lookup(parent: NodeIndex, name: Buffer, stat: Stat): Errno {
    if (name.equals(POISON_NAME)) process.abort();
    if (!name.equals(POISON_FILE)) return super.lookup(parent, name, stat);
    return super.lookup(parent, DUMMY_NAME, stat) || poison(stat);
  }

  override getattr(node: NodeIndex, stat: Stat): Errno {
    return super.getattr(node, stat) || (this.#isPoison(node) ? poison(stat) : 0);
  }

  override open(node: NodeIndex, stat: Stat): OpenFile {
    const opened = super.open(node, stat);
    if (!this.#isPoison(node)) return opened;
    poison(stat);
    return {
      read: () => process.abort(),
      stat: (into) => this.getattr(node, into),
      close: () => {},
    };
  }

  #isPoison(node: NodeIndex): boolean {
    return this.#nodes.nameOf(node).equals(POISON_FILE);
  }
}

function poison(stat: Stat): Errno {
  stat.key[0] = POISON_INO;
  stat.attr.ino = BigInt(POISON_INO);
  return 0;
}

const [mode, cause, agreed = ''] = process.argv.slice(2);
const config = {
  agreed: agreedFromJson(JSON.parse(agreed)),
  cache: { entryMs: 0, attrMs: 0, negativeMs: 0 },
  readBytesMax: 128 * 1024,
  passthroughMinBytes: Infinity,
};
const server = new Server(config, {
  device: new FuseDevice(3),
  memory: openSessionMemory(4),
  filesystem: (nodes) => new PoisonFs(nodes),
  keeper: NO_KEEPER,
  onEnd: () => process.exit(0),
});
const root = emptyStat();
if ((await server.filesystem.root(root)) !== 0) throw new Error('Cannot serve: the root has no attributes');
server.nodes.setRootKey(root.key);
server.takeOver(mode as TakeoverMode, cause as TakeoverCause);
