// What the demo shows: a line while it runs, a table at its end.
import { formatBytes, formatDuration, formatTable } from '../../base/index.ts';
import type { KillCounts } from './kills.plan.ts';
import { READERS } from './readers.ts';
import type { StoreTold } from './store-watch.ts';
import { errorCount, type Tally } from './tally.ts';

export interface Outcome {
  source: string;
  /** What was mounted, in words. */
  remark: string;
  sampleFiles: number;
  seconds: number;
  ours: { kills: KillCounts; takeovers: number; readers: number; tally: Tally };
  ordinary: { name: string; kills: { daemon: number }; readers: number; tally: Tally };
  /** Where there is a store behind the mount. */
  store?: StoreTold;
  ok: boolean;
}

export function isFlawless(kills: KillCounts, tally: Tally): boolean {
  const allKinds = kills.daemon > 0 && kills.vault > 0 && kills.supervisor > 0;
  return allKinds && tally.files > 0 && tally.wrongBytes === 0 && tally.lostReaders === 0 && errorCount(tally) === 0;
}

export function progressLine(kills: KillCounts, planned: KillCounts, tally: Tally, elapsedMs: number): string {
  const killed = (['daemon', 'vault', 'supervisor'] as const).map((kind) => `${kind} ${kills[kind]}/${planned[kind]}`);
  const counts = [
    `${tally.files} files, ${formatBytes(tally.bytes)} compared`,
    `${errorCount(tally)} errors`,
    `${tally.wrongBytes} wrong bytes`,
    `longest stall ${formatDuration(tally.longestStallMs)}`,
  ];
  return `${formatDuration(elapsedMs).padStart(5)}  killed: ${killed.join(', ')}  |  ${counts.join(', ')}`;
}

export function finalReport({ remark, seconds, ours, ordinary, store, ok }: Outcome): string {
  const row = (title: string, show: (tally: Tally) => string): [string, string, string] => [
    title,
    show(ours.tally),
    show(ordinary.tally),
  ];
  const kills = Object.entries(ours.kills).map(([kind, count]) => `${count} ${kind}${count === 1 ? '' : 's'}`);
  const rows: [string, string, string][] = [
    ['killed (SIGKILL)', kills.join(', '), '1 daemon'],
    row('files compared (SHA-256)', ({ files }) => String(files)),
    row('reads', ({ reads }) => String(reads)),
    row('bytes', ({ bytes }) => formatBytes(bytes)),
    row('errors', errorText),
    row('wrong bytes', ({ wrongBytes }) => String(wrongBytes)),
    row('longest stall of one call', ({ longestStallMs }) => formatDuration(longestStallMs)),
  ];
  if (ours.tally.lostReaders + ordinary.tally.lostReaders > 0)
    rows.push(row('readers stuck or dead', ({ lostReaders }) => String(lostReaders)));
  if (ours.tally.changed + ordinary.tally.changed > 0)
    rows.push(row('changed in the source meanwhile', ({ changed }) => String(changed)));
  if (store !== undefined) {
    rows.push(['fetched from the store, at least', formatBytes(store.fetchedBytes), '']);
    rows.push(['daemons killed while they fetched', String(store.killsInFlight), '']);
  }
  const table = formatTable(rows, [
    { title: '', text: ([title]) => title },
    { title: 'EVERMOUNT', text: ([, mine]) => mine },
    { title: `ORDINARY MOUNT (${ordinary.name})`, text: ([, , theirs]) => theirs },
  ]);
  return `
${table}

${remark}, ${Math.round(seconds)} s,
${READERS} readers on each mount: two open every file anew, two keep the ones they
opened at the beginning. O_DIRECT and no passthrough: every read was answered by a daemon, none by the page cache.
${ok ? 'Nobody noticed.' : 'Cannot call this a success: see the numbers above.'}
`;
}

function errorText(tally: Tally): string {
  const names = Object.entries(tally.errors).map(([name, count]) => `${name} ${count}`);
  return names.length === 0 ? '0' : `${errorCount(tally)} (${names.join(', ')})`;
}
