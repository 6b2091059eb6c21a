// Sizes, ratios and durations in the statuses and labels of the API, to the byte as Fluid prints them: scripts read these columns.
// The sizes for people on our own command line are others (src/base/format.ts).
import { ApiError } from './errors.ts';

/** In the place of a number that is being found out. */
export const CALCULATING = '[Calculating]';
/** In the place of a number there is none of. */
export const NOT_AVAILABLE = 'N/A';
/** The duration of an operation that goes on; of one that runs by a schedule, before it runs again. */
export const UNFINISHED = 'Unfinished';
export const TO_RUN_AGAIN = '-';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'] as const;
const PREFIXES = 'kmgtp';
const LABEL_DIGITS = 4;

/** `0.00B`, `531.89MiB`, `24.00GiB`. */
export function formatSize(sizeBytes: number | bigint): string {
  const { value, unit } = scale(sizeBytes);
  return fixed(value, 2) + unit;
}

/** As capacities in labels of nodes are written, four digits at most: `2GiB`, `1.5GiB`, `1023MiB`. */
export function formatLabelSize(sizeBytes: number | bigint): string {
  const { value, unit } = scale(sizeBytes);
  const digits = Math.max(0, LABEL_DIGITS - String(Math.floor(value)).length);
  return Number(fixed(value, digits)).toString() + unit;
}

/** `24.00GiB`, `24 GiB`, `24g` and `24gib` are the same: every prefix is a power of 1024. Throws 'bad-size'. */
export function parseSize(text: string): number {
  const [match, digits, prefix] = /^\s*(\d+(?:\.\d*)?|\.\d+)\s?([kmgtp]?)i?b?\s*$/i.exec(text) ?? [];
  if (match === undefined) {
    throw new ApiError(`Cannot use the size "${text}": write one such as 24.00GiB`, { code: 'bad-size', value: text });
  }
  const power = prefix === undefined || prefix === '' ? 0 : PREFIXES.indexOf(prefix.toLowerCase()) + 1;
  return Math.round(Number(digits) * 1024 ** power);
}

/** `57.1%`. At most `100.0%`: a cache may for a moment hold more than the storage does. `0.0%` of nothing. */
export function formatPercentage(part: number | bigint, whole: number | bigint): string {
  const ratio = Number(whole) > 0 ? Number(part) / Number(whole) : 0;
  return `${fixed(Math.min(100, Math.max(0, ratio * 100)), 1)}%`;
}

/** Whole seconds: `0s`, `45s`, `1m30s`, `2h0m5s`. */
export function formatSeconds(durationMs: number): string {
  const seconds = Math.round(durationMs / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const leading = hours > 0 ? `${hours}h${minutes % 60}m` : minutes > 0 ? `${minutes}m` : '';
  return `${leading}${seconds % 60}s`;
}

function scale(sizeBytes: number | bigint): { value: number; unit: string } {
  let value = Number(sizeBytes);
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return { value, unit: UNITS[unit] ?? '' };
}

/** Half to even, as Go does it; toFixed() rounds half up. A size can lie exactly in the middle: it is a number of 1024ths. */
function fixed(value: number, digits: number): string {
  const scaled = value * 10 ** digits;
  const isHalf = scaled % 1 === 0.5 && Number.isInteger(value * 2 ** (digits + 1));
  return isHalf ? ((Math.round(scaled / 2) * 2) / 10 ** digits).toFixed(digits) : value.toFixed(digits);
}
