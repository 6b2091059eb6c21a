// Daemons that cannot start: the session ends with an error at its deadline and not before, and tries in measured steps.
//
// Daemons are started through the program setpriv, found by PATH: a stand-in there notes each start, and fails on demand.
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { readMountinfo } from '../../src/host/index.ts';
import { runProgram } from '../support/command-line.ts';
import { isRunning, makeScratch, mountSource, processesOf, type Scratch } from '../support/mounts.ts';
import { requireFuse } from '../support/require-fuse.ts';
import { until, within } from '../support/wait.ts';

const SICK = 5;
const skip = requireFuse();

/** A setpriv that starts nothing while the file "broken" is there. */
class StandIn {
  readonly env: NodeJS.ProcessEnv;
  readonly #starts: string;
  readonly #broken: string;

  constructor(scratch: Scratch) {
    this.#starts = scratch.at('starts');
    this.#broken = scratch.at('broken');
    const real = process.env['PATH'] ?? '';
    mkdirSync(scratch.at('bin'));
    const text = `#!/bin/sh
echo start >> '${this.#starts}'
[ ! -e '${this.#broken}' ] || exit 1
PATH='${real}' exec setpriv "$@"
`;
    writeFileSync(scratch.at('bin', 'setpriv'), text);
    chmodSync(scratch.at('bin', 'setpriv'), 0o755);
    this.env = { PATH: `${scratch.at('bin')}:${real}` };
  }

  break(): void {
    writeFileSync(this.#starts, '');
    appendFileSync(this.#broken, '');
  }

  repair(): void {
    rmSync(this.#broken);
  }

  starts(): number {
    return readFileSync(this.#starts, 'utf8').split('\n').length - 1;
  }
}

suite('daemons that cannot start', { skip }, () => {
  for (const standby of ['on', 'off']) {
    test(`the connection is aborted at the deadline, readers get an error, status tells, standby ${standby}`, async () => {
      using scratch = makeScratch();
      const setpriv = new StandIn(scratch);
      const options = [
        '--recover-deadline',
        '1s',
        '--standby',
        standby,
        '--attr-timeout',
        '0s',
        '--entry-timeout',
        '0s',
      ];
      await using mount = await mountSource({ source: 'dummy:', options, env: setpriv.env });
      const { pids } = await mount.untilServing();
      setpriv.break();
      for (const pid of [pids.standby, pids.daemon]) if (pid !== undefined) process.kill(pid, 'SIGKILL');
      const waiting = runProgram('ls', [mount.target], { timeoutMs: 20_000 });
      assert.notEqual((await waiting).status, 0);
      const told = await until('the end of the session', async () => {
        const status = await mount.run('status', '--json', mount.target);
        return status.stdout.includes('"aborted"') ? status : undefined;
      });
      assert.equal(told.status, SICK);
      assert.equal((await mount.umount()).status, 0);
      assert.ok(!readMountinfo().some(({ target }) => target === mount.target));
      await until('the end of every process', () => processesOf(mount.state).length === 0);
    });
  }

  test('a daemon that dies at its start is tried again ever more rarely, and serves once it can', async () => {
    using scratch = makeScratch();
    const setpriv = new StandIn(scratch);
    await using mount = await mountSource({
      source: 'dummy:',
      options: ['--recover-deadline', '60s', '--standby', 'off'],
      env: setpriv.env,
    });
    setpriv.break();
    const startMs = performance.now();
    await mount.kill('daemon');
    await until('the sixth start', () => setpriv.starts() >= 6);
    const tookMs = performance.now() - startMs;
    // The sixth comes after pauses of 50, 100, 200 and 400 ms, whatever else happens.
    assert.ok(tookMs >= 750, `six starts within ${tookMs} ms`);
    assert.ok(setpriv.starts() <= 7, `${setpriv.starts()} starts`);
    setpriv.repair();
    const { stdout } = await within(20_000, 'an answer', runProgram('cat', [mount.at('dummy-file.txt')]));
    assert.equal(stdout, 'Hello, world!');
  });

  test('a standby that dies at its start again and again disturbs nobody', async () => {
    using scratch = makeScratch();
    const setpriv = new StandIn(scratch);
    await using mount = await mountSource({ source: 'dummy:', options: ['--standby', 'on'], env: setpriv.env });
    await mount.pid('standby');
    const { pids } = await mount.status();
    setpriv.break();
    await mount.kill('standby');
    await until('the fourth start', () => setpriv.starts() >= 4);
    assert.ok(isRunning(pids.daemon!));
    assert.equal((await runProgram('cat', [mount.at('dummy-file.txt')])).stdout, 'Hello, world!');
    assert.equal((await mount.status()).pids.daemon, pids.daemon);
    setpriv.repair();
    await mount.pid('standby');
  });
});
