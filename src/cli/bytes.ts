// Sizes as people write them.
import { UsageError } from './exit.ts';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};

/** "20GiB", "20Gi", "20G" are powers of 1024, "20GB" of 1000. Undefined for undefined. Throws UsageError naming the option. */
export function parseBytes(option: string, text: string | undefined, leastBytes: number): number | undefined {
  if (text === undefined) return undefined;
  const found = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(iB?|B)?$/i.exec(text);
  const unit = found === null ? '' : (found[2] ?? '').toUpperCase() + (found[3]?.toUpperCase() === 'B' ? 'B' : '');
  const bytes = found === null ? NaN : Math.floor(Number(found[1]) * (UNITS[unit === 'B' ? '' : unit] ?? NaN));
  if (!Number.isSafeInteger(bytes) || bytes < leastBytes) {
    throw new UsageError(
      `Cannot use ${option} "${text}": it takes a size such as 500MiB or 20GiB, at least ${leastBytes} bytes`,
    );
  }
  return bytes;
}
