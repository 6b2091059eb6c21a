// What `evermount cache` shows of a mount or a master: a line in a table, or all that is known of one.
import { formatBytes, formatTable } from '../../base/index.ts';
import type { LoadStatus } from '../../cache/rpc/master/index.ts';
import type { CacheSummary } from '../dataset/cache-summary.ts';
import { loadLine } from './load-report.ts';

export interface CacheRow {
  /** Where it is mounted, or the master's address. */
  readonly target: string;
  readonly source: string;
  /** Undefined: nobody answers just now. */
  readonly summary: CacheSummary | undefined;
  readonly loads: readonly LoadStatus[];
}

export function cacheTable(rows: readonly CacheRow[]): string {
  const of = (show: (summary: CacheSummary) => string) => (row: CacheRow) =>
    row.summary === undefined ? '?' : show(row.summary);
  return `${formatTable(rows, [
    { title: 'TARGET', text: ({ target }) => target },
    { title: 'SOURCE', text: ({ source }) => source },
    { title: 'CACHED', text: of(({ cachedBytes }) => formatBytes(cachedBytes)), align: 'right' },
    { title: 'OF', text: of(({ bytes }) => size(bytes)), align: 'right' },
    { title: 'FILES', text: of(({ files }) => count(files)), align: 'right' },
    { title: 'QUOTA', text: of(({ capacityBytes }) => formatBytes(capacityBytes)), align: 'right' },
    { title: 'HITS', text: of(({ cacheHitRatio }) => percent(cacheHitRatio)), align: 'right' },
    { title: 'EVICTED', text: of(({ store }) => size(store?.evictedBytes, '-')), align: 'right' },
    { title: 'DAMAGED', text: of(({ store }) => String(store?.damagedBlocks ?? '-')), align: 'right' },
    { title: 'LOADING', text: ({ loads }) => (loads.length === 0 ? '-' : String(loads.length)), align: 'right' },
  ])}\n`;
}

export function cacheDetails({ target, source, summary, loads }: CacheRow): string {
  if (summary === undefined) return `${target}: ${source}\nNobody answers just now; "evermount status" tells more\n`;
  const { store } = summary;
  const lines: [string, string][] = [
    ['target', target],
    ['source', source],
    ['in the source', `${count(summary.files)} files, ${size(summary.bytes)}`],
    ['cached', `${formatBytes(summary.cachedBytes)} of ${size(summary.bytes)}`],
    ['quota', formatBytes(summary.capacityBytes)],
  ];
  if (summary.workers > 0) lines.push(['workers', String(summary.workers)]);
  const read =
    summary.readBytes === undefined
      ? ''
      : ` of ${formatBytes(summary.readBytes)} that daemons gave to readers since it was mounted`;
  lines.push(['read from the cache', `${percent(summary.cacheHitRatio)}${read}`]);
  if (store !== undefined) {
    lines.push(['evicted', formatBytes(store.evictedBytes)]);
    lines.push(['damaged blocks', `${store.damagedBlocks}${store.damagedBlocks > 0 ? ', none of them served' : ''}`]);
    for (const { medium, path, usedBytes, quotaBytes, failed } of store.tiers) {
      const why = failed === undefined ? '' : `; nothing more is written there: ${failed}`;
      lines.push([`tier ${medium}`, `${path}, ${formatBytes(usedBytes)} of ${formatBytes(quotaBytes)}${why}`]);
    }
  }
  for (const { spec, progress } of loads) {
    const paths = spec.paths.map((path) => `/${path.toString()}`).join(' ');
    lines.push([`loading ${paths}`, loadLine(progress, spec.metadataOnly === true).trim()]);
  }
  const width = Math.max(...lines.map(([title]) => title.length));
  return lines.map(([title, text]) => `${title.padEnd(width)}  ${text}\n`).join('');
}

function size(bytes: number | undefined, unknown = '[Calculating]'): string {
  return bytes === undefined ? unknown : formatBytes(bytes);
}

function count(files: number | undefined): string {
  return files === undefined ? '[Calculating]' : String(files);
}

function percent(ratio: number | undefined): string {
  return ratio === undefined ? '-' : `${Math.floor(ratio * 1000) / 10}%`;
}
