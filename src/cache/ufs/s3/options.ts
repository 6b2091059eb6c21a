// What a user wrote about an s3:// or oss:// mount, checked once. Both dialects take the same options, as fs.s3.NAME and
// fs.oss.NAME; where both are given the one of the mount's own scheme counts. Secrets come from files only.
import type { Logger } from '../../../base/index.ts';
import { UfsError, type UfsFault } from '../errors.ts';
import type { MountSpec } from '../mount-spec.ts';

export interface S3Options {
  readonly scheme: 's3' | 'oss';
  readonly bucket: string;
  /** Of every key: empty, or ending in "/". */
  readonly prefix: string;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly pathStyle: boolean | undefined;
  readonly secrets: SecretFiles;
}

/** Paths of files. Anonymous: none of them. */
export type SecretFiles =
  | { kind: 'anonymous' }
  | { kind: 'values'; accessKeyId: string; accessKeySecret: string; token: string | undefined }
  | { kind: 'aws-file'; path: string; profile: string };

const SECRET_NAMES = ['accessKeyId', 'accessKeySecret', 'sessionToken', 'securityToken'];
const OPTION_NAMES = ['endpoint', 'region', 'pathStyleAccess', 'profile'];
/** Names without a dialect. */
const CREDENTIALS = 'credentials';
const PROFILE = 'profile';

export function decodeS3Options(spec: MountSpec, logger: Logger): S3Options {
  const place = /^(s3|oss):\/\/([^/]*)\/?(.*)$/su.exec(spec.mountPoint);
  if (place === null) throw badConfig(spec, 'it is neither s3://BUCKET/PREFIX nor oss://BUCKET/PREFIX');
  const [, scheme = '', bucket = '', rest = ''] = place;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/.test(bucket)) throw badConfig(spec, `"${bucket}" is no name of a bucket`);
  const options = takeKnown(spec, spec.options, OPTION_NAMES, [PROFILE], logger);
  const files = takeKnown(spec, spec.secretFiles, SECRET_NAMES, [CREDENTIALS], logger);
  return {
    scheme: scheme as 's3' | 'oss',
    bucket,
    prefix: /^\/*$/.test(rest) ? '' : rest.endsWith('/') ? rest : `${rest}/`,
    endpoint: options.get('endpoint'),
    region: options.get('region'),
    pathStyle: decodeBoolean(spec, 'pathStyleAccess', options.get('pathStyleAccess')),
    secrets: decodeSecrets(spec, files, options.get('profile')),
  };
}

export function badConfig(spec: MountSpec, why: string, cause?: unknown): UfsError {
  const fault: UfsFault = { code: 'bad-config', what: why };
  return new UfsError(`Cannot use "${spec.mountPoint}": ${why}`, fault, cause === undefined ? undefined : { cause });
}

/** By their name without dialect. What is unknown is refused, but for what other systems keep under "fs.". */
function takeKnown(
  spec: MountSpec,
  given: Readonly<Record<string, string>>,
  dialectNames: readonly string[],
  plainNames: readonly string[],
  logger: Logger,
): Map<string, string> {
  const own = spec.mountPoint.startsWith('oss:') ? 'fs.oss.' : 'fs.s3.';
  const known = new Map<string, string>();
  for (const [option, value] of Object.entries(given)) {
    const [, dialect = '', name = option] = /^(fs\.s3\.|fs\.oss\.)(.+)$/.exec(option) ?? [];
    if (given === spec.options && SECRET_NAMES.includes(name)) {
      throw badConfig(spec, `"${option}" is a secret and is taken from a file only`);
    }
    if ((dialect === '' ? plainNames : dialectNames).includes(name)) {
      if (dialect === own || !known.has(name)) known.set(name, value);
    } else if (option.startsWith('fs.')) {
      logger.info('option ignored', { mountPoint: spec.mountPoint, option });
    } else {
      throw badConfig(spec, `there is no option "${option}"`);
    }
  }
  return known;
}

function decodeBoolean(spec: MountSpec, name: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  if (value !== 'true' && value !== 'false') throw badConfig(spec, `"${name}" is true or false, not "${value}"`);
  return value === 'true';
}

function decodeSecrets(spec: MountSpec, files: Map<string, string>, profile = 'default'): SecretFiles {
  const accessKeyId = files.get('accessKeyId');
  const accessKeySecret = files.get('accessKeySecret');
  const token = files.get('sessionToken') ?? files.get('securityToken');
  const path = files.get(CREDENTIALS);
  if (accessKeyId !== undefined && accessKeySecret !== undefined) {
    return { kind: 'values', accessKeyId, accessKeySecret, token };
  }
  if (accessKeyId !== undefined || accessKeySecret !== undefined || token !== undefined) {
    throw badConfig(spec, 'an access key needs both files, of accessKeyId and of accessKeySecret');
  }
  return path === undefined ? { kind: 'anonymous' } : { kind: 'aws-file', path, profile };
}
