// From what a user wrote to a storage that answers. Asks nobody anything yet: a storage that is away is no reason not to mount.
import type { Logger } from '../../../base/index.ts';
import type { MountSpec } from '../mount-spec.ts';
import { DEFAULT_RETRY, type RetryDeps } from '../retry.ts';
import type { Ufs } from '../ufs.ts';
import { CredentialFiles } from './credentials.ts';
import { planEndpoint } from './endpoint.ts';
import { S3_LIMITS, type S3Limits } from './limits.ts';
import { decodeS3Options } from './options.ts';
import { S3Ufs } from './s3.ts';
import { Transport } from './transport.ts';

export interface S3Deps {
  readonly logger: Logger;
  /** Default S3_LIMITS. */
  readonly limits?: Partial<S3Limits>;
  /** Of the pages of a listing, which only this storage can go on with; default DEFAULT_RETRY. */
  readonly retry?: RetryDeps;
  /** The clock of signatures; default the system's. */
  readonly nowMs?: () => number;
}

/** Throws 'bad-config'. Reads are tried once: wrap it in a RetryingUfs. */
export function openS3(spec: MountSpec, deps: S3Deps): Ufs {
  const options = decodeS3Options(spec, deps.logger);
  const endpoint = planEndpoint(options, spec);
  const limits = { ...S3_LIMITS, ...deps.limits };
  const nowMs = deps.nowMs ?? Date.now;
  const credentials = new CredentialFiles(options.secrets, limits.credentialsCheckMs, () => performance.now());
  const transport = new Transport(endpoint, { limits, credentials, logger: deps.logger, nowMs });
  const place = {
    identity: `s3://${endpoint.name}/${options.bucket}/${options.prefix}`.replace(/\/$/, ''),
    basePath: endpoint.basePath,
    prefix: options.prefix,
  };
  return new S3Ufs(place, { transport, limits, retry: deps.retry ?? DEFAULT_RETRY });
}
