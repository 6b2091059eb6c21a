// Everything a bench over an object store works with: the store with its data, who takes part, and the end of it all.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { BenchOptions } from '../bench.ts';
import type { Workspace } from '../workspace.ts';
import type { Client, Place } from './client.ts';
import { evermount } from './evermount.ts';
import { juicefs } from './juicefs.ts';
import { rclone } from './rclone.ts';
import { s3fs } from './s3fs.ts';
import { Store } from './store.ts';

export interface Setting {
  readonly store: Store;
  /** The data set as plain files is in here, if the bench has made it. */
  readonly plain: string;
  /** Files of the bench itself. */
  readonly folder: string;
  readonly clients: readonly Client[];
}

export const CLIENTS = ['evermount', 'rclone', 's3fs', 'juicefs'] as const;
export type ClientName = (typeof CLIENTS)[number];

/** Starts the store; `use` then has the clients that can take part here. */
export async function inSetting<T>(
  workspace: Workspace,
  options: BenchOptions,
  names: readonly ClientName[],
  use: (setting: Setting) => Promise<T>,
): Promise<T> {
  const kept = options.data ?? workspace.trees;
  const store = await Store.start(join(kept, 'minio'));
  const folder = join(workspace.trees, 'clients');
  const plain = join(kept, 'plain');
  const setting = { store, plain, folder };
  const clients: Client[] = [];
  try {
    mkdirSync(folder);
    for (const name of names) {
      if (options.clients !== undefined && !options.clients.includes(name)) continue;
      const client = clientOf(name, { store, folder }, plain, workspace);
      clients.push(client);
      const why = await client.prepare();
      if (why === undefined) continue;
      clients.pop();
      options.progress(`bench: without ${name}: ${why}`);
    }
    return await use({ ...setting, clients });
  } finally {
    for (const client of clients) await client.close();
    await store.stop();
  }
}

function clientOf(name: ClientName, place: Place, plain: string, workspace: Workspace): Client {
  switch (name) {
    case 'evermount':
      return evermount(place, workspace);
    case 'rclone':
      return rclone(place);
    case 's3fs':
      return s3fs(place);
    case 'juicefs':
      return juicefs(place, plain);
  }
}
