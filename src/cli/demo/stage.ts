// What a demo needs besides readers and kills: files that are known, and how each mount of them is made.
import type { Source } from '../sources.ts';
import type { SampleFile } from './sample.ts';

export interface Stage {
  /** What readers read, by name and hash. */
  readonly sample: readonly SampleFile[];
  /** What is mounted at the target. */
  readonly ours: (target: string) => OurSource;
  readonly ordinary: (target: string) => Promise<OrdinaryMount>;
  /** What is mounted, in words. */
  readonly remark: string;
}

export interface OurSource {
  readonly source: Source;
  /** As for a session's record. */
  readonly sourceConfig: string;
}

/** Where the demo keeps what it makes; all of it goes away with the demo. */
export interface Room {
  readonly path: string;
  readonly stateFolder: string;
  readonly log: string;
  /** Undone in reverse order at the end. */
  readonly stack: AsyncDisposableStack;
  readonly signal: AbortSignal;
}

export interface OrdinaryMount {
  /** What serves it. */
  readonly name: string;
  /** SIGKILLs its only daemon. */
  kill(): Promise<void>;
  end(): Promise<void>;
}
