// Mounts of buckets for tests: one MinIO for a test file, a proxy before it that can misbehave, buckets by need, and for
// each mount a cache folder in the mount's own scratch folder.
import { writeFileSync } from 'node:fs';
import type { ExpectedFile } from './readers.ts';
import { FaultProxy } from './fault-proxy.ts';
import { startMinio, type Minio } from './minio.ts';
import { makeScratch, mountSource, type Scratch, type TestMount } from './mounts.ts';
import { sha256 } from './readers.ts';
import { makeBucket, type Bucket } from './s3-bucket.ts';
import { IS_ROOT } from './require-fuse.ts';

export interface DatasetRequest {
  readonly bucket: string;
  /** Default: all of the bucket. */
  readonly prefix?: string;
  /** Options of `evermount mount`, besides those that name the storage and the cache folder. */
  readonly options?: readonly string[];
  /** Where the cache is kept; default a folder that goes with the mount. */
  readonly cacheDir?: string;
  /** Default: the right keys. */
  readonly credentials?: string;
}

/** Where requests go that need no fault is decided by the proxy's rules, not by the mount. */
export class ObjectStore implements AsyncDisposable {
  readonly minio: Minio;
  readonly proxy: FaultProxy;
  readonly #scratch: Scratch;
  readonly #buckets: Bucket[] = [];

  private constructor(minio: Minio, proxy: FaultProxy) {
    this.minio = minio;
    this.proxy = proxy;
    this.#scratch = makeScratch();
  }

  static async start(): Promise<ObjectStore> {
    const minio = await startMinio();
    return new ObjectStore(minio, await FaultProxy.start(minio.port));
  }

  /** A new bucket with these objects. */
  async bucket(name: string, objects: Readonly<Record<string, Buffer | string>> = {}): Promise<Bucket> {
    const bucket = await makeBucket(this.minio, name);
    this.#buckets.push(bucket);
    await putAll(bucket, Object.entries(objects));
    return bucket;
  }

  /** A file in the format of ~/.aws/credentials; the same name again replaces it. */
  credentials(name = 'credentials', keys: { id: string; secret: string } = this.#keys()): string {
    const path = this.#scratch.at(name);
    writeFileSync(path, `[default]\naws_access_key_id = ${keys.id}\naws_secret_access_key = ${keys.secret}\n`, {
      mode: 0o600,
    });
    return path;
  }

  /** What `evermount mount` is told of the storage. */
  options(cacheDir: string, credentials = this.credentials()): string[] {
    return ['--endpoint', this.proxy.origin, '--credentials', credentials, '--cache-dir', cacheDir];
  }

  /** Mounts through the proxy; the test fails if that does not succeed. */
  mount(request: DatasetRequest): Promise<TestMount> {
    const { bucket, prefix, options = [], cacheDir, credentials } = request;
    return mountSource({
      source: sourceOf(bucket, prefix),
      options: (scratch) => [...this.options(cacheDir ?? scratch.at('cache'), credentials), ...options],
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const bucket of this.#buckets) bucket.close();
    await this.proxy.close();
    await this.minio.stop();
    this.#scratch[Symbol.dispose]();
  }

  #keys(): { id: string; secret: string } {
    return { id: this.minio.accessKeyId, secret: this.minio.accessKeySecret };
  }
}

export function sourceOf(bucket: string, prefix?: string): string {
  return `s3://${bucket}${prefix === undefined ? '' : `/${prefix}`}`;
}

const PUTS_AT_ONCE = 16;

/** Puts many objects, some at a time. */
export async function putAll(bucket: Bucket, objects: Iterable<readonly [string, Buffer | string]>): Promise<void> {
  const left = objects[Symbol.iterator]();
  const putSome = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) await bucket.put(...next.value);
  };
  await Promise.all(Array.from({ length: PUTS_AT_ONCE }, putSome));
}

/** What readers of a mount of these objects must find. */
export function expectObjects(objects: Readonly<Record<string, Buffer | string>>): ExpectedFile[] {
  return Object.entries(objects).map(([path, content]) => {
    const bytes = Buffer.from(content);
    return { path, sizeBytes: bytes.length, sha256: [sha256(bytes)] };
  });
}

/** Makes the kernel forget the pages, names and attributes it keeps, of all mounts. Only root may; false where it cannot. */
export function dropKernelCaches(): boolean {
  if (!IS_ROOT) return false;
  writeFileSync('/proc/sys/vm/drop_caches', '3');
  return true;
}
