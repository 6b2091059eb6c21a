// The demo over a real S3 server: the sample in a bucket, mounted with a cache that begins empty and holds only a part of it,
// so that there are requests to the store to die in the middle of for as long as the demo lasts.
import { join } from 'node:path';
import { formatBytes } from '../../base/index.ts';
import { datasetConfig } from '../dataset/dataset-options.ts';
import { encodeDatasetConfig } from '../dataset/dataset-config.ts';
import { parseSource } from '../sources.ts';
import { makeS3fs, makeUnsupervised } from './ordinary-mount.ts';
import { startS3Server } from './s3-server.ts';
import type { SampleFile } from './sample.ts';
import type { OurSource, Room, Stage } from './stage.ts';
import { uploadSample } from './upload.ts';

const BUCKET = 'demo';
/** What part of the sample the cache holds. */
const CACHE_SHARE = 0.25;
const CACHE_BYTES_MIN = 4 * 1024 * 1024;

export async function s3Stage(
  minio: string,
  folder: string,
  sample: readonly SampleFile[],
  room: Room,
): Promise<Stage> {
  const server = room.stack.adopt(await startS3Server(minio, room.path, room.log, room.signal), (each) => each.end());
  const uploaded = await uploadSample(server, BUCKET, folder, sample, room.signal);
  const totalBytes = uploaded.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const cacheBytes = Math.max(CACHE_BYTES_MIN, Math.floor(totalBytes * CACHE_SHARE));
  const source = parseSource(`s3://${BUCKET}`);
  const ours = (target: string): OurSource => {
    const config = datasetConfig(
      source.spec,
      target,
      {
        endpoint: `http://${server.host}`,
        credentials: server.credentialsFile,
        'cache-dir': join(room.path, 'cache'),
      },
      { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, env: process.env },
    );
    return { source, sourceConfig: encodeDatasetConfig({ ...config, cacheBytes }) };
  };
  return {
    sample: uploaded,
    ours,
    // s3fs if it is installed and works, else our own daemon with nobody to watch over it.
    ordinary: async (target) =>
      (await makeS3fs(server, BUCKET, target, room)) ??
      (await makeUnsupervised(ours(target), target, room.stateFolder)),
    remark: `${formatBytes(totalBytes)} of ${folder} in a bucket of MinIO, a cache of ${formatBytes(cacheBytes)}, empty at the beginning`,
  };
}
