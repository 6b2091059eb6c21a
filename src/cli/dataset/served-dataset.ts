// What a daemon needs of a dataset, wherever its names and bytes are.
import type { BlockSource } from '../../cache/fill/index.ts';
import type { Namespace } from '../../cache/namespace/index.ts';

export interface ServedDataset {
  readonly namespace: Namespace;
  readonly blocks: BlockSource;
  /** From here on this process may write and ask; called when it begins to serve. */
  begin: () => void;
  /** Everything is written; another process may begin. */
  end: () => Promise<void>;
}
