// What a bench is.
import type { Row } from './report.ts';

export interface BenchOptions {
  /** Ends within a minute: fewer and smaller, same kinds. */
  quick: boolean;
  /** failover: replace files of the source all the time. */
  replace: boolean;
  /** failover: how many kills in all. */
  kills: number | undefined;
  /** Tells a person what is going on, on standard error. */
  progress: (text: string) => void;
}

export interface Bench {
  name: string;
  purpose: string;
  /** Measures. Leaves nothing behind: no mount, no process, no file. */
  run: (options: BenchOptions) => Promise<Row[]>;
}
