// A runtime with a dataset in a bucket, and what befalls it while readers verify every byte: the same for the crash test and
// the bench.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rank, seatOf } from '../../src/cache/client/index.ts';
import type { SessionStatus } from '../../src/recovery/index.ts';
import { evermount, type Outcome } from './command-line.ts';
import { Cluster, type ClusterOptions, type PartProcess } from './cluster.ts';
import { flipOneBit, SmallDisk } from './damage.ts';
import type { Minio } from './minio.ts';
import { makeScratch, type Scratch } from './mounts.ts';
import { expectFiles, startReader, type Counts, type ExpectedFile, type Reader } from './readers.ts';
import { makeBucket, type Bucket } from './s3-bucket.ts';
import { until } from './wait.ts';

const MIB = 1024 * 1024;
const WORKERS = 3;
/** More than clients hold in memory, so that workers are asked again and again. */
const SIZES = [
  ...Array.from({ length: 40 }, (_, at) => 1 + at * 900),
  ...Array.from({ length: 8 }, (_, at) => MIB + at * 200_000),
  24 * MIB + 12_345,
];
const STEP_MS = 90_000;

export interface RuntimeOptions extends Partial<Omit<ClusterOptions, 'mounts'>> {
  /** Of the files. */
  readonly sizes?: readonly number[];
}

let buckets = 0;

export class Runtime implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly scratch: Scratch;
  readonly bucket: Bucket;
  /** What readers must find. */
  readonly files: ExpectedFile[];
  /** Of the last worker; root only. */
  readonly disk: SmallDisk | undefined;

  private constructor(cluster: Cluster, scratch: Scratch, bucket: Bucket, files: ExpectedFile[], disk?: SmallDisk) {
    this.cluster = cluster;
    this.scratch = scratch;
    this.bucket = bucket;
    this.files = files;
    this.disk = disk;
  }

  static async start(minio: Minio, { sizes = SIZES, ...options }: RuntimeOptions = {}): Promise<Runtime> {
    const scratch = makeScratch();
    const bucket = await makeBucket(minio, `runtime-${process.pid}-${(buckets += 1)}`);
    let disk: SmallDisk | undefined;
    try {
      await fillBucket(bucket, scratch, sizes);
      if (process.getuid?.() === 0) disk = await SmallDisk.mount(scratch.at('small-disk'), 56);
      const small = disk?.path;
      const tierOf = (at: number): string =>
        at === WORKERS - 1 && small !== undefined ? small : scratch.at(`tier-${at}`);
      const mounts = [mountOf(minio, bucket.name, scratch)];
      const cluster = await Cluster.start(scratch, { mounts, workers: WORKERS, clients: 2, tierOf, ...options });
      return new Runtime(cluster, scratch, bucket, expectFiles(scratch.at('data')), disk);
    } catch (err) {
      await disk?.[Symbol.asyncDispose]();
      bucket.close();
      scratch[Symbol.dispose]();
      throw err;
    }
  }

  /** One for each client; past the page cache, so that every read is a request. */
  startReaders(): Promise<Reader[]> {
    const { clients } = this.cluster;
    return Promise.all(clients.map(({ target }) => startReader({ folder: target, files: this.files, direct: true })));
  }

  /** The process that serves the mount of a client. */
  async daemonOf(client: number): Promise<number> {
    const { stdout, stderr } = await this.evermount('status', '--json', this.cluster.clients[client]?.target ?? '');
    const [status] = JSON.parse(stdout) as SessionStatus[];
    if (status?.pids.daemon === undefined) throw new Error(`Cannot find the daemon of client ${client}: ${stderr}`);
    return status.pids.daemon;
  }

  evermount(...args: string[]): Promise<Outcome> {
    return evermount(this.cluster.state, args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
    await this.disk?.[Symbol.asyncDispose]();
    this.bucket.close();
    this.scratch[Symbol.dispose]();
  }
}

export interface Befallen extends Counts {
  readonly kills: number;
  readonly damagedBlocks: number;
}

/** Kills each worker and the master so many times in turn, then fills a disk and flips a bit. Returns what readers met. */
export async function befall(
  { cluster, scratch, disk, files }: Runtime,
  readers: readonly Reader[],
  kills: number,
  tell: (text: string) => void = () => {},
): Promise<Befallen> {
  let killed = 0;
  await progress(readers, files.length); // everything was asked for once
  for (let turn = 1; turn <= kills; turn++) {
    for (const part of [...cluster.workers, cluster.master]) {
      await cluster.kill(part);
      killed += 1;
      await progress(readers, 30);
      await cluster.start(part);
      await progress(readers, 30);
    }
    tell(`turn ${turn} of ${kills}: ${killed} kills`);
  }
  if (disk !== undefined) {
    const release = disk.fill();
    tell('a disk is full');
    await progress(readers, 2 * files.length);
    release();
  }
  const damagedBlocks = await flip(cluster, cluster.workers[0] as PartProcess, scratch);
  tell(`a bit was flipped: ${damagedBlocks} damaged blocks counted`);
  await progress(readers, files.length);
  const all = await Promise.all(readers.map((reader) => reader.stop()));
  return { ...sum(all), kills: killed, damagedBlocks };
}

/** While it is gone, as a disk does it: what the worker had checked before counts no more. */
async function flip(cluster: Cluster, worker: PartProcess, scratch: Scratch): Promise<number> {
  const damaged = async (): Promise<number> =>
    (await cluster.metric(worker, 'evermount_worker_damaged_blocks_total')) ?? 0;
  assert.equal(await damaged(), 0);
  await cluster.kill(worker);
  const seats = cluster.workers.map((_, at) =>
    seatOf(readFileSync(join(cluster.tierOf(at), 'worker-id'), 'utf8').trim()),
  );
  // Copies that were made while another worker was gone are not asked for any more.
  flipOneBit(scratch.at('tier-0'), (name) => {
    const object = /^([0-9a-f]{24})-\d+$/.exec(name)?.[1];
    return object !== undefined && rank(seats, object, 0, 1)[0] === seats[0];
  });
  await cluster.start(worker);
  await until('the damaged block to be found', async () => (await damaged()) > 0, STEP_MS);
  return damaged();
}

/** Every reader reads so many files more, or says why not. */
export async function progress(readers: readonly Reader[], reads: number): Promise<void> {
  await Promise.all(
    readers.map(async (reader) => {
      const from = (await reader.counts()).reads;
      await until('readers to go on', async () => (await reader.counts()).reads >= from + reads, STEP_MS);
    }),
  );
}

function sum(all: readonly Counts[]): Counts {
  return {
    reads: all.reduce((total, it) => total + it.reads, 0),
    bytes: all.reduce((total, it) => total + it.bytes, 0),
    errors: all.reduce((total, it) => total + it.errors, 0),
    wrong: all.reduce((total, it) => total + it.wrong, 0),
    longestStallMs: Math.max(...all.map((it) => it.longestStallMs)),
    remarks: all.flatMap((it) => it.remarks),
  };
}

async function fillBucket(bucket: Bucket, scratch: Scratch, sizes: readonly number[]): Promise<void> {
  for (const [at, sizeBytes] of sizes.entries()) {
    const folder = `d${at % 5}`;
    mkdirSync(scratch.at('data', folder), { recursive: true });
    const content = randomBytes(sizeBytes);
    writeFileSync(scratch.at('data', folder, `f${at}`), content);
    await bucket.put(`${folder}/f${at}`, content);
  }
}

function mountOf(minio: Minio, bucket: string, scratch: Scratch): object {
  const keys = [minio.accessKeyId, minio.accessKeySecret];
  const text = `[default]\naws_access_key_id=${keys[0]}\naws_secret_access_key=${keys[1]}\n`;
  writeFileSync(scratch.at('keys'), text, { mode: 0o600 });
  const options = { 'fs.s3.endpoint': minio.endpoint, 'fs.s3.region': 'us-east-1' };
  return { mountPoint: `s3://${bucket}/`, path: '/', options, secretFiles: { credentials: scratch.at('keys') } };
}
