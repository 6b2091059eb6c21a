// The readers of one mount: starts them, hears what they count, ends them.
//
// Each is a process of its own that runs this program again (see reader.ts); they report over a socket in the demo's folder.
import { sleep, withDeadline } from '../../base/index.ts';
import { ChannelServer, isAlive, kill, start, type Channel, type Child, type Message } from '../../host/index.ts';
import type { ReaderKind, ReaderOrder } from './reader.ts';
import { NOTHING, sumTallies, type Tally } from './tally.ts';

export interface ReadersConfig {
  mount: string;
  source: string;
  sampleFile: string;
  /** Where they report: does not exist yet. */
  socket: string;
  log: string;
}

const KINDS: readonly ReaderKind[] = ['paths', 'descriptors', 'paths', 'descriptors'];
export const READERS = KINDS.length;

const READY_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 3_000;
const END_POLL_MS = 10;

interface Reader {
  child: Child;
  channel: Channel | undefined;
  tally: Tally;
  heardMs: number;
  state: 'starting' | 'reading' | 'done' | 'lost';
}

export class Readers {
  readonly #server: ChannelServer;
  readonly #readers: Reader[];
  #changed = (): void => {};

  constructor(config: ReadersConfig) {
    const uid = process.getuid?.() ?? 0;
    this.#server = new ChannelServer(
      config.socket,
      uid,
      (channel) => this.#accept(channel),
      () => {},
    );
    this.#readers = KINDS.map((kind, seed) => {
      const { mount, source, sampleFile, socket, log } = config;
      const child = startReader({ kind, mount, source, sampleFile, socket, seed }, log);
      const reader: Reader = {
        child,
        channel: undefined,
        tally: NOTHING,
        heardMs: performance.now(),
        state: 'starting',
      };
      child.onExit(() => {
        if (reader.state !== 'done') reader.state = 'lost';
        this.#changed();
      });
      return reader;
    });
  }

  /** Resolves when every reader has its files open and reads. Throws when one does not get there. */
  async ready(): Promise<void> {
    await this.#until((reader) => reader.state !== 'starting', READY_TIMEOUT_MS, 'the readers to begin');
    if (this.#readers.some((reader) => reader.state === 'lost'))
      throw new Error('Cannot start the readers: one ended at once');
  }

  get tally(): Tally {
    return sumTallies(this.#readers.map(({ tally }) => tally));
  }

  /** Ends them and returns what they counted. One that is stuck in a call is counted as lost. */
  async stop(): Promise<Tally> {
    for (const { channel } of this.#readers) channel?.send({ op: 'stop' });
    await this.#until(({ state }) => state === 'done' || state === 'lost', STOP_TIMEOUT_MS, 'the readers to end').catch(
      () => {
        // told by lostReaders below
      },
    );
    const nowMs = performance.now();
    return sumTallies(
      this.#readers.map(({ state, tally, heardMs }) =>
        state === 'done'
          ? tally
          : { ...tally, lostReaders: 1, longestStallMs: Math.max(tally.longestStallMs, nowMs - heardMs) },
      ),
    );
  }

  /** Kills whoever is left and waits until none is, for as long as that may take sensibly. */
  async close(): Promise<void> {
    for (const { child } of this.#readers) kill(child.process);
    this.#server.close();
    const endMs = performance.now() + STOP_TIMEOUT_MS;
    while (this.#readers.some(({ child }) => isAlive(child.process)) && performance.now() < endMs)
      await sleep(END_POLL_MS);
  }

  #accept(channel: Channel): void {
    const reader = this.#readers.find(({ child }) => child.process.pid === channel.peer.pid);
    if (reader === undefined) {
      channel.close();
      return;
    }
    reader.channel = channel;
    channel.listen({
      message: (message) => {
        this.#heard(reader, message);
        this.#changed();
      },
      closed: () => {},
    });
  }

  #heard(reader: Reader, message: Message): void {
    reader.heardMs = performance.now();
    reader.tally = message['tally'] as Tally;
    if (message['op'] === 'ready') reader.state = 'reading';
    if (message['op'] === 'done') reader.state = 'done';
  }

  async #until(holds: (reader: Reader) => boolean, timeoutMs: number, what: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#changed = () => {
      if (this.#readers.every(holds)) resolve(undefined);
    };
    this.#changed();
    await withDeadline(promise, timeoutMs, what);
  }
}

function startReader(order: ReaderOrder, log: string): Child {
  const program = process.argv[1] ?? '';
  return start({
    program: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', program, 'demo', '--as-reader', JSON.stringify(order)],
    fds: [],
    log,
    privilege: 'all',
  });
}
