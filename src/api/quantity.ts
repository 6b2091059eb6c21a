// Quantities of Kubernetes: `20Gi`, `500M`, `1.5`, `1e3`, `100m`. Not the sizes Fluid prints (sizes.ts), and not those of the command
// line: there "20G" is a power of 1024, here of 1000.
import { ApiError } from './errors.ts';

const NUMBER = '(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))';
const WRITTEN = `${NUMBER}(([KMGTPE]i)|[numkMGTPE]|([eE]${NUMBER}))?`;
/** What Kubernetes itself puts into schemas. */
export const QUANTITY_PATTERN = `^${WRITTEN}$`;
/** Two or more, separated by commas. */
export const QUANTITY_LIST_PATTERN = `^(${WRITTEN},)+${WRITTEN}$`;

const QUANTITY = /^([+-]?)(\d*)(?:\.(\d*))?(?:([KMGTPE])i|([numkMGTPE])|[eE]([+-]?\d+))?$/;
const BINARY = 'KMGTPE';
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const INT64_MAX = 2n ** 63n - 1n;
const EXPONENT_MAX = 40;

export function isQuantity(value: unknown): value is string | number {
  return (typeof value === 'string' || typeof value === 'number') && wholeOf(value) !== undefined;
}

/** Whole units, such as bytes; a part of one counts as one, as in Kubernetes. Throws 'bad-quantity'. */
export function parseQuantity(value: string | number): bigint {
  const whole = wholeOf(value);
  if (whole !== undefined) return whole;
  throw new ApiError(`Cannot use the quantity "${value}": write one such as 20Gi or 500M, below 8Ei`, {
    code: 'bad-quantity',
    value: String(value),
  });
}

function wholeOf(value: string | number): bigint | undefined {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return undefined;
  const [match, sign, digits = '', fraction = '', binary, decimal, exponent] = QUANTITY.exec(String(value)) ?? [];
  if (match === undefined || digits + fraction === '') return undefined;
  const tens = (decimal === undefined ? Number(exponent ?? 0) : (DECIMAL[decimal] ?? 0)) - fraction.length;
  if (Math.abs(tens) > EXPONENT_MAX || digits.length > EXPONENT_MAX) return undefined;
  const factor = binary === undefined ? 1n : 1024n ** BigInt(BINARY.indexOf(binary) + 1);
  const amount = BigInt(digits + fraction) * factor;
  const size = tens >= 0 ? amount * 10n ** BigInt(tens) : divideUp(amount, 10n ** BigInt(-tens));
  if (size > INT64_MAX) return undefined;
  return sign === '-' ? -size : size;
}

function divideUp(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by;
}
