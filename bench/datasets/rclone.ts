// rclone mount, with the flags its documentation advises for data that does not change under it.
import { ensureTool } from '../../scripts/tools.ts';
import { mountBy, type Client, type Place } from './client.ts';
import { ACCESS_KEY, BUCKET, SECRET_KEY } from './store.ts';

const FLAGS = [
  ...['--read-only', '--config', '/dev/null', '--use-server-modtime', '--no-checksum', '--vfs-fast-fingerprint'],
  ...['--vfs-cache-mode', 'full', '--vfs-cache-max-size', '20G', '--vfs-cache-max-age', '24h'],
  ...['--vfs-read-chunk-size', '128M', '--buffer-size', '64M', '--vfs-read-ahead', '256M'],
  ...['--dir-cache-time', '24h', '--attr-timeout', '1h', '--poll-interval', '0'],
];

export function rclone({ store, folder }: Place): Client {
  let program = '';
  return {
    name: 'rclone',
    prepare: async () => {
      program = await ensureTool('rclone');
      return undefined;
    },
    mount: (prefix) =>
      mountBy('rclone', folder, {
        program,
        args: (target, cache) => ['mount', ...FLAGS, '--cache-dir', cache, `bench:${BUCKET}/${prefix}`, target],
        env: {
          RCLONE_CONFIG_BENCH_TYPE: 's3',
          RCLONE_CONFIG_BENCH_PROVIDER: 'Minio',
          RCLONE_CONFIG_BENCH_ENDPOINT: store.endpoint,
          RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: ACCESS_KEY,
          RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: SECRET_KEY,
        },
      }),
    close: () => Promise.resolve(),
  };
}
