// What goes wrong between the s3 storage and its server: over MinIO, with a proxy between that breaks answers. The storage
// alone says what is wrong; wrapped in RetryingUfs, what passes is not noticed.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { createLogger } from '../../src/base/index.ts';
import type { Ufs, UfsError } from '../../src/cache/ufs/index.ts';
import { DEFAULT_RETRY, RetryingUfs } from '../../src/cache/ufs/retry.ts';
import { openS3 } from '../../src/cache/ufs/s3/index.ts';
import { FaultProxy, type ProxyFault } from '../support/fault-proxy.ts';
import { startMinio, type Minio } from '../support/minio.ts';
import { makeBucket, SecretFolder, type Bucket } from '../support/s3-bucket.ts';
import { listAll, readBytes, rejectsWith, versionOf } from './ufs.ts';

const FILE = Buffer.from('folder/file');
const content = randomBytes(300_000);

suite('s3 when the storage misbehaves', () => {
  let minio: Minio;
  let proxy: FaultProxy;
  let bucket: Bucket;
  let ufs: Ufs;
  let patient: Ufs;
  let version: string;
  const secrets = new SecretFolder();

  before(async () => {
    minio = await startMinio();
    proxy = await FaultProxy.start(minio.port);
    bucket = await makeBucket(minio, 'faults');
    await bucket.put(FILE, content);
    const spec = {
      mountPoint: 's3://faults',
      path: '/',
      options: { 'fs.s3.endpoint': proxy.origin },
      secretFiles: {
        'fs.s3.accessKeyId': secrets.write('id', minio.accessKeyId),
        'fs.s3.accessKeySecret': secrets.write('secret', minio.accessKeySecret),
      },
    };
    const retry = { ...DEFAULT_RETRY, config: { ...DEFAULT_RETRY.config, pause: { baseMs: 1, maxMs: 10 } } };
    const limits = { stallTimeoutMs: 300, answerTimeoutMs: 1_000, slowestBytesPerSecond: 1024 * 1024 * 1024 };
    ufs = openS3(spec, { logger: createLogger({ write: () => {} }), limits, retry });
    patient = new RetryingUfs(ufs, retry);
    version = await versionOf(ufs, FILE);
  });
  after(async () => {
    await ufs.close();
    bucket.close();
    await proxy.close();
    await minio.stop();
    secrets.remove();
  });

  const read = (from: Ufs, length = content.length): Promise<Buffer> => readBytes(from, FILE, version, 0, length);

  const passing: Record<string, [ProxyFault, UfsError['code']]> = {
    'is reset before its answer': [{ do: 'reset', afterBytes: 0 }, 'unavailable'],
    'is reset in the head of the answer': [{ do: 'reset', afterBytes: 20 }, 'unavailable'],
    'is closed in the body': [{ do: 'close', afterBytes: 100_000 }, 'unavailable'],
    'ends its body early': [{ do: 'truncate', bodyBytes: 70_000 }, 'unavailable'],
    'gives a shorter body as if it were right': [{ do: 'resize', byBytes: -1 }, 'bad-answer'],
    'gives a longer body': [{ do: 'resize', byBytes: 1 }, 'bad-answer'],
    'gives another range': [{ do: 'header', name: 'Content-Range', value: 'bytes 1-300000/300001' }, 'bad-answer'],
    'stalls before its answer': [{ do: 'stall', afterBytes: 0 }, 'unavailable'],
    'stalls in the body': [{ do: 'stall', afterBytes: 100_000 }, 'unavailable'],
    'gives byte after byte, for ever': [{ do: 'trickle', everyMs: 20 }, 'unavailable'],
    'is busy': [{ do: 'refuse', status: 503, code: 'SlowDown' }, 'unavailable'],
    'says it has failed': [{ do: 'refuse', status: 500, code: 'InternalError' }, 'unavailable'],
    'is asked too often': [{ do: 'refuse', status: 429, code: 'TooManyRequests' }, 'unavailable'],
  };
  for (const [what, [fault, code]] of Object.entries(passing)) {
    test(`a read whose request ${what} is ${code}, and whole when it is tried again`, { timeout: 20_000 }, async () => {
      const url = /folder\/file/;
      proxy.use({ method: 'GET', url, fault });
      await rejectsWith(code, read(ufs));
      proxy.use({ method: 'GET', url, times: 2, fault });
      assert.ok((await read(patient)).equals(content));
      proxy.clear();
    });
  }

  test('a reset after any of many bytes harms no small read', async () => {
    for (let afterBytes = 0; afterBytes < 1_200; afterBytes += 37) {
      proxy.use({ method: 'GET', url: /folder\/file/, times: 1, fault: { do: 'reset', afterBytes } });
      assert.ok((await read(patient, 600)).equals(content.subarray(0, 600)), `after ${afterBytes} bytes`);
    }
    proxy.clear();
  });

  test('what no other attempt would change is said at once', async () => {
    const cases: [string, number, UfsError['code']][] = [
      ['AccessDenied', 403, 'denied'],
      ['ExpiredToken', 400, 'denied'],
      ['NoSuchBucket', 404, 'not-found'],
      ['NoSuchKey', 404, 'changed'],
      ['PreconditionFailed', 412, 'changed'],
    ];
    for (const [error, status, code] of cases) {
      proxy.clear();
      proxy.use({ fault: { do: 'refuse', status, code: error } });
      await rejectsWith(code, read(patient), error);
      assert.equal(proxy.seen.length, 1, error);
    }
    proxy.clear();
  });

  test('the error says what the storage said', async () => {
    proxy.use({ fault: { do: 'refuse', status: 403, code: 'AccessDenied' } });
    await assert.rejects(read(ufs), /^UfsError: Cannot read "folder\/file": 403 AccessDenied/);
    await assert.rejects(ufs.stat(FILE), /^UfsError: Cannot look up "folder\/file": 403 AccessDenied/);
    proxy.clear();
  });

  test('Retry-After is told, in seconds and as a date', async () => {
    const headers = { 'Retry-After': '7' };
    proxy.use({ fault: { do: 'refuse', status: 503, code: 'SlowDown', headers } });
    await assert.rejects(read(ufs), (err: UfsError) => 'retryAfterMs' in err.fault && err.fault.retryAfterMs === 7_000);
    const date = new Date(Date.now() + 60_000).toUTCString();
    proxy.use({ fault: { do: 'refuse', status: 503, code: 'SlowDown', headers: { 'Retry-After': date } } });
    await assert.rejects(read(ufs), (err: UfsError) => {
      const { retryAfterMs = 0 } = err.fault as { retryAfterMs?: number };
      return retryAfterMs > 50_000 && retryAfterMs <= 60_000;
    });
    proxy.clear();
  });

  test('bytes of another version are not given, even by a server that does not look at If-Match', async () => {
    proxy.use({ method: 'GET', url: /folder\/file/, fault: { do: 'header', name: 'ETag', value: '"another"' } });
    let given = 0;
    await rejectsWith(
      'changed',
      ufs.read(FILE, version, 0, 10, (chunk) => (given += chunk.length)),
    );
    assert.equal(given, 0);
    proxy.clear();
  });

  test('a lookup that fails is no answer, whichever half of it failed', async () => {
    for (const rule of [{ method: 'HEAD' }, { url: /list-type=2/ }]) {
      proxy.use({ ...rule, fault: { do: 'refuse', status: 503, code: 'SlowDown' } });
      await rejectsWith('unavailable', ufs.stat(FILE));
      await rejectsWith(
        'unavailable',
        rule.method === 'HEAD' ? ufs.stat(Buffer.from('no')) : ufs.stat(Buffer.from('folder')),
      );
      proxy.use({ ...rule, times: 1, fault: { do: 'refuse', status: 503, code: 'SlowDown' } });
      assert.equal((await patient.stat(FILE))?.kind, 'file');
    }
    proxy.use({ method: 'HEAD', fault: { do: 'refuse', status: 403, code: '' } });
    assert.equal((await ufs.stat(Buffer.from('folder')))?.kind, 'folder');
    proxy.clear();
  });

  test('a listing that breaks at any byte is whole in the end', async () => {
    for (const afterBytes of [0, 50, 300, 500, 700, 900]) {
      proxy.use({ url: /list-type=2/, times: 2, fault: { do: 'reset', afterBytes } });
      assert.deepEqual([...(await listAll(ufs, Buffer.from('folder'))).keys()], ['file'], `after ${afterBytes}`);
    }
    proxy.use({ url: /list-type=2/, times: 2, fault: { do: 'stall', afterBytes: 400 } });
    assert.deepEqual([...(await listAll(ufs, Buffer.from('folder'))).keys()], ['file']);
    proxy.clear();
  });

  test('connections that were closed meanwhile are not noticed', async () => {
    await Promise.all(Array.from({ length: 40 }, () => read(ufs, 100)));
    proxy.breakConnections();
    const after = await Promise.all(Array.from({ length: 10 }, () => read(ufs, 100)));
    assert.ok(after.every((bytes) => bytes.equals(content.subarray(0, 100))));
  });

  test('the region that the storage names is signed for', async () => {
    const headers = { 'x-amz-bucket-region': 'eu-north-1' };
    proxy.clear();
    proxy.use({ times: 1, fault: { do: 'refuse', status: 400, code: 'AuthorizationHeaderMalformed', headers } });
    assert.ok((await read(ufs, 100)).equals(content.subarray(0, 100)));
    assert.match(String(proxy.seen.at(-1)?.headers['authorization']), /\/eu-north-1\/s3\//);
    proxy.clear();
  });

  test('an aborted read gives nothing more', async () => {
    proxy.use({ method: 'GET', url: /folder\/file/, fault: { do: 'stall', afterBytes: 100_000 } });
    const stop = new AbortController();
    const reason = new Error('enough');
    let given = 0;
    const reading = patient.read(
      FILE,
      version,
      0,
      content.length,
      (chunk) => {
        given += chunk.length;
        stop.abort(reason);
      },
      stop.signal,
    );
    await assert.rejects(reading, (err) => err === reason);
    const then = given;
    proxy.clear();
    assert.ok((await read(patient)).equals(content));
    assert.equal(given, then);
  });
});
