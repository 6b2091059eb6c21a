// The S3 storage before a real server that misbehaves: whatever the network and the server do, what is given is right and in
// order, and every call ends. The clock of retries is the test's own, so that pauses of minutes take none.
import assert from 'node:assert/strict';
import { after, afterEach, before, suite, test } from 'node:test';
import { createLogger } from '../../src/base/index.ts';
import { openS3 } from '../../src/cache/ufs/s3/index.ts';
import { UfsError, type Ufs, type UfsFault } from '../../src/cache/ufs/index.ts';
import { DEFAULT_RETRY, RetryingUfs } from '../../src/cache/ufs/retry.ts';
import { FaultProxy, type ProxyFault } from '../support/fault-proxy.ts';
import { startMinio, type Minio } from '../support/minio.ts';
import { makeBucket, SecretFolder, type Bucket } from '../support/s3-bucket.ts';
import { within } from '../support/wait.ts';

const SMALL = Buffer.from('sixty-four bytes, in which every single one has its own place ..');
const LARGE = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) >> 5));
const FILE = Buffer.from('folder/small');
const LARGE_FILE = Buffer.from('folder/large');

/** Longer than any of these calls may take with the limits below, whatever happens. */
const HUNG_MS = 10_000;
const LIMITS = { stallTimeoutMs: 200, answerTimeoutMs: 600, slowestBytesPerSecond: 1e6, credentialsCheckMs: 0 };

const silent = createLogger({ write: () => {} });

/** Every way in which an answer can be unusable once and right the next time. */
const BAD_ONCE: readonly [name: string, fault: ProxyFault][] = [
  ['no answer at all', { do: 'close', afterBytes: 0 }],
  ['a body cut short', { do: 'truncate', bodyBytes: 20 }],
  ['a body shorter than asked for', { do: 'resize', byBytes: -5 }],
  ['a body longer than asked for', { do: 'resize', byBytes: 5 }],
  ['an empty body', { do: 'resize', byBytes: -LARGE.length }],
  ['silence from the start', { do: 'stall', afterBytes: 0 }],
  ['silence within the head', { do: 'stall', afterBytes: 30 }],
  ['silence within the body', { do: 'stall', afterBytes: 100_000 }],
  ['a byte at a time', { do: 'trickle', everyMs: 20 }],
  ['a reset within the body', { do: 'reset', afterBytes: 150_000 }],
  ['500', { do: 'refuse', status: 500, code: 'InternalError' }],
  ['503', { do: 'refuse', status: 503, code: 'SlowDown' }],
  ['429', { do: 'refuse', status: 429, code: 'TooManyRequests' }],
];

suite('s3 through a bad network', { timeout: 300_000 }, () => {
  let minio: Minio;
  let bucket: Bucket;
  let proxy: FaultProxy;
  let secrets: SecretFolder;
  const opened: Ufs[] = [];

  before(async () => {
    minio = await startMinio();
    bucket = await makeBucket(minio, 'faults');
    await bucket.put('folder/small', SMALL);
    await bucket.put('folder/large', LARGE);
    secrets = new SecretFolder();
    proxy = await FaultProxy.start(minio.port);
  });
  afterEach(async () => {
    proxy.clear();
    for (const ufs of opened.splice(0)) await ufs.close();
  });
  after(async () => {
    await proxy.close();
    bucket.close();
    await minio.stop();
    secrets.remove();
  });

  test('through the proxy alone everything is as ever', async () => {
    const { ufs } = open();
    assert.deepEqual(await readAll(ufs, LARGE_FILE, LARGE.length), LARGE);
    assert.deepEqual(await namesOf(ufs), ['large', 'small']);
    assert.ok(proxy.seen.length >= 3);
  });

  for (const end of ['reset', 'close'] as const) {
    test(`${end} after every byte of an answer: the file is read whole and once`, async () => {
      const { ufs } = open();
      const version = await versionOf(ufs, FILE);
      const most = 1200; // head and body have less
      let met = 0;
      for (let afterBytes = 0; afterBytes < most; afterBytes++) {
        proxy.clear();
        proxy.use({ method: 'GET', times: 1, fault: { do: end, afterBytes } });
        assert.deepEqual(await readWith(ufs, FILE, version, SMALL.length), SMALL, `after ${afterBytes} bytes`);
        met = proxy.seen.length > 1 ? afterBytes : met;
        if (afterBytes > met + 50) break; // past the end of the answer
      }
      assert.ok(met > SMALL.length + 100, `the last position that mattered was ${met}`);
    });

    test(`${end} after every byte of a listing: every name comes, and once`, async () => {
      const { ufs } = open();
      let met = 0;
      for (let afterBytes = 0; afterBytes < 3000; afterBytes += 3) {
        proxy.clear();
        proxy.use({ url: /list-type/, times: 1, fault: { do: end, afterBytes } });
        assert.deepEqual(await namesOf(ufs), ['large', 'small'], `after ${afterBytes} bytes`);
        met = proxy.seen.length > 1 ? afterBytes : met;
        if (afterBytes > met + 50) break;
      }
      assert.ok(met > 600, `the last position that mattered was ${met}`);
    });
  }

  for (const [name, fault] of BAD_ONCE) {
    test(`${name}, once: a read, a listing and a lookup are right all the same`, async () => {
      const { ufs } = open();
      const version = await versionOf(ufs, LARGE_FILE);
      proxy.use({ method: 'GET', url: /folder[/]large/, times: 1, fault });
      assert.deepEqual(await readWith(ufs, LARGE_FILE, version, LARGE.length), LARGE);
      assert.equal(proxy.seen.filter((each) => each.fault !== undefined).length, 1);
      proxy.use({ url: /list-type/, times: 1, fault });
      assert.deepEqual(await namesOf(ufs), ['large', 'small']);
      proxy.use({ method: 'HEAD', times: 1, fault: fault.do === 'resize' ? { do: 'reset', afterBytes: 9 } : fault });
      assert.equal(await versionOf(ufs, LARGE_FILE), version);
    });

    test(`${name}, for ever: the calls end with an error, and no wrong byte was given`, async () => {
      const { ufs } = open();
      const version = await versionOf(ufs, LARGE_FILE);
      proxy.use({ method: 'GET', fault });
      // What comes before the fault is right, and read on from there: then it may even come to an end.
      const { code, given } = await failedRead(ufs, LARGE_FILE, version, LARGE.length);
      assert.deepEqual(given, LARGE.subarray(0, given.length));
      if (given.length < LARGE.length) assert.ok(code === 'unavailable' || code === 'bad-answer', code);
      proxy.use({ url: /list-type/, fault: fault.do === 'reset' ? { do: 'reset', afterBytes: 400 } : fault });
      // A listing that is whole before the fault comes is as good as any.
      const listed = namesOf(ufs).then((names) => assert.deepEqual(names, ['large', 'small']));
      const failure = await codeOf(listed);
      assert.ok(failure === 'none' || failure === 'unavailable' || failure === 'bad-answer', failure);
      if (fault.do === 'refuse' || fault.do === 'trickle') assert.equal(failure, 'unavailable');
    });
  }

  test('Retry-After is honoured, of 503 and of 429', async () => {
    for (const status of [503, 429]) {
      const { ufs, pauses } = open();
      const version = await versionOf(ufs, FILE);
      const headers = { 'Retry-After': '7' };
      proxy.use({ method: 'GET', times: 1, fault: { do: 'refuse', status, code: 'SlowDown', headers } });
      assert.deepEqual(await readWith(ufs, FILE, version, SMALL.length), SMALL);
      assert.equal(pauses.length, 1);
      assert.ok(pauses[0]! >= 7000, `paused ${pauses[0]} ms`);
    }
  });

  test('a Retry-After of a day is not', async () => {
    const { ufs, pauses } = open();
    const version = await versionOf(ufs, FILE);
    const headers = { 'Retry-After': '86400' };
    proxy.use({ method: 'GET', times: 1, fault: { do: 'refuse', status: 503, code: 'SlowDown', headers } });
    assert.deepEqual(await readWith(ufs, FILE, version, SMALL.length), SMALL);
    assert.ok(Math.max(...pauses) <= 9_000);
  });

  test('a wrong Content-Range or ETag is not believed', async () => {
    const { ufs } = open();
    const version = await versionOf(ufs, FILE);
    const wrongRange = { do: 'header', name: 'Content-Range', value: 'bytes 8-71/72' } as const;
    proxy.use({ method: 'GET', times: 1, fault: wrongRange });
    assert.deepEqual(await readWith(ufs, FILE, version, SMALL.length), SMALL);
    proxy.use({ method: 'GET', fault: wrongRange });
    assert.deepEqual(await failedRead(ufs, FILE, version, SMALL.length), {
      code: 'bad-answer',
      given: Buffer.alloc(0),
    });
    proxy.use({ method: 'GET', fault: { do: 'header', name: 'ETag', value: '"0123456789abcdef0123456789abcdef"' } });
    assert.deepEqual(await failedRead(ufs, FILE, version, SMALL.length), { code: 'changed', given: Buffer.alloc(0) });
  });

  test('latency within the limit is waited for', async () => {
    const { ufs, pauses } = open();
    proxy.use({ fault: { do: 'delay', ms: 50 } });
    assert.deepEqual(await readAll(ufs, FILE, SMALL.length), SMALL);
    assert.equal(pauses.length, 0);
  });

  test('wrong keys, an expired token and a wrong clock are denied at once, and said', async () => {
    const wrongKeys = open({ secret: 'wrong' });
    assert.equal(await codeOf(namesOf(wrongKeys.ufs)), 'denied');
    assert.equal(await codeOf(wrongKeys.ufs.stat(FILE)), 'denied');
    const late = open({ nowMs: () => Date.now() - 3_600_000 });
    await assert.rejects(namesOf(late.ufs), /RequestTimeTooSkewed.*clock/);
    const expired = open();
    const version = await versionOf(expired.ufs, FILE);
    proxy.clear();
    for (const [status, code] of [
      [400, 'ExpiredToken'],
      [403, 'RequestTimeTooSkewed'],
      [403, 'InvalidAccessKeyId'],
    ] as const) {
      // prettier-ignore
      proxy.use({ fault: { do: 'refuse', status, code } });
      const read = await failedRead(expired.ufs, FILE, version, SMALL.length);
      assert.deepEqual(read, { code: 'denied', given: Buffer.alloc(0) }, code);
    }
    assert.deepEqual([wrongKeys.pauses, late.pauses, expired.pauses], [[], [], []]);
    assert.ok(proxy.seen.length <= 6, `asked ${proxy.seen.length} times`);
  });

  test('a bucket that is gone is not found, and not asked for again and again', async () => {
    const { ufs, pauses } = open({ bucket: 'gone' });
    assert.equal(await codeOf(namesOf(ufs)), 'not-found');
    assert.equal(await codeOf(ufs.stat(Buffer.alloc(0))), 'not-found');
    assert.equal((await failedRead(ufs, FILE, 'e'.repeat(32), 10)).code, 'not-found');
    assert.deepEqual(pauses, []);
  });

  test('access denied on one object is of that object only', async () => {
    const own = await makeBucket(minio, 'partly');
    for (const key of ['folder/small', 'folder/secret']) await own.put(key, SMALL);
    await own.makeReadable('folder/small');
    own.close();
    const { ufs: known } = open({ bucket: 'partly' });
    const secretVersion = await versionOf(known, Buffer.from('folder/secret'));
    const { ufs, pauses } = open({ bucket: 'partly', anonymous: true });
    const denied = await failedRead(ufs, Buffer.from('folder/secret'), secretVersion, SMALL.length);
    assert.deepEqual(denied, { code: 'denied', given: Buffer.alloc(0) });
    assert.deepEqual(await readWith(ufs, FILE, await versionOf(known, FILE), SMALL.length), SMALL);
    assert.deepEqual(pauses, []);
  });

  test('a file replaced between two parts of a read, or before a retry, is changed: never a mixture', async () => {
    const path = Buffer.from('folder/replaced');
    const newer = Buffer.alloc(LARGE.length, 'newer');
    for (const first of [undefined, { do: 'reset', afterBytes: 100_000 } as const]) {
      await bucket.put('folder/replaced', LARGE);
      const { ufs } = open();
      const version = await versionOf(ufs, path);
      const replace = (): Promise<void> => bucket.put('folder/replaced', newer);
      const rules = [{ method: 'GET', from: first === undefined ? 1 : 2, times: 1, fault: { do: 'hold', until: replace } }] as const; // prettier-ignore
      proxy.use(...(first === undefined ? [] : [{ method: 'GET', times: 1, fault: first }]), ...rules);
      const { code, given } = await failedRead(ufs, path, version, LARGE.length);
      assert.equal(code, 'changed');
      assert.deepEqual(given, LARGE.subarray(0, given.length));
      assert.equal(given.length > 0, first !== undefined);
    }
    await bucket.remove('folder/replaced');
    const { ufs } = open();
    assert.deepEqual(await namesOf(ufs), ['large', 'small']);
  });

  test('every connection broken at once: all reads that were under way end right', async () => {
    const { ufs } = open();
    const version = await versionOf(ufs, LARGE_FILE);
    for (let round = 0; round < 5; round++) {
      const reads = Array.from({ length: 16 }, () => readWith(ufs, LARGE_FILE, version, LARGE.length));
      setImmediate(() => proxy.breakConnections());
      for (const bytes of await Promise.all(reads)) assert.deepEqual(bytes, LARGE);
    }
  });

  test('a caller that gives up is let go, whatever the storage does', async () => {
    const { ufs } = open({ stallTimeoutMs: 60_000 });
    const version = await versionOf(ufs, FILE);
    for (const afterBytes of [0, 50, 500]) {
      proxy.use({ fault: { do: 'stall', afterBytes } });
      const stop = AbortSignal.timeout(20);
      const given = within(HUNG_MS, 'a read that was given up', ufs.read(FILE, version, 0, 64, () => {}, stop)); // prettier-ignore
      await assert.rejects(given, { name: 'TimeoutError' });
    }
  });

  /** The storage through the proxy. Pauses between attempts take no time, but are counted and move the clock of retries. */
  function open(
    options: {
      bucket?: string;
      secret?: string;
      anonymous?: boolean;
      nowMs?: () => number;
      stallTimeoutMs?: number;
    } = {},
  ): { ufs: Ufs; pauses: number[] } {
    const pauses: number[] = [];
    let pausedMs = 0;
    const retry = {
      ...DEFAULT_RETRY,
      config: { ...DEFAULT_RETRY.config, deadlineMs: 10_000, retryAfterMaxMs: 9_000 },
      nowMs: () => performance.now() + pausedMs,
      sleep: (delayMs: number) => {
        pauses.push(delayMs);
        pausedMs += delayMs;
        return Promise.resolve();
      },
    };
    const secretFiles = {
      'fs.s3.accessKeyId': secrets.write('id', minio.accessKeyId),
      'fs.s3.accessKeySecret': secrets.write('secret', options.secret ?? minio.accessKeySecret),
    };
    const spec = {
      mountPoint: `s3://${options.bucket ?? bucket.name}`,
      path: '/',
      options: { 'fs.s3.endpoint': proxy.origin },
      secretFiles: options.anonymous === true ? {} : secretFiles,
    };
    const limits = options.stallTimeoutMs === undefined ? LIMITS : { ...LIMITS, stallTimeoutMs: options.stallTimeoutMs, answerTimeoutMs: 120_000 }; // prettier-ignore
    const nowMs = options.nowMs === undefined ? {} : { nowMs: options.nowMs };
    const ufs = new RetryingUfs(openS3(spec, { logger: silent, limits, retry, ...nowMs }), retry);
    opened.push(ufs);
    return { ufs, pauses };
  }

  async function versionOf(ufs: Ufs, path: Buffer): Promise<string> {
    const entry = await within(HUNG_MS, 'a lookup', ufs.stat(path));
    return entry?.version ?? assert.fail('it is not there');
  }

  async function namesOf(ufs: Ufs): Promise<string[]> {
    const names: string[] = [];
    const list = async (): Promise<void> => {
      for await (const page of ufs.list(Buffer.from('folder'))) {
        for (const { name } of page.entries) names.push(name.toString());
      }
    };
    await within(HUNG_MS, 'a listing', list());
    return names;
  }

  async function readAll(ufs: Ufs, path: Buffer, length: number): Promise<Buffer> {
    return readWith(ufs, path, await versionOf(ufs, path), length);
  }

  async function readWith(ufs: Ufs, path: Buffer, version: string, length: number): Promise<Buffer> {
    const { bytes, reading } = startRead(ufs, path, version, length);
    await within(HUNG_MS, 'a read', reading);
    return bytes();
  }

  async function failedRead(
    ufs: Ufs,
    path: Buffer,
    version: string,
    length: number,
  ): Promise<{ code: UfsFault['code'] | 'none'; given: Buffer }> {
    const { bytes, reading } = startRead(ufs, path, version, length);
    return { code: await codeOf(reading), given: bytes() };
  }

  function startRead(
    ufs: Ufs,
    path: Buffer,
    version: string,
    length: number,
  ): { bytes: () => Buffer; reading: Promise<void> } {
    const chunks: Buffer[] = [];
    const reading = ufs.read(path, version, 0, length, (chunk) => chunks.push(Buffer.from(chunk)));
    return { bytes: () => Buffer.concat(chunks), reading };
  }

  /** What it fails with; 'none' when it does not. */
  async function codeOf(call: Promise<unknown>): Promise<UfsFault['code'] | 'none'> {
    try {
      await within(60_000, 'a call that cannot succeed', call);
      return 'none';
    } catch (err) {
      if (err instanceof UfsError) return err.code;
      throw err;
    }
  }
});
