// A request that crashes whoever works on it: after three crashes it is answered EIO, and everything else goes on.
//
// The test makes the kernel mount and the session memory itself and starts one daemon after the other, as a supervisor does.
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DUMMY_CONTENT, DUMMY_NAME } from '../../src/filesystems/dummyfs/index.ts';
import { agreedToJson, type Agreed } from '../../src/fuse/protocol/index.ts';
import {
  answerInit,
  createSessionMemory,
  type TakeoverCause,
  type TakeoverMode,
} from '../../src/fuse/session/index.ts';
import { mountFuse, unmount } from '../../src/host/index.ts';
import { file } from '../../src/libc/index.ts';
import { runProgram, type Outcome } from '../support/command-line.ts';
import { makeScratch } from '../support/mounts.ts';
import { statusOf } from '../support/processes.ts';
import { sha256, startReader } from '../support/readers.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { within } from '../support/wait.ts';

const DAEMON = fileURLToPath(new URL('./poison-daemon.ts', import.meta.url));
const GOOD_FILE = DUMMY_NAME.toString();
const READ_BYTES_MAX = 128 * 1024;
const CRASHES_EXPECTED = 3;
const DEADLINE_MS = 15_000;

/** A mount whose daemon is started anew whenever it crashes. */
class PoisonedMount implements AsyncDisposable {
  readonly target: string;
  crashes = 0;
  readonly #fuse: number;
  readonly #memory: number;
  readonly #agreed: string;
  readonly #mode: TakeoverMode;
  #daemon: ChildProcess;
  #failed: Error | undefined;
  #ended = false;

  constructor(target: string, fuse: number, agreed: Agreed, mode: TakeoverMode) {
    this.target = target;
    this.#fuse = fuse;
    this.#memory = createSessionMemory('poisoned');
    this.#agreed = JSON.stringify(agreedToJson(agreed));
    this.#mode = mode;
    this.#daemon = this.#start('start');
  }

  get failed(): Error | undefined {
    return this.#failed;
  }

  /** Runs a program that uses the mount. */
  run(...[program = '', ...args]: string[]): Promise<Outcome> {
    return runProgram(program, args, { timeoutMs: DEADLINE_MS });
  }

  #start(cause: TakeoverCause): ChildProcess {
    // An abort would write the whole session memory into a core file.
    const shell = ['-c', 'ulimit -c 0; exec "$@"', 'sh'];
    const args = [process.execPath, DAEMON, this.#mode, cause, this.#agreed];
    const daemon = spawn('sh', [...shell, ...args], {
      stdio: ['ignore', 'inherit', 'ignore', this.#fuse, this.#memory],
    });
    daemon.on('exit', (status, signal) => {
      if (this.#ended) return;
      if (signal === 'SIGABRT' && this.crashes <= CRASHES_EXPECTED) {
        this.crashes++;
        this.#daemon = this.#start('crashed');
      } else this.#failed = new Error(`Cannot go on: a daemon ended with ${signal ?? `status ${status ?? -1}`}`);
    });
    return daemon;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#daemon.kill('SIGKILL');
    await statusOf(this.#daemon);
    await unmount(this.target, true);
    file.close(this.#fuse);
    file.close(this.#memory);
  }
}

async function mountPoisoned(target: string, mode: TakeoverMode): Promise<PoisonedMount> {
  mkdirSync(target);
  const fuse = await mountFuse({ source: 'poisoned', target, allowOther: false, readBytesMax: READ_BYTES_MAX });
  const wishes = { passthrough: false, readBytesMax: READ_BYTES_MAX, readAheadBytes: READ_BYTES_MAX };
  return new PoisonedMount(target, fuse, answerInit(fuse, wishes, DEADLINE_MS), mode);
}

const POISONS = [
  // Past the page cache: where reading ahead fails, the kernel asks once more, with a request of its own.
  { what: 'reading a file', command: ['dd', 'iflag=direct', 'status=none'], name: 'if=TARGET/poison-file' },
  { what: 'looking a name up', command: ['stat'], name: 'TARGET/poison-name' },
];

for (const mode of ['resend', 'journal'] as const) {
  const skip = requireFuse(mode === 'resend' ? { kernel: '6.9' } : {});
  suite(`a request that crashes its daemon, ${mode}`, { skip }, () => {
    for (const { what, command, name } of POISONS) {
      test(`${what} crashes three daemons, then fails with EIO; a reader beside it notices nothing`, async () => {
        using scratch = makeScratch();
        await using mount = await mountPoisoned(scratch.at('target'), mode);
        const files = [{ path: GOOD_FILE, sizeBytes: DUMMY_CONTENT.length, sha256: [sha256(DUMMY_CONTENT)] }];
        // No listings: they would tell of nothing but the good file.
        await using reader = await startReader({
          folder: mount.target,
          files,
          activities: ['paths', 'descriptors', 'stat'],
          direct: true,
        });
        const refused = await within(
          DEADLINE_MS,
          'the refusal',
          mount.run(...command, name.replace('TARGET', mount.target)),
        );
        assert.notEqual(refused.status, 0);
        assert.match(refused.stderr, /Input\/output error/);
        assert.equal(mount.crashes, CRASHES_EXPECTED);

        assert.equal((await mount.run('cat', `${mount.target}/${GOOD_FILE}`)).stdout, DUMMY_CONTENT.toString());
        const counts = await reader.stop();
        assert.deepEqual([counts.errors, counts.wrong], [0, 0], counts.remarks.join('\n'));
        assert.ok(counts.reads > 0);
        assert.equal(mount.crashes, CRASHES_EXPECTED);
        assert.equal(mount.failed, undefined);
      });
    }
  });
}
