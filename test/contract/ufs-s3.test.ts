// The contract of under storages, over MinIO: as s3:// in both styles, and as oss:// with the bucket in the host name as OSS
// wants it. And what only buckets have: odd keys, folders beside files of one name, credentials that change.
import assert from 'node:assert/strict';
import { after, before, suite, test, type TestContext } from 'node:test';
import { createLogger } from '../../src/base/index.ts';
import { RetryingUfs } from '../../src/cache/ufs/retry.ts';
import { openS3, type S3Deps } from '../../src/cache/ufs/s3/index.ts';
import type { Ufs, UfsEntry, UfsError } from '../../src/cache/ufs/index.ts';
import { startMinio, type Minio } from '../support/minio.ts';
import { makeBucket, SecretFolder, type Bucket } from '../support/s3-bucket.ts';
import {
  listAll,
  readBytes,
  rejectsWith,
  ufsContract,
  versionOf,
  walkAll,
  type UfsStore,
  type UfsTraits,
} from './ufs.ts';

const quiet = createLogger({ write: () => {} });

let minio: Minio;
const secrets = new SecretFolder();
before(async () => {
  minio = await startMinio();
  secrets.write('id', `${minio.accessKeyId}\n`);
  secrets.write('secret', `${minio.accessKeySecret}\n`);
});
after(async () => {
  await minio.stop();
  secrets.remove();
});

const BUCKET: UfsTraits = {
  hasFolders: true,
  hasPosix: false,
  isWritableByTest: true,
  walkIsOrdered: true,
  canKeep: (name) => name.equals(Buffer.from(name.toString())), // keys are UTF-8
  secrets: ['evermount-test-secret'],
};

interface Opening {
  scheme?: 's3' | 'oss';
  style?: 'path' | 'host';
  prefix?: string;
  anonymous?: boolean;
  secretFiles?: Record<string, string>;
  options?: Record<string, string>;
  deps?: Partial<S3Deps>;
}

function open(bucket: string, opening: Opening = {}): Ufs {
  const { scheme = 's3', style = 'path', prefix = '', anonymous = false } = opening;
  const files = {
    [`fs.${scheme}.accessKeyId`]: `${secrets.path}/id`,
    [`fs.${scheme}.accessKeySecret`]: `${secrets.path}/secret`,
  };
  const spec = {
    mountPoint: `${scheme}://${bucket}/${prefix}`,
    path: '/',
    options: {
      [`fs.${scheme}.endpoint`]: style === 'path' ? `127.0.0.1:${minio.port}` : `localhost:${minio.port}`,
      [`fs.${scheme}.pathStyleAccess`]: String(style === 'path'),
      ...opening.options,
    },
    secretFiles: anonymous ? {} : (opening.secretFiles ?? files),
  };
  return openS3(spec, { logger: quiet, ...opening.deps });
}

async function bucketStore(name: string, opening: Opening): Promise<UfsStore> {
  const bucket = await makeBucket(minio, name);
  const ufs = new RetryingUfs(open(name, opening));
  const keyOf = (path: Buffer): string => `${opening.prefix ?? ''}${path.toString()}`;
  return {
    ufs,
    put: (path, bytes) => bucket.put(keyOf(path), bytes),
    remove: (path) => bucket.remove(keyOf(path)),
    makeFolder: (path) => bucket.put(`${keyOf(path)}/`, ''),
    async close() {
      await ufs.close();
      bucket.close();
    },
  };
}

ufsContract('s3, path style', () => bucketStore('path-style', { scheme: 's3', style: 'path' }), BUCKET);
ufsContract(
  's3, virtual-host style, below a prefix',
  () => bucketStore('host-style', { scheme: 's3', style: 'host', prefix: 'some where/ü+100%/' }),
  BUCKET,
);
ufsContract('oss, virtual-host style', () => bucketStore('oss-style', { scheme: 'oss', style: 'host' }), BUCKET);

suite('under storage: what only buckets have', () => {
  let buckets = 0;
  async function fresh(t: TestContext, opening: Opening = {}): Promise<{ bucket: Bucket; ufs: Ufs }> {
    buckets += 1;
    const bucket = await makeBucket(minio, `odd-${buckets}`);
    const ufs = open(bucket.name, opening);
    t.after(async () => {
      await ufs.close();
      bucket.close();
    });
    return { bucket, ufs };
  }
  const at = (path: string): Buffer => Buffer.from(path);

  test('an object that ends in a slash makes an empty folder, and no entry of it', async (t) => {
    const { bucket, ufs } = await fresh(t);
    await bucket.put('empty/', '');
    await bucket.put('full/', '');
    await bucket.put('full/file', 'x');
    assert.deepEqual(await shown(ufs, ''), { kinds: { empty: 'folder', full: 'folder' }, skipped: 0 });
    assert.deepEqual(await shown(ufs, 'empty'), { kinds: {}, skipped: 0 });
    assert.deepEqual(await shown(ufs, 'full'), { kinds: { file: 'file' }, skipped: 0 });
    assert.equal((await ufs.stat(at('empty')))?.kind, 'folder');
    const walked = (await walkAll(ufs, at(''))).map(({ kind, path }) => `${kind} ${path}`);
    assert.deepEqual(walked, ['folder empty', 'folder full', 'file full/file']);
  });

  test('a bucket without objects is an empty folder, and so is a prefix without any', async (t) => {
    const { bucket, ufs } = await fresh(t);
    assert.deepEqual(await shown(ufs, ''), { kinds: {}, skipped: 0 });
    const below = open(bucket.name, { prefix: 'not/yet' });
    assert.deepEqual(await shown(below, ''), { kinds: {}, skipped: 0 });
    assert.equal((await below.stat(at('')))?.kind, 'folder');
    await below.close();
  });

  test('a bucket that is not there is not-found', async () => {
    const ufs = open('no-such-bucket');
    await rejectsWith('not-found', ufs.stat(at('')));
    await rejectsWith('not-found', listAll(ufs, at('')));
    await rejectsWith('not-found', walkAll(ufs, at('')));
    await rejectsWith('not-found', ufs.stat(at('file')));
    await ufs.close();
  });

  test('a public bucket needs no credentials, and another one denies', async (t) => {
    const { bucket } = await fresh(t);
    await bucket.put('file', 'twelve bytes');
    const ufs = open(bucket.name, { anonymous: true });
    t.after(() => ufs.close());
    await rejectsWith('denied', listAll(ufs, at('')));
    await rejectsWith('denied', ufs.stat(at('file')));
    await rejectsWith('denied', readBytes(ufs, at('file'), 'any', 0, 1));
    await bucket.makePublic();
    assert.deepEqual(await shown(ufs, ''), { kinds: { file: 'file' }, skipped: 0 });
    const version = await versionOf(ufs, at('file'));
    assert.equal((await readBytes(ufs, at('file'), version, 0, 12)).toString(), 'twelve bytes');
  });

  test('who may read an object but not list the bucket finds it by name', async (t) => {
    const { bucket } = await fresh(t);
    await bucket.put('open/file', 'x');
    await bucket.put('closed/file', 'x');
    await bucket.makeReadable('open/*');
    const ufs = open(bucket.name, { anonymous: true });
    t.after(() => ufs.close());
    assert.equal((await ufs.stat(at('open/file')))?.kind, 'file');
    await rejectsWith('denied', ufs.stat(at('closed/file')));
    await rejectsWith('denied', ufs.stat(at('open/missing')));
  });

  test('wrong keys are denied with the reason of the storage, and heal when the files are corrected', async (t) => {
    const { bucket } = await fresh(t);
    await bucket.put('file', 'twelve bytes');
    const own = new SecretFolder();
    t.after(() => own.remove());
    const files = {
      'fs.s3.accessKeyId': own.write('id', minio.accessKeyId),
      'fs.s3.accessKeySecret': own.write('secret', 'wrong'),
    };
    // Files are looked at once an hour here: only the denial makes it look.
    const ufs = open(bucket.name, { secretFiles: files, deps: { limits: { credentialsCheckMs: 3_600_000 } } });
    t.after(() => ufs.close());
    await assert.rejects(listAll(ufs, at('')), (err: UfsError) => {
      assert.equal(err.fault.code, 'denied');
      assert.match(err.message, /403 SignatureDoesNotMatch/);
      assert.ok(!err.message.includes('wrong'), 'the secret is in the message');
      return true;
    });
    own.write('id', 'nobody');
    await assert.rejects(ufs.stat(at('file')), /InvalidAccessKeyId/);
    own.write('secret', `${minio.accessKeySecret}\n`);
    own.write('id', minio.accessKeyId);
    const version = await versionOf(ufs, at('file'));
    assert.equal((await readBytes(ufs, at('file'), version, 0, 12)).toString(), 'twelve bytes');
    own.write('secret', 'wrong again');
    assert.equal((await readBytes(ufs, at('file'), version, 0, 12)).toString(), 'twelve bytes', 'not looked at yet');
  });

  test('the shared credentials file of AWS gives keys by profile', async (t) => {
    const { bucket } = await fresh(t);
    await bucket.put('file', 'x');
    const keys = `aws_access_key_id = ${minio.accessKeyId}\naws_secret_access_key=${minio.accessKeySecret}\n`;
    const file = secrets.write(
      'aws',
      `[default]\naws_access_key_id=no\naws_secret_access_key=no\n\n[ours]\n# keys\n${keys}`,
    );
    const ours = open(bucket.name, { secretFiles: { credentials: file }, options: { profile: 'ours' } });
    assert.equal((await ours.stat(at('file')))?.kind, 'file');
    const others = open(bucket.name, { secretFiles: { credentials: file } });
    await rejectsWith('denied', others.stat(at('file')));
    await Promise.all([ours.close(), others.close()]);
  });

  test('a clock that is off is said to be', async (t) => {
    const { bucket } = await fresh(t);
    const ufs = open(bucket.name, { deps: { nowMs: () => Date.now() - 3_600_000 } });
    t.after(() => ufs.close());
    await assert.rejects(listAll(ufs, at('')), (err: UfsError) => {
      assert.equal(err.fault.code, 'denied');
      assert.match(err.message, /differ by 3[56]\d\d s, set the clock of this machine$/);
      return true;
    });
    await assert.rejects(ufs.stat(at('file')), /set the clock of this machine$/);
  });

  test('a server that is gone is unavailable, and back when it is', async () => {
    const own = await startMinio();
    const bucket = await makeBucket(own, 'comes-and-goes');
    await bucket.put('file', 'twelve bytes');
    const ufs = openS3(
      {
        mountPoint: 's3://comes-and-goes',
        path: '/',
        options: { 'fs.s3.endpoint': own.endpoint },
        secretFiles: { 'fs.s3.accessKeyId': `${secrets.path}/id`, 'fs.s3.accessKeySecret': `${secrets.path}/secret` },
      },
      { logger: quiet },
    );
    const version = await versionOf(ufs, at('file'));
    process.kill(own.pid, 'SIGKILL');
    await rejectsWith('unavailable', readUntilRefused(ufs, version));
    const again = await startMinio({ folder: own.folder, port: own.port });
    assert.equal((await readBytes(ufs, at('file'), version, 0, 12)).toString(), 'twelve bytes');
    await ufs.close();
    bucket.close();
    await again.stop();
    await own.stop();
  });
});

async function readUntilRefused(ufs: Ufs, version: string): Promise<void> {
  for (;;) await readBytes(ufs, Buffer.from('file'), version, 0, 12);
}

async function shown(ufs: Ufs, folder: string): Promise<{ kinds: Record<string, UfsEntry['kind']>; skipped: number }> {
  const kinds: Record<string, UfsEntry['kind']> = {};
  let skipped = 0;
  for await (const page of ufs.list(Buffer.from(folder))) {
    for (const { name, kind } of page.entries) kinds[name.toString()] = kind;
    skipped += page.skipped;
  }
  return { kinds, skipped };
}
