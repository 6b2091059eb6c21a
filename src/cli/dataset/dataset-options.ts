// The options of `evermount mount` that matter for datasets from object storage and other under storages.
import { readFileSync, existsSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ParseArgsOptionsConfig } from 'node:util';
import { parseBytes } from '../bytes.ts';
import { UsageError } from '../exit.ts';
import { parseDuration } from '../session-options.ts';
import type { DatasetConfig, Look } from './dataset-config.ts';
import type { RefreshPolicy } from '../../cache/namespace/index.ts';

export const DATASET_OPTIONS = {
  'cache-dir': { type: 'string' },
  'cache-size': { type: 'string' },
  refresh: { type: 'string' },
  endpoint: { type: 'string' },
  region: { type: 'string' },
  credentials: { type: 'string' },
  profile: { type: 'string' },
  anonymous: { type: 'boolean' },
  option: { type: 'string', multiple: true, short: 'o' },
  'secret-file': { type: 'string', multiple: true },
  uid: { type: 'string' },
  gid: { type: 'string' },
  fmode: { type: 'string' },
  dmode: { type: 'string' },
} as const satisfies ParseArgsOptionsConfig;

export type DatasetValues = { [K in keyof typeof DATASET_OPTIONS]?: string | boolean | string[] | undefined };

export const DATASET_HELP = `  --endpoint URL            of the object store; without a scheme it is plain http, as
                            "minio.local:9000"
  --region NAME             of the bucket (default us-east-1)
  --credentials FILE        access keys in the format of ~/.aws/credentials, which is also the
                            default; read again when the file changes
  --profile NAME            the section of that file (default "default")
  --anonymous               send no credentials
  --option NAME=VALUE, -o   an option of the storage, as fs.s3.pathStyleAccess=true; repeatable
  --secret-file NAME=FILE   an option whose value is secret and stands in a file; repeatable
  --cache-dir DIR           where data and names are kept (default /var/cache/evermount for root,
                            ~/.cache/evermount for users); survives unmounting
  --cache-size 20GiB        the most that is kept there of this source
  --refresh 5m|always|never how old names and attributes may be before the storage is asked again
  --uid N --gid N           owner of files that have none of their own (default: who mounts)
  --fmode 775 --dmode 775   permissions of such files and folders, octal`;

const REFRESH_DEFAULT_MS = 5 * 60_000;
const CACHE_BYTES_DEFAULT = 20 * 2 ** 30;
const CACHE_BYTES_MIN = 64 * 2 ** 20;
const MODE_DEFAULT = 0o775;

/** The configuration for one source at one folder. Throws UsageError that names the option. */
export function datasetConfig(
  mountPoint: string,
  target: string,
  values: DatasetValues,
  who: { uid: number; gid: number; env: NodeJS.ProcessEnv },
): DatasetConfig {
  const text = (name: keyof typeof DATASET_OPTIONS): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const dialect = mountPoint.startsWith('oss:') ? 'oss' : 's3';
  const options: Record<string, string> = pairs('--option', values.option);
  for (const [name, value] of [
    ['endpoint', text('endpoint')],
    ['region', text('region')],
  ] as const) {
    if (value !== undefined) options[`fs.${dialect}.${name}`] = value;
  }
  const secretFiles = Object.fromEntries(
    Object.entries(pairs('--secret-file', values['secret-file'])).map(([name, path]) => [
      name,
      readable('--secret-file', path),
    ]),
  );
  if (mountPoint.startsWith('s3:') || mountPoint.startsWith('oss:')) {
    const given = text('credentials');
    const usual = who.env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(homedir(), '.aws', 'credentials');
    if (given !== undefined) secretFiles['credentials'] = readable('--credentials', given);
    else if (values.anonymous !== true && Object.keys(secretFiles).length === 0 && existsSync(usual))
      secretFiles['credentials'] = resolve(usual);
    const profile = text('profile');
    if (profile !== undefined) options['profile'] = profile;
  }
  const cacheDir = text('cache-dir') ?? defaultCacheDir(who);
  const name = createHash('sha256')
    .update(`${mountPoint}\0${resolve(target)}`)
    .digest('hex')
    .slice(0, 16);
  return {
    kind: 'embedded',
    mounts: [{ mountPoint, path: '/', options, secretFiles }],
    cacheFolder: join(resolve(cacheDir), name),
    cacheBytes: parseBytes('--cache-size', text('cache-size'), CACHE_BYTES_MIN) ?? CACHE_BYTES_DEFAULT,
    refresh: parseRefresh(text('refresh')),
    look: parseLook(values, who),
  };
}

/** How files and folders appear that have no owner and permissions of their own. Throws UsageError. */
export function parseLook(values: DatasetValues, who: { uid: number; gid: number }): Look {
  const text = (name: 'uid' | 'gid' | 'fmode' | 'dmode'): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    uid: number('--uid', text('uid'), 10) ?? who.uid,
    gid: number('--gid', text('gid'), 10) ?? who.gid,
    fmode: number('--fmode', text('fmode'), 8) ?? MODE_DEFAULT,
    dmode: number('--dmode', text('dmode'), 8) ?? MODE_DEFAULT,
  };
}

/** Throws UsageError. */
export function parseRefresh(text: string | undefined): RefreshPolicy {
  if (text === 'always' || text === 'never') return { policy: text };
  return { policy: 'ttl', ttlMs: text === undefined ? REFRESH_DEFAULT_MS : parseDuration('--refresh', text, 1000) };
}

export function defaultCacheDir({ uid, env }: { uid: number; env: NodeJS.ProcessEnv }): string {
  if (uid === 0) return '/var/cache/evermount';
  const base = env['XDG_CACHE_HOME'];
  return join(base !== undefined && base !== '' ? base : join(homedir(), '.cache'), 'evermount');
}

function pairs(option: string, given: string | boolean | string[] | undefined): Record<string, string> {
  const list = Array.isArray(given) ? given : [];
  return Object.fromEntries(
    list.map((each) => {
      const at = each.indexOf('=');
      if (at < 1) throw new UsageError(`Cannot use ${option} "${each}": it takes NAME=VALUE`);
      return [each.slice(0, at), each.slice(at + 1)];
    }),
  );
}

function readable(option: string, path: string): string {
  try {
    readFileSync(path);
    return resolve(path);
  } catch (err) {
    throw new UsageError(`Cannot use ${option} "${path}": ${(err as Error).message}`);
  }
}

function number(option: string, text: string | undefined, base: 8 | 10): number | undefined {
  if (text === undefined) return undefined;
  const value = (base === 8 ? /^[0-7]{1,4}$/ : /^\d{1,10}$/).test(text) ? parseInt(text, base) : NaN;
  if (Number.isNaN(value))
    throw new UsageError(`Cannot use ${option} "${text}": it takes ${base === 8 ? 'octal permissions' : 'a number'}`);
  return value;
}
