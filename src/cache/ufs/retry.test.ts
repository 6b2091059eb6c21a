import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { UfsError, type UfsFault } from './errors.ts';
import { DEFAULT_RETRY, RetryingUfs, retrying, type RetryConfig, type RetryDeps } from './retry.ts';
import type { ByteSink, Ufs, UfsEntry } from './ufs.ts';

function fault(it: UfsFault): UfsError {
  return new UfsError(`Cannot do it: ${it.code}`, it);
}

function away(retryAfterMs?: number): UfsError {
  return fault({
    code: 'unavailable',
    path: 'p',
    why: 'away',
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function nonsense(): UfsError {
  return fault({ code: 'bad-answer', path: 'p', why: 'nonsense' });
}

/** Time that passes only by sleeping. */
function clock(config: Partial<RetryConfig> = {}): { deps: RetryDeps; pauses: number[]; pass: (ms: number) => void } {
  let nowMs = 0;
  const pauses: number[] = [];
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  const deps: RetryDeps = {
    config: { ...DEFAULT_RETRY.config, ...config },
    nowMs: () => nowMs,
    sleep: async (delayMs, signal) => {
      signal?.throwIfAborted();
      pauses.push(delayMs);
      pass(delayMs);
    },
    random: () => 1,
  };
  return { deps, pauses, pass };
}

interface Step {
  /** Bytes, names or paths that are given before the failure. */
  give?: number;
  fail?: unknown;
}

/** Counts up from the offset; each attempt follows the next step of the script, and the last one for ever. */
class ScriptedUfs implements Ufs {
  readonly identity = 'scripted';
  walkIsOrdered = false;
  attempts = 0;
  readonly #script: readonly Step[];
  readonly #names: readonly string[];

  constructor(script: readonly Step[], names: readonly string[] = []) {
    this.#script = script;
    this.#names = names;
  }

  #next(): Step {
    this.attempts += 1;
    return this.#script[Math.min(this.attempts, this.#script.length) - 1] ?? {};
  }

  async stat(path: Buffer): Promise<UfsEntry> {
    const { fail } = this.#next();
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    if (fail !== undefined) throw fail;
    return entry(path.toString());
  }

  async read(_path: Buffer, _version: string, offset: number, length: number, sink: ByteSink): Promise<void> {
    const { give = length, fail } = this.#next();
    for (let each = 0; each < give; each += 1) sink(Buffer.from([offset + each]));
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    if (fail !== undefined) throw fail;
  }

  async *list(): AsyncGenerator<{ entries: UfsEntry[]; skipped: number }> {
    const { give = this.#names.length, fail } = this.#next();
    for (const name of this.#names.slice(0, give)) yield { entries: [entry(name)], skipped: 1 };
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    if (fail !== undefined) throw fail;
  }

  async *walk(): AsyncGenerator<{ entries: { path: Buffer; entry: UfsEntry }[]; skipped: number }> {
    for await (const { entries, skipped } of this.list()) {
      yield { entries: entries.map((each) => ({ path: each.name, entry: each })), skipped };
    }
  }

  async close(): Promise<void> {}
}

function entry(name: string): UfsEntry {
  return { name: Buffer.from(name), kind: 'file', sizeBytes: 0, mtimeMs: 0, version: 'v' };
}

async function read(ufs: Ufs, length: number, signal?: AbortSignal): Promise<number[]> {
  const bytes: number[] = [];
  await ufs.read(Buffer.from('p'), 'v', 10, length, (chunk) => bytes.push(...chunk), signal);
  return bytes;
}

async function names(
  ufs: Ufs,
  by: 'list' | 'walk',
  signal?: AbortSignal,
): Promise<{ names: string[]; skipped: number }> {
  const found: string[] = [];
  let skipped = 0;
  const pages = by === 'list' ? ufs.list(Buffer.from(''), signal) : ufs.walk(Buffer.from(''), signal);
  for await (const page of pages) {
    for (const each of page.entries) found.push(('path' in each ? each.path : each.name).toString());
    skipped += page.skipped;
  }
  return { names: found, skipped };
}

suite('retrying()', () => {
  test('pauses longer and longer, and resolves with what the first success gives', async () => {
    const { deps, pauses } = clock();
    let attempts = 0;
    const value = await retrying(deps, async () => {
      attempts += 1;
      if (attempts < 9) throw away();
      return 'value';
    });
    assert.equal(value, 'value');
    assert.deepEqual(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  });

  test('gives up at the deadline after a last attempt there, and says how often it tried', async () => {
    const { deps, pauses } = clock({ deadlineMs: 1_000 });
    const failing = retrying(deps, () => Promise.reject(away()));
    await assert.rejects(failing, (err: UfsError) => {
      assert.equal(err.code, 'unavailable');
      assert.match(err.message, /\(tried 5 times in 1 s\)$/);
      return true;
    });
    assert.deepEqual(pauses, [100, 200, 400, 300]);
  });

  test('waits as long as the storage asked for, within bounds', async () => {
    const { deps, pauses } = clock({ retryAfterMaxMs: 20_000 });
    let attempts = 0;
    await retrying(deps, async () => {
      attempts += 1;
      if (attempts < 4) throw away([3_000, 3_600_000, 0][attempts - 1]);
    });
    assert.deepEqual(pauses, [3_000, 20_000, 400]);
  });

  test('does not try again what cannot get better', async () => {
    for (const fact of [
      { code: 'not-found', path: 'p' },
      { code: 'changed', path: 'p', version: 'v' },
      { code: 'denied', path: 'p', why: 'no' },
      { code: 'bad-config', what: 'x' },
    ] as const) {
      const { deps, pauses } = clock();
      const wanted = fault(fact);
      await assert.rejects(
        retrying(deps, () => Promise.reject(wanted)),
        (err) => err === wanted,
      );
      assert.deepEqual(pauses, []);
    }
    const bug = new TypeError('bug');
    await assert.rejects(
      retrying(clock().deps, () => Promise.reject(bug)),
      (err) => err === bug,
    );
  });

  test('takes nonsense for an answer after a few', async () => {
    const { deps, pauses } = clock({ badAnswersMax: 3 });
    await assert.rejects(
      retrying(deps, () => Promise.reject(nonsense())),
      /tried 3 times/,
    );
    assert.equal(pauses.length, 2);
  });

  test('ends with the reason of the signal, in a pause too', async () => {
    const { deps } = clock();
    const reason = new Error('enough');
    const stop = new AbortController();
    const sleep: RetryDeps['sleep'] = (_ms, signal) => {
      stop.abort(reason);
      return Promise.reject(signal?.reason as Error);
    };
    const failing = retrying({ ...deps, sleep }, () => Promise.reject(away()), stop.signal);
    await assert.rejects(failing, (err) => err === reason);
    const aborted = retrying(deps, () => Promise.reject(away()), AbortSignal.abort(reason));
    await assert.rejects(aborted, (err) => err === reason);
  });
});

suite('RetryingUfs', () => {
  test('a read goes on where it was cut', async () => {
    const { deps, pauses } = clock();
    const inner = new ScriptedUfs([
      { give: 3, fail: away() },
      { give: 0, fail: away() },
      { give: 2, fail: nonsense() },
      {},
    ]);
    assert.deepEqual(await read(new RetryingUfs(inner, deps), 8), [10, 11, 12, 13, 14, 15, 16, 17]);
    assert.deepEqual(pauses, [100, 200, 100], 'a byte makes the pauses short again');
  });

  test('a read that is cut at each byte is whole in the end, or ends at the deadline', async () => {
    const { deps } = clock();
    const cut = new ScriptedUfs([{ give: 1, fail: away() }]);
    assert.equal((await read(new RetryingUfs(cut, deps), 60)).length, 60);
    const slow = clock({ deadlineMs: 1_000 });
    await assert.rejects(read(new RetryingUfs(new ScriptedUfs([{ give: 1, fail: away() }]), slow.deps), 60), /tried/);
  });

  test('once a call was given up, later ones are given up soon, until one succeeds', async () => {
    const { deps, pauses } = clock({ deadlineMs: 45_000, awayDeadlineMs: 5_000 });
    const script: Step[] = [{ give: 0, fail: away() }];
    const ufs = new RetryingUfs(new ScriptedUfs(script), deps);
    const path = Buffer.from('p');
    const waitedMs = async (call: () => Promise<unknown>): Promise<number> => {
      pauses.length = 0;
      await assert.rejects(call(), { code: 'unavailable' });
      return pauses.reduce((sum, each) => sum + each, 0);
    };
    assert.equal(await waitedMs(() => ufs.stat(path)), 45_000);
    assert.equal(await waitedMs(() => ufs.stat(path)), 5_000);
    assert.equal(await waitedMs(() => read(ufs, 1)), 5_000);
    assert.equal(await waitedMs(() => names(ufs, 'list')), 5_000);
    script[0] = {};
    await ufs.stat(path);
    script[0] = { give: 0, fail: away() };
    assert.equal(await waitedMs(() => read(ufs, 1)), 45_000);
  });

  test('a connection that breaks after the last byte is no error', async () => {
    const inner = new ScriptedUfs([{ give: 4, fail: away() }]);
    assert.equal((await read(new RetryingUfs(inner, clock().deps), 4)).length, 4);
    assert.equal(inner.attempts, 1);
    const wrong = new ScriptedUfs([{ give: 4, fail: nonsense() }]);
    await assert.rejects(read(new RetryingUfs(wrong, clock().deps), 4), /bad-answer/);
  });

  test('what the sink throws ends the read', async () => {
    const reason = new Error('no room');
    const inner = new ScriptedUfs([{}]);
    const ufs = new RetryingUfs(inner, clock().deps);
    const sink = (): void => {
      throw reason;
    };
    await assert.rejects(ufs.read(Buffer.from('p'), 'v', 0, 4, sink), (err) => err === reason);
    assert.equal(inner.attempts, 1);
  });

  test('an aborted read is not tried again', async () => {
    const reason = new Error('enough');
    const inner = new ScriptedUfs([{ give: 1, fail: away() }]);
    const reading = read(new RetryingUfs(inner, clock().deps), 4, AbortSignal.abort(reason));
    await assert.rejects(reading, (err) => err === reason);
    assert.equal(inner.attempts, 1);
  });

  const all = ['b', 'a', 'd', 'c'];
  for (const by of ['list', 'walk'] as const) {
    test(`a ${by} that breaks gives each name once`, async () => {
      const { deps } = clock();
      const inner = new ScriptedUfs(
        [{ give: 1, fail: away() }, { give: 3, fail: away() }, { give: 2, fail: away() }, {}],
        all,
      );
      assert.deepEqual(await names(new RetryingUfs(inner, deps), by), { names: all, skipped: 4 });
      assert.equal(inner.attempts, 4);
    });

    test(`a ${by} that keeps breaking throws, and never just ends`, async () => {
      const inner = new ScriptedUfs([{ give: 2, fail: away() }], all);
      await assert.rejects(names(new RetryingUfs(inner, clock().deps), by), /tried/);
    });
  }

  test('a list of more names than are remembered throws when it breaks', async () => {
    const { deps } = clock({ namesMax: 2 });
    const inner = new ScriptedUfs([{ give: 3, fail: away() }, {}], all);
    await assert.rejects(names(new RetryingUfs(inner, deps), 'list'), (err: UfsError) => err.code === 'unavailable');
    const first = new ScriptedUfs([{ give: 2, fail: away() }, { give: 3, fail: away() }, {}], all);
    await assert.rejects(names(new RetryingUfs(first, deps), 'list'), (err: UfsError) => err.code === 'unavailable');
    const whole = new ScriptedUfs([{ give: 2, fail: away() }, {}], all);
    assert.deepEqual((await names(new RetryingUfs(whole, deps), 'list')).names, all);
  });

  test('an ordered walk goes on behind the last path, however many there were', async () => {
    const { deps } = clock({ namesMax: 0 });
    const paths = ['a', 'a-b', 'a/b', 'c', 'd'];
    const inner = new ScriptedUfs([{ give: 2, fail: away() }, { give: 4, fail: away() }, {}], paths);
    inner.walkIsOrdered = true;
    assert.deepEqual((await names(new RetryingUfs(inner, deps), 'walk')).names, paths);
  });

  test('the time that the consumer of a listing takes does not count', async () => {
    const { deps, pass } = clock({ deadlineMs: 1_000 });
    const inner = new ScriptedUfs([{ give: 2, fail: away() }, {}], all);
    const found: string[] = [];
    for await (const page of new RetryingUfs(inner, deps).list(Buffer.from(''))) {
      found.push(...page.entries.map((each) => each.name.toString()));
      pass(60_000);
    }
    assert.deepEqual(found, all);
  });

  test('a listing that is left closes the one inside', async () => {
    let isClosed = false;
    const inner = new ScriptedUfs([{}], all);
    inner.list = async function* (): AsyncGenerator<{ entries: UfsEntry[]; skipped: number }> {
      try {
        yield { entries: [entry('a')], skipped: 0 };
        yield { entries: [entry('b')], skipped: 0 };
      } finally {
        isClosed = true;
      }
    };
    for await (const _page of new RetryingUfs(inner, clock().deps).list(Buffer.from(''))) break;
    assert.ok(isClosed);
  });
});
