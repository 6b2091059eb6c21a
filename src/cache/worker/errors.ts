// What keeps a worker from working.
import { Fault } from '../../base/index.ts';

export type WorkerFault =
  /** Another live process shows the id of this one: its cache folder was copied, or it was started twice. */
  | { code: 'conflict'; id: string; heldBy: string }
  /** The file that holds the id is none. */
  | { code: 'bad-identity'; path: string };

export class WorkerError extends Fault<WorkerFault> {}
