// Where requests go. The rules, as users of these storages expect them:
//
// - An endpoint without a scheme is plain http ("minio.default.svc:9000"), but https where it ends in .amazonaws.com or
//   .aliyuncs.com. None at all is https to AWS in the region; oss:// needs one.
// - A region that is not given is read from an endpoint of AWS or Aliyun, else it is "us-east-1", with oss:// "oss".
// - The bucket is part of the host name (virtual-host style) at AWS, unless it has a dot and TLS would not match, and at
//   Aliyun, which has nothing else. Everywhere else it is part of the path, so that no DNS is needed. pathStyleAccess says
//   otherwise.
// - At Aliyun the S3 dialect answers at "s3.oss-REGION…": an "oss-REGION…" is taken for that.
import { isIP } from 'node:net';
import type { MountSpec } from '../mount-spec.ts';
import { badConfig, type S3Options } from './options.ts';

export interface Endpoint {
  readonly secure: boolean;
  /** To connect to; for an IPv6 address without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** As the header has it. */
  readonly host: string;
  /** In front of every key: "/" or "/BUCKET/". */
  readonly basePath: string;
  readonly region: string;
  /** Without the bucket: the part of the identity. */
  readonly name: string;
}

const AWS = /(^|\.)amazonaws\.com(\.cn)?$/;
const ALIYUN = /(^|\.)aliyuncs\.com$/;

export function planEndpoint(options: S3Options, spec: MountSpec): Endpoint {
  const url = parseEndpoint(options, spec);
  const server = url.hostname.replace(/^(oss-[a-z0-9-]+\.aliyuncs\.com)$/, 's3.$1');
  const region = options.region ?? regionOf(server) ?? (options.scheme === 'oss' ? 'oss' : 'us-east-1');
  const secure = url.protocol === 'https:';
  const pathStyle = options.pathStyle ?? !wantsBucketInHost(server, options.bucket, secure);
  if (!pathStyle && isIP(bare(server)) !== 0) {
    throw badConfig(spec, `"${server}" is an address: the bucket cannot be part of its name, use pathStyleAccess`);
  }
  const hostname = pathStyle ? server : `${options.bucket}.${server}`;
  const colonPort = url.port === '' ? '' : `:${url.port}`;
  return {
    secure,
    hostname: bare(hostname),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    host: `${hostname}${colonPort}`,
    basePath: pathStyle ? `/${options.bucket}/` : '/',
    region,
    name: `${server}${colonPort}`,
  };
}

function parseEndpoint(options: S3Options, spec: MountSpec): URL {
  const text = options.endpoint?.trim() ?? '';
  if (text === '') {
    if (options.scheme === 'oss') throw badConfig(spec, 'the option "fs.oss.endpoint" is missing');
    const region = options.region ?? 'us-east-1';
    if (!/^[a-z0-9-]+$/.test(region)) throw badConfig(spec, `"${region}" is no region`);
    return new URL(`https://s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`);
  }
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  const url = URL.parse(hasScheme ? text : `http://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol)) throw badConfig(spec, `"${text}" is no endpoint`);
  if (url.username !== '' || url.password !== '') throw badConfig(spec, 'the endpoint has a secret in it');
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw badConfig(spec, `the endpoint "${text}" has more than a host and a port`);
  }
  const isPublic = AWS.test(url.hostname) || ALIYUN.test(url.hostname);
  return hasScheme || !isPublic ? url : new URL(`https://${text}`);
}

function regionOf(server: string): string | undefined {
  const aws = AWS.test(server) ? /^s3[.-](?:dualstack\.)?([a-z0-9-]+)\.amazonaws\./.exec(server) : null;
  const aliyun = /(?:^|\.)oss-([a-z]+-[a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com$/.exec(server);
  const region = aws?.[1] ?? aliyun?.[1];
  return region?.startsWith('accelerate') === true ? undefined : region;
}

function wantsBucketInHost(server: string, bucket: string, secure: boolean): boolean {
  if (ALIYUN.test(server)) return true;
  return AWS.test(server) && /^[a-z0-9.-]+$/.test(bucket) && !(secure && bucket.includes('.'));
}

function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
