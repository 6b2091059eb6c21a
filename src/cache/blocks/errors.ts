// What can be wrong with a cache folder when it is opened. Later troubles degrade one path and are told by usage().
import { Fault } from '../../base/index.ts';

export type BlocksFault =
  /** The folder the user named is not there. */
  | { code: 'path-missing'; path: string }
  /** It is there and cannot be used. */
  | { code: 'path-unusable'; path: string; why: string }
  /** Another release, or something else altogether, wrote what is there. */
  | { code: 'foreign-format'; path: string; found: string }
  /** Another live process keeps its cache there. */
  | { code: 'in-use'; path: string }
  | { code: 'bad-config'; what: string };

export class BlocksError extends Fault<BlocksFault> {}
