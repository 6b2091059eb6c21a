// What a bench is.
import type { Row } from './report.ts';

export interface BenchOptions {
  /** Ends within a minute: fewer and smaller, same kinds. */
  quick: boolean;
  /** failover: replace files of the source all the time. */
  replace: boolean;
  /** failover: how many kills in all. */
  kills: number | undefined;
  /** datasets, find: where the object store keeps its data, to be used again by the next run. */
  data: string | undefined;
  /** datasets, find: the only ones to take part, beside raw and local. */
  clients: readonly string[] | undefined;
  /** Tells a person what is going on, on standard error. */
  progress: (text: string) => void;
}

export interface Bench {
  name: string;
  purpose: string;
  /** Measures. Leaves nothing behind: no mount, no process, no file. */
  run: (options: BenchOptions) => Promise<Row[]>;
  /** The rows for a person, where a line for each is not the best way. */
  table?: (rows: readonly Row[]) => string;
}
