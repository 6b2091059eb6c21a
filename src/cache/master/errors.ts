// What a master cannot do by itself. What goes wrong in the storage or on the wire stays the error of that room.
import { Fault } from '../../base/index.ts';

export type MasterFault =
  /** A file in the meta-dir is not what a master writes. */
  | { code: 'damaged'; path: string }
  /** No mounts were given, and none are known from before. */
  | { code: 'no-mounts'; metaDir: string }
  | { code: 'too-many'; what: string; limit: number };

export class MasterError extends Fault<MasterFault> {}
