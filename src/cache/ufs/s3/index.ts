// cache/ufs/s3: s3:// and oss:// (by its S3 dialect) as an under storage.
// Speaks HTTP and signs by itself: three kinds of requests, and per request a fraction of what the AWS SDK costs; the SDK is
// what the tests compare the signatures with. Loaded on first use.
export { openS3, type S3Deps } from './open.ts';
export { Signer, type Unsigned } from './sign.ts';
