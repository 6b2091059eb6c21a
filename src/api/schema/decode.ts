// From JSON to a value of its type, or to everything that is wrong with it. The API server has checked most of it already; objects
// written before the definition was installed, by other releases of it or read from a file, it has not.
import { unreachable } from '../../base/index.ts';
import { isQuantity } from '../quantity.ts';
import { fieldPath, keyPath, type Problem } from './problem.ts';
import type { Field, ObjectShape, Shape, TextShape, Type } from './shape.ts';

export type Decoded<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };

const LIMITS = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  // What JSON carries without loss. Nothing here needs more.
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
} as const;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const SHOWN_CHARACTERS_MAX = 60;

/** Defaults are filled in; null is no value; fields nobody described are dropped, as the API server drops them. */
export function decode<T>(type: Type<T>, json: unknown, path: string): Decoded<T> {
  const problems: Problem[] = [];
  const value = read(type, json, path, problems);
  return problems.length === 0 ? { ok: true, value: value as T } : { ok: false, problems };
}

function read(shape: Shape, json: unknown, path: string, problems: Problem[]): unknown {
  const wrong = wrongWith(shape, json);
  if (wrong !== undefined) {
    problems.push({ path, ...wrong });
    return undefined;
  }
  switch (shape.kind) {
    case 'list':
      return (json as unknown[]).map((item, at) => read(shape.of, item, `${path}[${at}]`, problems));
    case 'map':
      return Object.fromEntries(
        Object.entries(json as object).map(([key, item]) => [key, read(shape.of, item, keyPath(path, key), problems)]),
      );
    case 'object':
      return readObject(shape, json as object, path, problems);
    default:
      return json;
  }
}

type Complaint = Omit<Problem, 'path'>;

/** Of the value itself; what is in it is looked at afterwards. */
function wrongWith(shape: Shape, json: unknown): Complaint | undefined {
  switch (shape.kind) {
    case 'text':
      return typeof json === 'string' ? wrongWithText(shape, json) : wrongType(json, 'write it as text, in quotes');
    case 'integer': {
      const [min, max] = LIMITS[shape.format];
      const fix = 'write a whole number without quotes';
      if (typeof json !== 'number') return wrongType(json, fix);
      if (!Number.isInteger(json)) return { what: `it is ${json}`, fix };
      const least = shape.minimum ?? min;
      if (json >= least && json <= max) return undefined;
      return { what: `it is ${json}`, fix: `write a number from ${least} to ${max}` };
    }
    case 'flag':
      return typeof json === 'boolean' ? undefined : wrongType(json, 'write true or false, without quotes');
    case 'quantity':
      if (isQuantity(json)) return undefined;
      return {
        what: `it is ${typeof json === 'string' ? quote(json) : nameOf(json)}`,
        fix: 'write a quantity, such as 20Gi or 500M',
      };
    case 'list':
      if (!Array.isArray(json)) return wrongType(json, 'write a list');
      if (json.length >= (shape.minItems ?? 0)) return undefined;
      return { what: 'it is an empty list', fix: 'add an item, or leave out the field' };
    case 'map':
    case 'object':
      return isObject(json) ? undefined : wrongType(json, 'write names with their values');
    default:
      return unreachable(shape);
  }
}

function wrongWithText(
  { minLength = 0, words, open, pattern, patternFix, format }: TextShape,
  json: string,
): Complaint | undefined {
  const what = `it is ${quote(json)}`;
  if (json.length < minLength) return { what, fix: `write at least ${minLength} characters` };
  if (words !== undefined && open !== true && !words.includes(json))
    return { what, fix: `write one of ${words.map(quote).join(', ')}` };
  if (pattern !== undefined && !new RegExp(pattern).test(json))
    return { what, fix: patternFix ?? `write what matches ${pattern}` };
  if (format === 'date-time' && !TIME.test(json)) return { what, fix: 'write a time such as 2026-11-21T14:00:00Z' };
  return undefined;
}

function wrongType(json: unknown, fix: string): Complaint {
  return { what: `it is ${nameOf(json)}`, fix };
}

function readObject(shape: ObjectShape, json: object, path: string, problems: Problem[]): unknown {
  const given = new Map<string, unknown>(Object.entries(json));
  const values = Object.entries(shape.fields).map(([name, field]): [string, unknown] => {
    const at = fieldPath(path, name);
    const value = given.get(name) ?? undefined;
    const isMissing = value === undefined || (value === '' && field.presence === 'needed');
    if (!isMissing) return [name, read(field.type, value, at, problems)];
    if (field.presence === 'required' || field.presence === 'needed')
      problems.push({ path: at, what: 'it is missing', fix: howToSet(field) });
    return [name, field.fallback];
  });
  const rest = shape.open ? [...given].filter(([name]) => !Object.hasOwn(shape.fields, name)) : [];
  return Object.fromEntries([...values.filter(([, value]) => value !== undefined), ...rest]);
}

function howToSet(field: Field): string {
  return `set it: ${(/^.*?[.](?=\s|$)/s.exec(field.description)?.[0] ?? field.description).replace(/[.]$/, '')}`;
}

function isObject(json: unknown): json is object {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** Never the value itself: a number in the place of a text may be somebody's password. */
function nameOf(json: unknown): string {
  if (json === undefined || json === null) return 'empty';
  if (Array.isArray(json)) return 'a list';
  if (typeof json === 'number') return 'a number';
  if (typeof json === 'boolean') return 'true or false';
  return typeof json === 'string' ? 'text' : 'an object';
}

function quote(value: string): string {
  const short = value.length > SHOWN_CHARACTERS_MAX ? `${value.slice(0, SHOWN_CHARACTERS_MAX)}…` : value;
  return JSON.stringify(short);
}
