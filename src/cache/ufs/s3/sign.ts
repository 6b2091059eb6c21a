// AWS Signature Version 4 in the Authorization header.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
// The signing key depends on the day, the region and the credentials only, so it is kept.
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import type { Credentials } from './credentials.ts';

export interface Unsigned {
  readonly method: string;
  /** As the header has it. */
  readonly host: string;
  /** Escaped, as it is sent. */
  readonly path: string;
  /** Escaped, as it is sent: sorted by name, without "?". */
  readonly query: string;
  /** Hex. Default: that of no body. */
  readonly bodySha256?: string;
}

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export class Signer {
  #day = '';
  #region = '';
  #credentials: Credentials | undefined;
  #key: KeyObject = createSecretKey(Buffer.alloc(1));

  /** The headers to send, `host` among them. */
  sign(request: Unsigned, region: string, credentials: Credentials, nowMs: number): Record<string, string> {
    const { bodySha256 = EMPTY_SHA256 } = request;
    const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
    const day = time.slice(0, 8);
    const scope = `${day}/${region}/s3/aws4_request`;
    const { token } = credentials;
    const signed = `host;x-amz-content-sha256;x-amz-date${token === undefined ? '' : ';x-amz-security-token'}`;
    const headers =
      `host:${request.host}\nx-amz-content-sha256:${bodySha256}\nx-amz-date:${time}\n` +
      (token === undefined ? '' : `x-amz-security-token:${token}\n`);
    const canonical = `${request.method}\n${request.path}\n${request.query}\n${headers}\n${signed}\n${bodySha256}`;
    const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash('sha256', canonical, 'hex')}`;
    const signature = createHmac('sha256', this.#keyOf(day, region, credentials))
      .update(toSign)
      .digest('hex');
    return {
      host: request.host,
      'x-amz-date': time,
      'x-amz-content-sha256': bodySha256,
      ...(token === undefined ? undefined : { 'x-amz-security-token': token }),
      authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
    };
  }

  #keyOf(day: string, region: string, credentials: Credentials): KeyObject {
    if (day !== this.#day || region !== this.#region || credentials !== this.#credentials) {
      const hmac = (key: Buffer | string, part: string): Buffer => createHmac('sha256', key).update(part).digest();
      const bytes = [region, 's3', 'aws4_request'].reduce(hmac, hmac(`AWS4${credentials.accessKeySecret}`, day));
      this.#key = createSecretKey(bytes); // making one costs ten times what signing with it does
      [this.#day, this.#region, this.#credentials] = [day, region, credentials];
    }
    return this.#key;
  }
}
