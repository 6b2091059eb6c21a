// s3fs with its cache on disk and everything it can remember about names remembered.
import { accessSync, constants, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { mountBy, type Client, type Place } from './client.ts';
import { ACCESS_KEY, BUCKET, SECRET_KEY } from './store.ts';

const OPTIONS = [
  ...['ro', 'use_path_request_style', 'kernel_cache', 'enable_noobj_cache'],
  ...['parallel_count=16', 'multipart_size=16', 'max_stat_cache_size=1000000', 'stat_cache_expire=86400'],
];

export function s3fs({ store, folder }: Place): Client {
  return {
    name: 's3fs',
    prepare: () => Promise.resolve(isInstalled('s3fs') ? undefined : 's3fs is not installed'),
    mount: (prefix) => {
      const secret = join(folder, 's3fs.passwd');
      writeFileSync(secret, `${ACCESS_KEY}:${SECRET_KEY}\n`, { mode: 0o600 });
      return mountBy('s3fs', folder, {
        program: 's3fs',
        args: (target, cache) => [
          ...[`${BUCKET}:/${prefix}`, target, '-f', '-o'],
          [...OPTIONS, `url=${store.endpoint}`, `use_cache=${cache}`, `passwd_file=${secret}`].join(','),
        ],
      });
    },
    close: () => Promise.resolve(),
  };
}

export function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
