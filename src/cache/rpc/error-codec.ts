// Errors on the wire: {room, code, message, …facts}, and the HTTP status that goes with the code.
// A UfsError arrives as the UfsError it was. What is neither a UfsError nor meant for the caller arrives as 'broken'.
import { UfsError, type UfsFault } from '../ufs/index.ts';
import { badAnswer, RpcError, type RpcFault } from './errors.ts';

export type WireError = { readonly room: 'ufs' | 'rpc'; readonly code: string; readonly message: string };

/** The faults of this room that one side tells the other; the rest are found out by the side that calls. */
type ToldFault = Extract<RpcFault, { code: 'bad-request' | 'busy' | 'broken' }>;

type FactKind = 'string' | 'number' | 'number?';
type FactsOf<F extends { code: string }> = {
  readonly [C in F['code']]: {
    readonly status: number;
    readonly facts: Readonly<Record<Exclude<keyof Extract<F, { code: C }>, 'code'>, FactKind>>;
  };
};

const UFS: FactsOf<UfsFault> = {
  'not-found': { status: 404, facts: { path: 'string' } },
  changed: { status: 409, facts: { path: 'string', version: 'string' } },
  denied: { status: 403, facts: { path: 'string', why: 'string' } },
  unavailable: { status: 503, facts: { path: 'string', why: 'string', retryAfterMs: 'number?' } },
  'bad-answer': { status: 502, facts: { path: 'string', why: 'string' } },
  'bad-config': { status: 500, facts: { what: 'string' } },
};

const RPC: FactsOf<ToldFault> = {
  'bad-request': { status: 400, facts: { why: 'string' } },
  busy: { status: 503, facts: { why: 'string' } },
  broken: { status: 500, facts: { why: 'string' } },
};

/** How many characters of a message travel: it may quote a path. */
const MESSAGE_CHARS_MAX = 4096;

export function encodeError(err: unknown): { status: number; body: WireError } {
  if (err instanceof UfsError) {
    return { status: UFS[err.code].status, body: { room: 'ufs', message: cut(err.message), ...err.fault } };
  }
  if (err instanceof RpcError && isTold(err.fault)) {
    return { status: RPC[err.fault.code].status, body: { room: 'rpc', message: cut(err.message), ...err.fault } };
  }
  const why = 'an unexpected error';
  return { status: 500, body: { room: 'rpc', message: `Cannot answer: ${why}`, code: 'broken', why } as WireError };
}

/** The error that the other side told of; 'bad-answer' if what arrived is none. */
export function decodeError(address: string, value: unknown): UfsError | RpcError {
  if (!isRecord(value)) return badAnswer(address, 'an error without a description');
  const { room, code, message } = value;
  if (typeof code !== 'string' || typeof message !== 'string') return badAnswer(address, 'an error without a code');
  const known = factsOf(room === 'ufs' ? UFS : RPC, code);
  const facts = known && pickFacts(known, value);
  if (facts === undefined) return badAnswer(address, `an unknown error "${code}": ${message}`);
  if (room === 'ufs') return new UfsError(message, { code, ...facts } as unknown as UfsFault);
  return new RpcError(message, { code, ...facts } as unknown as RpcFault);
}

function isTold(fault: RpcFault): fault is ToldFault {
  return Object.hasOwn(RPC, fault.code);
}

function factsOf(
  table: Readonly<Record<string, { facts: Readonly<Record<string, FactKind>> }>>,
  code: string,
): Readonly<Record<string, FactKind>> | undefined {
  return Object.hasOwn(table, code) ? table[code]?.facts : undefined;
}

function pickFacts(
  kinds: Readonly<Record<string, FactKind>>,
  value: Record<string, unknown>,
): Record<string, unknown> | undefined {
  const facts: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    const fact = value[name];
    if (fact === undefined && kind.endsWith('?')) continue;
    if (typeof fact !== kind.replace('?', '')) return undefined;
    facts[name] = fact;
  }
  return facts;
}

function cut(message: string): string {
  return message.length <= MESSAGE_CHARS_MAX ? message : `${message.slice(0, MESSAGE_CHARS_MAX)}…`;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
