// Buckets for tests, filled by the AWS SDK: an S3 client that shares no code with the one under test.
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Minio } from './minio.ts';

export interface Bucket {
  readonly name: string;
  /** Keys are bytes of UTF-8. */
  put(key: string | Buffer, bytes: Buffer | string): Promise<void>;
  remove(key: string | Buffer): Promise<void>;
  /** Anybody may read and list it. */
  makePublic(): Promise<void>;
  /** Anybody may read this object, nobody may without credentials list. */
  makeReadable(key: string): Promise<void>;
  close(): void;
}

export async function makeBucket(minio: Minio, name: string): Promise<Bucket> {
  const client = new S3Client({
    endpoint: minio.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: minio.accessKeyId, secretAccessKey: minio.accessKeySecret },
  });
  await client.send(new CreateBucketCommand({ Bucket: name }));
  const allow = async (statements: readonly object[]): Promise<void> => {
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: statements.map((each) => ({ Effect: 'Allow', Principal: { AWS: ['*'] }, ...each })),
    });
    await client.send(new PutBucketPolicyCommand({ Bucket: name, Policy }));
  };
  return {
    name,
    async put(key, bytes) {
      await client.send(
        new PutObjectCommand({
          Bucket: name,
          Key: key.toString(),
          Body: bytes,
          ContentLength: Buffer.byteLength(bytes),
        }),
      );
    },
    async remove(key) {
      await client.send(new DeleteObjectCommand({ Bucket: name, Key: key.toString() }));
    },
    async makePublic() {
      await allow([
        { Action: ['s3:ListBucket'], Resource: [`arn:aws:s3:::${name}`] },
        { Action: ['s3:GetObject'], Resource: [`arn:aws:s3:::${name}/*`] },
      ]);
    },
    async makeReadable(key) {
      await allow([{ Action: ['s3:GetObject'], Resource: [`arn:aws:s3:::${name}/${key}`] }]);
    },
    close() {
      client.destroy();
    },
  };
}

/** A folder with a file per secret, as Kubernetes mounts them. */
export class SecretFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'evermount-secrets-'));

  /** Returns the path of the file. */
  write(name: string, value: string): string {
    const path = join(this.path, name);
    writeFileSync(path, value, { mode: 0o600 });
    return path;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
