// Metrics in the text format of Prometheus (0.0.4). Names end in their unit, base units only: seconds, bytes, ratios.
//
// Counting costs an addition. Whatever something else already knows is asked for when the text is written, not counted twice.

export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  /** Never by less than 0. Default 1. */
  add(amount?: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

/** From a millisecond to half a minute. */
export const SECONDS_BUCKETS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];

/** Several series of one family share its help; a series that is there already is given again. */
export interface Metrics {
  /** `name` ends in `_total`. */
  counter(name: string, help: string, labels?: Labels): Counter;
  /** A counter that something else keeps; asked whenever the text is written. */
  counted(name: string, help: string, read: () => number, labels?: Labels): void;
  /** `read` is asked whenever the text is written; undefined leaves the series out. A later one replaces an earlier one. */
  gauge(name: string, help: string, read: () => number | undefined, labels?: Labels): void;
  /** `name` ends in `_seconds` or `_bytes`; `buckets` are upper bounds, rising. */
  histogram(name: string, help: string, buckets: readonly number[], labels?: Labels): Histogram;
  /** The text of /metrics. */
  expose(): string;
}

type Kind = 'counter' | 'gauge' | 'histogram';

interface Series {
  write(name: string, labels: string): string;
}

interface Family {
  readonly kind: Kind;
  readonly help: string;
  readonly series: Map<string, Series>;
}

const NAME: Record<Kind, RegExp> = {
  counter: /^[a-z][a-z0-9_]*_total$/,
  gauge: /^[a-z][a-z0-9_]*(?<!_total)$/,
  histogram: /^[a-z][a-z0-9_]*_(seconds|bytes)$/,
};
const LABEL = /^[a-z][a-z0-9_]*$/;

/** Names and labels that break the rules, or a name used for two kinds, are programmer errors and throw. */
export function createMetrics(): Metrics {
  return new Registry();
}

class Registry implements Metrics {
  readonly #families = new Map<string, Family>();

  counter(name: string, help: string, labels: Labels = {}): Counter {
    const { series } = this.#family('counter', name, help);
    const key = formatLabels(labels);
    const known = series.get(key);
    if (known instanceof CounterSeries) return known;
    const made = new CounterSeries();
    series.set(key, made);
    return made;
  }

  counted(name: string, help: string, read: () => number, labels: Labels = {}): void {
    this.#family('counter', name, help).series.set(formatLabels(labels), new ReadSeries(read));
  }

  gauge(name: string, help: string, read: () => number | undefined, labels: Labels = {}): void {
    this.#family('gauge', name, help).series.set(formatLabels(labels), new ReadSeries(read));
  }

  histogram(name: string, help: string, buckets: readonly number[], labels: Labels = {}): Histogram {
    if ('le' in labels) throw new Error(`Cannot make the metric "${name}": "le" is the label of its buckets`);
    const { series } = this.#family('histogram', name, help);
    const key = formatLabels(labels);
    const known = series.get(key);
    if (known instanceof HistogramSeries) return known;
    const made = new HistogramSeries(buckets);
    series.set(key, made);
    return made;
  }

  expose(): string {
    let text = '';
    for (const [name, { kind, help, series }] of this.#families) {
      let lines = '';
      for (const [labels, one] of series) lines += one.write(name, labels);
      if (lines !== '') text += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${kind}\n${lines}`;
    }
    return text;
  }

  #family(kind: Kind, name: string, help: string): Family {
    const known = this.#families.get(name);
    if (known !== undefined) {
      if (known.kind !== kind) throw new Error(`Cannot make the ${kind} "${name}": it is a ${known.kind} already`);
      return known;
    }
    if (!NAME[kind].test(name)) throw new Error(`Cannot make the ${kind} "${name}": the name does not end as it must`);
    const family: Family = { kind, help, series: new Map() };
    this.#families.set(name, family);
    return family;
  }
}

class CounterSeries implements Counter, Series {
  #value = 0;

  add(amount = 1): void {
    if (!(amount >= 0)) throw new Error(`Cannot count ${amount}: counters only grow`);
    this.#value += amount;
  }

  write(name: string, labels: string): string {
    return line(name, labels, this.#value);
  }
}

class ReadSeries implements Series {
  readonly #read: () => number | undefined;

  constructor(read: () => number | undefined) {
    this.#read = read;
  }

  write(name: string, labels: string): string {
    const value = this.#read();
    return value === undefined ? '' : line(name, labels, value);
  }
}

class HistogramSeries implements Histogram, Series {
  readonly #bounds: readonly number[];
  /** One more than bounds: the last takes what is above all of them. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(buckets: readonly number[]) {
    const rising = buckets.every((bound, at) => Number.isFinite(bound) && bound > (buckets[at - 1] ?? -Infinity));
    if (!rising || buckets.length === 0)
      throw new Error(`Cannot make a histogram of ${buckets.join(', ')}: not rising`);
    this.#bounds = buckets;
    this.#counts = new Float64Array(buckets.length + 1);
  }

  observe(value: number): void {
    let at = 0;
    while (at < this.#bounds.length && value > (this.#bounds[at] ?? 0)) at += 1;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  write(name: string, labels: string): string {
    let text = '';
    let below = 0;
    this.#counts.forEach((count, at) => {
      below += count;
      const le = `le="${formatNumber(this.#bounds[at] ?? Infinity)}"`;
      text += line(`${name}_bucket`, labels === '' ? le : `${labels},${le}`, below);
    });
    return text + line(`${name}_sum`, labels, this.#sum) + line(`${name}_count`, labels, below);
  }
}

function line(name: string, labels: string, value: number): string {
  return `${name}${labels === '' ? '' : `{${labels}}`} ${formatNumber(value)}\n`;
}

function formatLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => {
      if (!LABEL.test(name)) throw new Error(`Cannot make a metric with the label "${name}": no such name is allowed`);
      return `${name}="${escapeLabel(value)}"`;
    })
    .join(',');
}

function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
