// What under storages are given besides their mount, by whoever builds them.
import type { Logger } from '../../base/index.ts';

export interface UfsDeps {
  readonly logger: Logger;
  /** Claim name → the folder it is mounted at: somebody else mounts claims. */
  readonly claims?: Readonly<Record<string, string>>;
}
