// Ours, through its command line as users have it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Workspace } from '../workspace.ts';
import type { Client, Place } from './client.ts';
import { ACCESS_KEY, BUCKET, SECRET_KEY, type Store } from './store.ts';

const CACHE_SIZE = '20GiB';

/** Options for the bucket, with its keys in a file of the folder. */
export function credentialsOptions(store: Store, folder: string): string[] {
  const credentials = join(folder, 'credentials');
  const keys = `[default]\naws_access_key_id = ${ACCESS_KEY}\naws_secret_access_key = ${SECRET_KEY}\n`;
  writeFileSync(credentials, keys, { mode: 0o600 });
  return ['--credentials', credentials, '--option', `fs.s3.endpoint=${store.endpoint}`];
}

export function evermount({ store, folder }: Place, workspace: Workspace): Client {
  return {
    name: 'evermount',
    prepare: () => Promise.resolve(undefined),
    mount: async (prefix) => {
      const cache = mkdtempSync(join(folder, 'evermount-'));
      const session = await workspace.mount(`s3://${BUCKET}/${prefix}`, [
        ...['--cache-dir', cache, '--cache-size', CACHE_SIZE],
        ...credentialsOptions(store, folder),
      ]);
      const pids = Object.values((await session.status())?.pids ?? {});
      return {
        path: session.target,
        pids: () => pids,
        close: async () => {
          await session.unmount();
          rmSync(cache, { recursive: true, force: true, maxRetries: 3 });
        },
      };
    },
    close: () => Promise.resolve(),
  };
}
