// agreed-json: what a connection agreed on, as it is saved for a successor. The flag word is a hex string, because JSON
// numbers end at 2^53. Reading trusts nothing: a wrong word here would misread every later frame.
import { inspect } from 'node:util';
import { WireError } from './errors.ts';
import { KERNEL_VERSION_MAJOR, KERNEL_VERSION_MINOR } from './init.ts';
import { MINOR_MIN } from './negotiate.ts';
import type { Agreed } from './negotiate.ts';

export type AgreedJson = Omit<Agreed, 'flags'> & { readonly flags: string };

const U16_MAX = 0xffff;
const U32_MAX = 0xffffffff;

export function agreedToJson(agreed: Agreed): AgreedJson {
  return { ...agreed, flags: `0x${agreed.flags.toString(16)}` };
}

/** Throws WireError on anything agreedToJson would not have written; fields it does not know are dropped. */
export function agreedFromJson(json: unknown): Agreed {
  if (typeof json !== 'object' || json === null) throw badValue('agreed', json);
  const fields = json as Record<string, unknown>;
  return {
    major: integer(fields, 'major', KERNEL_VERSION_MAJOR, KERNEL_VERSION_MAJOR),
    minor: integer(fields, 'minor', MINOR_MIN, KERNEL_VERSION_MINOR),
    maxReadahead: integer(fields, 'maxReadahead', 0, U32_MAX),
    flags: flagWord(fields['flags']),
    maxBackground: integer(fields, 'maxBackground', 0, U16_MAX),
    congestionThreshold: integer(fields, 'congestionThreshold', 0, U16_MAX),
    maxWrite: integer(fields, 'maxWrite', 1, U32_MAX),
    timeGran: integer(fields, 'timeGran', 0, U32_MAX),
    maxPages: integer(fields, 'maxPages', 1, U16_MAX),
    maxStackDepth: integer(fields, 'maxStackDepth', 0, U32_MAX),
    requestTimeout: integer(fields, 'requestTimeout', 0, U16_MAX),
  };
}

function integer(fields: Record<string, unknown>, name: keyof Agreed, min: number, max: number): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw badValue(`agreed.${name}`, value);
  }
  return value;
}

function flagWord(value: unknown): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,16}$/.test(value)) throw badValue('agreed.flags', value);
  return BigInt(value);
}

function badValue(what: string, value: unknown): WireError {
  return new WireError({ code: 'bad-value', what, value: inspect(value) });
}
