// What `evermount load` shows: a line while it runs, sentences at its end.
import { formatBytes, formatDuration } from '../../base/index.ts';
import type { LoadProgress, LoadStatus } from '../../cache/rpc/master/index.ts';

export interface Rate {
  readonly bytesPerSecond: number;
  /** Undefined while it cannot be told. */
  readonly leftMs: number | undefined;
}

/** Of what was loaded by the job itself; what was cached before took no time. */
export function rateOf(progress: LoadProgress): Rate {
  const { loadedBytes, hadBytes, foundBytes, walked, elapsedMs } = progress;
  const bytesPerSecond = elapsedMs <= 0 ? 0 : ((loadedBytes - hadBytes) / elapsedMs) * 1000;
  const isTold = walked && bytesPerSecond > 0;
  return {
    bytesPerSecond,
    leftMs: isTold ? (Math.max(0, foundBytes - loadedBytes) / bytesPerSecond) * 1000 : undefined,
  };
}

export function loadLine(progress: LoadProgress, metadataOnly: boolean): string {
  const { state, elapsedMs, foundFiles, foundBytes, loadedFiles, loadedBytes, failedFiles, walked } = progress;
  if (state === 'waiting') return 'waiting for other loads to end';
  const time = formatDuration(elapsedMs).padStart(6);
  if (metadataOnly) return `${time}  ${foundFiles} files, ${formatBytes(foundBytes)} found`;
  const { bytesPerSecond, leftMs } = rateOf(progress);
  const parts = [
    `${loadedFiles} of ${foundFiles}${walked ? '' : '+'} files`,
    `${formatBytes(loadedBytes)} of ${formatBytes(foundBytes)}${walked ? '' : '+'}`,
    `${formatBytes(bytesPerSecond)}/s`,
    ...(leftMs === undefined ? [] : [`${formatDuration(leftMs)} left`]),
    ...(failedFiles === 0 ? [] : [`${failedFiles} failed`]),
  ];
  return `${time}  ${parts.join(', ')}`;
}

export function loadSentences(name: string, { spec, progress }: LoadStatus): string {
  const { state, why, foundFiles, foundBytes, loadedFiles, loadedBytes, hadBytes, elapsedMs } = progress;
  const lines: string[] = [];
  if (spec.metadataOnly === true) {
    lines.push(`Names of ${foundFiles} files, ${formatBytes(foundBytes)}, in ${formatDuration(elapsedMs)}`);
  } else {
    const had = hadBytes === 0 ? '' : ` (${formatBytes(hadBytes)} of it was cached before)`;
    const rate = loadedBytes === hadBytes ? '' : `, ${formatBytes(rateOf(progress).bytesPerSecond)}/s`;
    lines.push(
      `Loaded ${loadedFiles} files, ${formatBytes(loadedBytes)}${had}, in ${formatDuration(elapsedMs)}${rate}`,
    );
  }
  if (state === 'failed') lines.push(`Cannot load all of "${name}": ${why ?? 'the storage failed'}`);
  if (state === 'cancelled') lines.push(`The load of "${name}" was called off`);
  return `${lines.join('\n')}\n${failureLines(progress)}`;
}

function failureLines({ failedFiles, failures }: LoadProgress): string {
  if (failedFiles === 0) return '';
  const told = failures.map(({ path, why }) => `  /${path.toString()}: ${why}\n`);
  const more = failedFiles - failures.length;
  return `Cannot load ${failedFiles} of them:\n${told.join('')}${more > 0 ? `  and ${more} more\n` : ''}`;
}

/** For --json: paths are text there. */
export function loadJson({ id, spec, progress }: LoadStatus): unknown {
  const failures = progress.failures.map(({ path, why }) => ({ path: `/${path.toString()}`, why }));
  return { id, metadataOnly: spec.metadataOnly ?? false, refresh: spec.refresh, ...progress, failures };
}
