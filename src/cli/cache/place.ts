// Whom the commands about caches talk to: the daemon of a mount, by its control socket, or a master.
import { join } from 'node:path';
import { createLogger } from '../../base/index.ts';
import { openRpcClient, type RpcClient } from '../../cache/rpc/index.ts';
import { stateFolder } from '../../recovery/index.ts';
import { CONTROL_SOCKET } from '../dataset/control-socket.ts';
import { UsageError } from '../exit.ts';
import { findSessionOf } from '../find-session.ts';

export const PLACE_OPTIONS = { master: { type: 'string' }, 'token-file': { type: 'string' } } as const;

export const PLACE_HELP = `  --master HOST:PORT  ask this master instead of a mount; PATH is then one of its dataset
  --token-file FILE   holds the token that the master wants`;

export interface Place {
  readonly client: RpcClient;
  /** Of the dataset: the empty path is all of it. */
  readonly path: Buffer;
  /** As it was given. */
  readonly name: string;
}

/** Undefined: nothing of ours is mounted there. Throws UsageError for a mount that has no cache, and for bad options. */
export function openPlace(
  command: string,
  positionals: readonly string[],
  values: { readonly master?: string | undefined; readonly 'token-file'?: string | undefined },
): Place | undefined {
  const [name, ...rest] = positionals;
  const { master, 'token-file': tokenFile } = values;
  if (rest.length > 0 || (name === undefined && master === undefined)) {
    throw new UsageError(`${command} takes one DIR or DIR/PATH; see evermount ${command} --help`);
  }
  const log = createLogger({ level: 'error' });
  if (master !== undefined) {
    if (tokenFile === undefined) throw new UsageError('--master takes --token-file FILE as well');
    const path = (name ?? '').split('/').filter(Boolean).join('/');
    return {
      client: openRpcClient({ address: master, tokenFile }, { log }),
      path: Buffer.from(path),
      name: `/${path}`,
    };
  }
  if (tokenFile !== undefined) throw new UsageError('--token-file is for --master');
  const found = findSessionOf(stateFolder(process.env, process.getuid?.() ?? 0), String(name));
  const { folder, record } = found?.session ?? {};
  if (found === undefined || folder === undefined || record === undefined) {
    process.stderr.write(`evermount: Cannot ${command} "${String(name)}": nothing of ours is mounted there\n`);
    return undefined;
  }
  if (record.sourceConfig === '') {
    throw new UsageError(
      `Cannot ${command} "${String(name)}": ${record.source} is mounted there, which is read where it lies and has no cache`,
    );
  }
  const address = join(folder.path, CONTROL_SOCKET);
  return { client: openRpcClient({ address }, { log }), path: Buffer.from(found.path), name: String(name) };
}
