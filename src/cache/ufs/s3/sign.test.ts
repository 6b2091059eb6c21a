import assert from 'node:assert/strict';
import { createHash, createHmac, type Hash } from 'node:crypto';
import { suite, test } from 'node:test';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { escapePath, escapeValue, toBytes } from './keys.ts';
import { Signer } from './sign.ts';

/** What the SDK's signer wants of a hash. */
class Sha256 {
  readonly #hash: Hash | ReturnType<typeof createHmac>;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    if (secret === undefined) this.#hash = createHash('sha256');
    else this.#hash = createHmac('sha256', typeof secret === 'string' ? secret : new Uint8Array(bytesOf(secret)));
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(typeof data === 'string' ? data : bytesOf(data));
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
  reset(): void {}
}

function bytesOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

suite('Signer', () => {
  test('signs any request as the signer of the AWS SDK does', async () => {
    const signer = new Signer();
    const key = fc.array(fc.string({ unit: 'binary', minLength: 1 }), { minLength: 1 }).map((parts) => parts.join('/'));
    const property = fc.asyncProperty(
      fc.constantFrom('GET', 'HEAD'),
      key.filter((each) => !each.startsWith('/') && each.isWellFormed()),
      fc.dictionary(
        fc.stringMatching(/^[a-z-]{1,9}$/),
        fc.string().filter((each) => each.isWellFormed()),
      ),
      fc.constantFrom('us-east-1', 'oss', 'cn-hangzhou'),
      fc.option(fc.stringMatching(/^[A-Za-z0-9+/=]{1,99}$/), { nil: undefined }),
      fc.date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true }),
      async (method, name, query, region, token, date) => {
        const path = `/bucket/${escapePath(toBytes(name))}`;
        const host = 'minio.example:9000';
        const credentials = { accessKeyId: 'AKID', accessKeySecret: 'a secret/+', token };
        const escaped = Object.entries(query)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([each, value]) => `${each}=${escapeValue(toBytes(value))}`)
          .join('&');
        const ours = signer.sign({ method, host, path, query: escaped }, region, credentials, date.getTime());
        const reference = new SignatureV4({
          credentials: {
            accessKeyId: 'AKID',
            secretAccessKey: 'a secret/+',
            ...(token === undefined ? {} : { sessionToken: token }),
          },
          region,
          service: 's3',
          sha256: Sha256,
          uriEscapePath: false,
        });
        const theirs = await reference.sign(
          { method, protocol: 'http:', hostname: 'minio.example', port: 9000, path, query, headers: { host } },
          { signingDate: date },
        );
        assert.equal(ours['authorization'], theirs.headers['authorization']);
        assert.equal(ours['x-amz-date'], theirs.headers['x-amz-date']);
        assert.equal(ours['x-amz-security-token'], theirs.headers['x-amz-security-token']);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  test('a key kept for one day, region and secret is not used for another', () => {
    const signer = new Signer();
    const request = { method: 'GET', host: 'h', path: '/', query: '' };
    const one = { accessKeyId: 'id', accessKeySecret: 'one', token: undefined };
    const signatures = new Set(
      [
        signer.sign(request, 'r', one, 0),
        signer.sign(request, 'r', { ...one, accessKeySecret: 'other' }, 0),
        signer.sign(request, 'q', one, 0),
        signer.sign(request, 'r', one, 86_400_000),
      ].map((headers) => headers['authorization']?.slice(-64)),
    );
    assert.equal(signatures.size, 4);
  });
});
