import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createLogger } from '../../../base/index.ts';
import { UfsError } from '../errors.ts';
import type { MountSpec } from '../mount-spec.ts';
import { planEndpoint, type Endpoint } from './endpoint.ts';
import { openS3 } from './index.ts';
import { decodeS3Options } from './options.ts';

const logger = createLogger({ write: () => {} });

function spec(
  mountPoint: string,
  options: Record<string, string> = {},
  secretFiles: Record<string, string> = {},
): MountSpec {
  return { mountPoint, path: '/', options, secretFiles };
}

function plan(mountPoint: string, options: Record<string, string> = {}): Endpoint {
  const mount = spec(mountPoint, options);
  return planEndpoint(decodeS3Options(mount, logger), mount);
}

function refuses(mount: MountSpec, why: RegExp): void {
  assert.throws(
    () => openS3(mount, { logger }),
    (err: unknown) => {
      assert.ok(err instanceof UfsError);
      assert.equal(err.code, 'bad-config');
      assert.match(err.message, why);
      return true;
    },
  );
}

suite('planEndpoint()', () => {
  const table: readonly [string, Record<string, string>, string][] = [
    ['s3://b/p', { 'fs.s3.endpoint': 'minio.default.svc:9000' }, 'http minio.default.svc:9000 /b/ us-east-1'],
    ['s3://b/p', { 'fs.s3.endpoint': 'https://minio.example' }, 'https minio.example /b/ us-east-1'],
    ['s3://b/p', { 'fs.s3.endpoint': 'http://10.0.0.7:9000/' }, 'http 10.0.0.7:9000 /b/ us-east-1'],
    ['s3://b/p', { 'fs.s3.endpoint': '[::1]:9000' }, 'http [::1]:9000 /b/ us-east-1'],
    ['s3://b/p', {}, 'https b.s3.us-east-1.amazonaws.com / us-east-1'],
    ['s3://b/p', { 'fs.s3.region': 'eu-west-1' }, 'https b.s3.eu-west-1.amazonaws.com / eu-west-1'],
    ['s3://b/p', { 'fs.s3.region': 'cn-north-1' }, 'https b.s3.cn-north-1.amazonaws.com.cn / cn-north-1'],
    ['s3://b.c/p', {}, 'https s3.us-east-1.amazonaws.com /b.c/ us-east-1'],
    ['s3://b', { 'fs.s3.endpoint': 's3.eu-west-1.amazonaws.com' }, 'https b.s3.eu-west-1.amazonaws.com / eu-west-1'],
    ['s3://b', { 'fs.s3.endpoint': 's3.amazonaws.com' }, 'https b.s3.amazonaws.com / us-east-1'],
    [
      'oss://b',
      { 'fs.oss.endpoint': 'oss-cn-hangzhou.aliyuncs.com' },
      'https b.s3.oss-cn-hangzhou.aliyuncs.com / cn-hangzhou',
    ],
    [
      'oss://b',
      { 'fs.oss.endpoint': 'http://oss-cn-beijing-internal.aliyuncs.com' },
      'http b.s3.oss-cn-beijing-internal.aliyuncs.com / cn-beijing',
    ],
    [
      'oss://b',
      { 'fs.oss.endpoint': 's3.oss-accelerate.aliyuncs.com' },
      'https b.s3.oss-accelerate.aliyuncs.com / oss',
    ],
    ['oss://b', { 'fs.oss.endpoint': 'minio:9000' }, 'http minio:9000 /b/ oss'],
    ['oss://b', { 'fs.oss.endpoint': 'minio:9000', 'fs.oss.pathStyleAccess': 'false' }, 'http b.minio:9000 / oss'],
    ['oss://b', { 'fs.s3.endpoint': 'other', 'fs.oss.endpoint': 'minio' }, 'http minio /b/ oss'],
    ['oss://b', { 'fs.s3.endpoint': 'minio', 'fs.s3.region': 'r' }, 'http minio /b/ r'],
  ];
  for (const [mountPoint, options, expected] of table) {
    test(`${mountPoint} with ${JSON.stringify(options)} is ${expected}`, () => {
      const { secure, host, basePath, region } = plan(mountPoint, options);
      assert.equal(`${secure ? 'https' : 'http'} ${host} ${basePath} ${region}`, expected);
    });
  }

  test('an IPv6 address is connected to without its brackets', () => {
    assert.deepEqual([plan('s3://b', { 'fs.s3.endpoint': '[::1]:9000' }).hostname], ['::1']);
  });
});

suite('openS3()', () => {
  test('names the place by endpoint, bucket and prefix, however it is written', () => {
    const at = (mountPoint: string, scheme: string): string =>
      openS3(spec(mountPoint, { [`fs.${scheme}.endpoint`]: 'minio:9000' }), { logger }).identity;
    assert.equal(at('s3://b/p/q', 's3'), 's3://minio:9000/b/p/q');
    assert.equal(at('s3://b/p/q/', 's3'), 's3://minio:9000/b/p/q');
    assert.equal(at('oss://b/p/q/', 'oss'), 's3://minio:9000/b/p/q');
    assert.equal(at('s3://b', 's3'), 's3://minio:9000/b');
  });

  test('refuses what it does not know, and ignores what other systems keep under fs', () => {
    const lines: string[] = [];
    const noting = createLogger({ write: (line) => lines.push(line) });
    openS3(spec('s3://b', { 'fs.jindo.cache.size': '1', 'fs.s3.odd': 'x' }), { logger: noting });
    assert.equal(lines.length, 2);
    assert.match(lines.join(''), /option=fs\.jindo\.cache\.size[^]*option=fs\.s3\.odd/);
    refuses(spec('s3://b', { endpiont: 'minio' }), /there is no option "endpiont"$/);
    refuses(spec('s3://b', {}, { password: '/f' }), /there is no option "password"$/);
  });

  test('refuses a secret that is no file', () => {
    for (const option of [
      'fs.s3.accessKeyId',
      'fs.oss.accessKeySecret',
      'fs.s3.sessionToken',
      'fs.oss.securityToken',
    ]) {
      const mount = spec('s3://b', { [option]: 'hunter2' });
      refuses(mount, /is a secret and is taken from a file only$/);
      assert.throws(
        () => openS3(mount, { logger }),
        (err: Error) => !err.message.includes('hunter2'),
      );
    }
  });

  test('refuses places, endpoints and values that are none', () => {
    refuses(spec('s3:///prefix'), /no name of a bucket/);
    refuses(spec('s3://a b'), /no name of a bucket/);
    refuses(spec('gs://b'), /neither s3/);
    refuses(spec('oss://b'), /"fs.oss.endpoint" is missing/);
    refuses(spec('s3://b', { 'fs.s3.endpoint': 'http://minio/path' }), /more than a host and a port/);
    refuses(spec('s3://b', { 'fs.s3.endpoint': 'ftp://minio' }), /is no endpoint/);
    refuses(spec('s3://b', { 'fs.s3.endpoint': 'http://id:key@minio' }), /has a secret in it$/);
    refuses(spec('s3://b', { 'fs.s3.region': 'x.example/' }), /is no region/);
    refuses(spec('s3://b', { 'fs.s3.pathStyleAccess': 'yes' }), /is true or false, not "yes"/);
    refuses(spec('s3://b', { 'fs.s3.endpoint': '127.0.0.1:9000', 'fs.s3.pathStyleAccess': 'false' }), /is an address/);
    refuses(spec('s3://b', {}, { 'fs.s3.accessKeyId': '/f' }), /needs both files/);
  });
});
